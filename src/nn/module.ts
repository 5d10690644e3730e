import { assign, type Loaded, type Sources } from '../ops/assign.ts';
import type { Tensor } from '../tensor.ts';
import { Parameter } from './parameter.ts';

/**
 * A layer or a model. Its public fields are its structure: those that hold parameters, modules, or arrays of them are found by looking, in
 * the order of their declaration, and named as the fields (`encoder.layers.0.weight`). Private `#fields` are its own business.
 *
 * ```ts
 * class Classifier extends Module {
 *   readonly hidden: Linear;
 *   readonly scale: Parameter;
 *   constructor(gpu: Gpu, rng: Rng) {
 *     super();
 *     this.hidden = new Linear(gpu, 8, 2, { rng });
 *     this.scale = parameter(full(gpu, [2], 1));
 *   }
 *   forward(x: Tensor): Tensor {
 *     return mul(this.hidden.forward(x), this.scale);
 *   }
 * }
 * ```
 */
export abstract class Module {
  /** Whether layers that behave otherwise in training (dropout) do so; set by `train()` and `eval()`. */
  training = true;

  /** The trainable parameters by name, each once: what `valueAndGrad` and optimisers take. */
  parameters(): Record<string, Tensor> {
    const seen = new Set<Parameter>();
    const fresh = ([, p]: [string, Parameter]) => p.trainable && !seen.has(p) && seen.add(p);
    return Object.fromEntries(this.#parameters().filter(fresh));
  }

  /** This module (named '') and all modules inside it, by name. */
  namedModules(): [name: string, module: Module][] {
    return [...walk(this)].filter((entry): entry is [string, Module] => entry[1] instanceof Module);
  }

  /** All parameters by name, also those that are not trained, and shared ones under each of their names. They stay the module's own. */
  stateDict(): Record<string, Tensor> {
    return Object.fromEntries(this.#parameters());
  }

  /**
   * Copies values into the parameters, or, if anything does not fit, nothing.
   *
   * @param state   tensors, or `{ shape, data }`, by name: a record, or the map that `readSafetensors` gives
   * @param options `strict` (default true): names that are missing or unexpected are errors
   * @returns the names that were missing and unexpected
   * @throws ShapeError that lists every missing and unexpected name and every wrong shape or value
   */
  loadStateDict(state: Sources, options: { readonly strict?: boolean } = {}): Loaded {
    return assign('loadStateDict', this.stateDict(), state, options.strict ?? true);
  }

  /** Sets `training` here and in all modules inside. */
  train(mode = true): this {
    for (const [, module] of this.namedModules()) module.training = mode;
    return this;
  }

  /** The same as `train(false)`. */
  eval(): this {
    return this.train(false);
  }

  /** Frees all parameters. */
  dispose(): void {
    for (const [, p] of this.#parameters()) p.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #parameters(): [string, Parameter][] {
    return [...walk(this)].filter((entry): entry is [string, Parameter] => entry[1] instanceof Parameter);
  }
}

/** The modules and parameters in `value`, itself included, by name. `above`: the modules it lies in, since a child may know its parent. */
function* walk(value: unknown, name = '', above: readonly unknown[] = []): Generator<[string, Module | Parameter]> {
  if (value instanceof Parameter) yield [name, value];
  if (Array.isArray(value)) for (const [i, v] of value.entries()) yield* walk(v, `${name}.${i}`, above);
  if (!(value instanceof Module) || above.includes(value)) return;
  yield [name, value];
  for (const [field, v] of Object.entries(value)) yield* walk(v, name ? `${name}.${field}` : field, [...above, value]);
}
