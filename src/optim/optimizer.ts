import type { TensorTree } from '../autograd/tape.ts';
import { tick } from '../generated/kernels.ts';
import { assign, type Sources } from '../ops/assign.ts';
import { ArgumentError, DisposedError, FoveaError } from '../runtime/errors.ts';
import type { Gpu } from '../runtime/gpu.ts';
import { dispatch } from '../runtime/kernel.ts';
import { keep, scope } from '../runtime/scope.ts';
import type { Tensor } from '../tensor.ts';
import { Layout, planPack } from './flat.ts';
import { checkTensors, matchGrads, named } from './tree.ts';

export interface OptimizerOptions {
  /** The learning rate; >= 0. */
  readonly lr: number;
  /** The largest norm of all gradients together; beyond it they are scaled down. Default none. */
  readonly clipNorm?: number;
}

/** What the first kernel of a step needs to know of the method. */
export interface Tick {
  readonly beta1: number;
  readonly beta2: number;
  readonly dampening: number;
}

/** Element of `scalars` that holds the learning rate; see shaders/lib/step_scalars.inc.wgsl. */
const LR = 2;

/**
 * What the optimisers share. The parameters are moved into one flat storage (they stay the same tensors), so that one dispatch updates them
 * all; what changes from step to step is worked out on the device. A step takes ceil(n / 7) + 2 dispatches for n parameters.
 */
export abstract class Optimizer {
  readonly gpu: Gpu;
  /** u32[1]: how many steps were made; also a `state` for `dropout`, new in each step. */
  readonly steps: Tensor;
  /** f32[]: with `clipNorm`, the norm of the gradients of the last step before they were clipped. */
  readonly gradNorm: Tensor;
  protected readonly layout: Layout;
  protected readonly params: readonly (readonly [name: string, t: Tensor])[];
  /** All parameters, flat. */
  protected readonly values: Tensor;
  protected readonly scalars: Tensor;
  readonly #name: string;
  readonly #clipNorm: number | undefined;
  readonly #tick: Tick;
  readonly #owned: Tensor[] = [];
  #lr: number;
  #state: Record<string, Tensor> | null = null;

  constructor(name: string, params: TensorTree, options: OptimizerOptions, tick: Tick) {
    const { lr, clipNorm } = options;
    this.#name = name;
    this.params = named(params);
    checkTensors(name, 'params', this.params);
    checkOption(name, 'lr', lr, lr >= 0, '>= 0');
    if (clipNorm !== undefined) checkOption(name, 'clipNorm', clipNorm, clipNorm > 0, '> 0');
    this.#clipNorm = clipNorm;
    this.#tick = tick;
    this.#lr = lr;
    const tensors = this.params.map(([, t]) => t);
    this.gpu = (tensors[0] as Tensor).gpu;
    const sizes = tensors.map((t) => t.size);
    this.layout = new Layout(sizes, planPack(this.gpu, sizes));
    this.values = this.own(this.gpu.empty([this.layout.total], 'f32', name));
    this.layout.pack(tensors, this.values, false);
    tensors.forEach((t, i) => t.rebase(this.values.storage.retain(), 4 * (this.layout.offsets[i] as number)));
    this.steps = this.own(this.gpu.zeros([1], 'u32'));
    this.scalars = this.own(this.gpu.tensor(new Float32Array(8)));
    this.gradNorm = this.own(this.scalars.reinterpret('f32', []));
    this.#writeLr();
  }

  get lr(): number {
    return this.#lr;
  }

  /** Takes effect from the next step on. */
  set lr(lr: number) {
    checkOption(this.#name, 'lr', lr, lr >= 0, '>= 0');
    if (lr === this.#lr) return;
    this.#lr = lr;
    this.#writeLr();
  }

  /**
   * Updates all parameters in place. The gradients stay the caller's.
   *
   * @param grads in the structure of the parameters, as `valueAndGrad` gives them
   * @throws ArgumentError, ShapeError when gradients are missing, unknown or of another shape than their parameter
   */
  step(grads: TensorTree): void {
    const tensors = matchGrads(this.#name, this.params, grads);
    this.#checkPlace();
    const { total, sums } = this.layout;
    const clipping = this.#clipNorm !== undefined;
    scope(() => {
      const flat = this.gpu.empty([total + (clipping ? 4 * sums : 0)], 'f32', this.#name);
      this.layout.pack(tensors, flat, clipping);
      const { beta1, beta2, dampening } = this.#tick;
      const params = {
        ...{ sums_at: total / 4, sum_count: sums, max_norm: this.#clipNorm ?? 0 },
        ...{ log_beta1: logOf(beta1), log_beta2: logOf(beta2), dampening },
      };
      const { steps, scalars } = this;
      dispatch(this.gpu, tick, { flat, steps, scalars }, params, 1, {
        CLIPPING: clipping,
        WG: clipping ? this.layout.plan.WG : 1,
      });
      this.update(flat);
    });
  }

  /** The one dispatch that updates all parameters. */
  protected abstract update(grads: Tensor): void;

  /** The flat storages with a value for each parameter that a checkpoint must hold, by name. */
  protected abstract moments(): Readonly<Record<string, Tensor>>;

  /** `steps`, and each moment of each parameter as `moment1.encoder.weight`: views of the optimiser's own memory. The learning rate is yours. */
  stateDict(): Record<string, Tensor> {
    this.#state ??= { steps: this.steps, ...this.#views() };
    return { ...this.#state };
  }

  /**
   * Copies values into the optimiser's state, or, if anything does not fit, nothing.
   *
   * @param state what `stateDict` gave, or the same from a file
   * @throws ShapeError that lists every missing and unexpected name and every wrong shape
   */
  loadStateDict(state: Sources): void {
    assign('loadStateDict', this.stateDict(), state, true);
  }

  /** Frees the optimiser's memory; the parameters live on. */
  dispose(): void {
    for (const t of this.#owned.splice(0)) t.dispose();
    this.#state = null;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Keeps `t` until the optimiser is disposed. */
  protected own(t: Tensor): Tensor {
    this.#owned.push(keep(t));
    return t;
  }

  #views(): Record<string, Tensor> {
    const views: Record<string, Tensor> = {};
    for (const [moment, flat] of Object.entries(this.moments())) {
      this.params.forEach(([name, p], i) => {
        views[`${moment}.${name}`] = this.own(flat.reinterpret('f32', p.shape, 4 * (this.layout.offsets[i] as number)));
      });
    }
    return views;
  }

  #checkPlace(): void {
    if (this.values.disposed) throw new DisposedError(this.#name, 'step was called after dispose()');
    const moved = this.params.find(([, t]) => t.storage !== this.values.storage);
    if (moved) throw new FoveaError(this.#name, `${moved[0]} is in the hands of another optimiser, made later`);
  }

  #writeLr(): void {
    const { storage, byteOffset } = this.scalars;
    this.gpu.write(storage, byteOffset + 4 * LR, new Uint8Array(new Float32Array([this.#lr]).buffer));
  }
}

/** @internal Throws unless `ok`. */
export function checkOption(op: string, name: string, value: number, ok: boolean, range: string): void {
  if (!ok || !Number.isFinite(value)) throw new ArgumentError(op, `${name} must be ${range}, got ${value}`);
}

/** ln beta, in doubles; finite also for 0, for which beta^t comes out as 0. */
const logOf = (beta: number): number => Math.max(Math.log(beta), -200);
