// Learning rates as functions of the step, counted from 0: `optimizer.lr = schedule(step)`.

export type Schedule = (step: number) => number;

/** The same rate in every step. */
export const constant =
  (lr: number): Schedule =>
  () =>
    lr;

/** lr / steps, 2 lr / steps, ... up to lr in step `steps - 1`; from step `steps` on what `after` gives for 0, 1, ..., by default lr. */
export const linearWarmup =
  (lr: number, steps: number, after: Schedule = constant(lr)): Schedule =>
  (step) =>
    step < steps ? (lr * (step + 1)) / steps : after(step - steps);

/** From lr in a straight line to `end` in step `steps`, and `end` from there on. */
export const linearDecay =
  (lr: number, steps: number, end = 0): Schedule =>
  (step) =>
    lr + (end - lr) * part(step, steps);

/**
 * From lr along half a cosine to `end` in step `steps`, and `end` from there on.
 *
 * Loshchilov and Hutter: SGDR (ICLR 2017), https://arxiv.org/abs/1608.03983, without restarts.
 */
export const cosineDecay =
  (lr: number, steps: number, end = 0): Schedule =>
  (step) =>
    end + 0.5 * (lr - end) * (1 + Math.cos(Math.PI * part(step, steps)));

/** lr times `factor` after each `every` steps. */
export const stepDecay =
  (lr: number, every: number, factor = 0.1): Schedule =>
  (step) =>
    lr * factor ** Math.floor(step / every);

const part = (step: number, steps: number): number => (steps > 0 ? Math.min(step / steps, 1) : 1);
