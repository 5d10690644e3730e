import { type DType, describe, fromData, type HostArray, type Shape } from '../host.ts';
import { ShapeError } from '../runtime/errors.ts';
import { keep } from '../runtime/scope.ts';
import { Tensor } from '../tensor.ts';

/** What a parameter can be loaded from: a tensor, or host data as a safetensors file holds it. */
export type StateValue = Tensor | { readonly shape: Shape; readonly data: HostArray };

/** Marks a tensor as a parameter: no scope frees it, only its module's `dispose()`. */
export function parameter(t: Tensor): Tensor {
  return keep(t);
}

/**
 * Base of all layers and models. Its fields are its structure: a tensor is a parameter, a module (or an array of modules) a part, named as the
 * field, in the order of declaration. Private `#fields` are its own business.
 */
export abstract class Module {
  /** Whether dropout and the like are active; set by `train()` and `eval()`. */
  training = true;

  /** All parameters by dotted name (`encoder.weight`, `layers.0.bias`), in the order of declaration. */
  parameters(): Record<string, Tensor> {
    const found: Record<string, Tensor> = {};
    for (const [prefix, module] of this.namedModules()) {
      for (const [name, value] of Object.entries(module)) {
        if (value instanceof Tensor) found[prefix ? `${prefix}.${name}` : name] = value;
      }
    }
    return found;
  }

  /** This module (named '') and all parts of it, by dotted name. */
  namedModules(): [name: string, module: Module][] {
    const below = (name: string, value: unknown): [string, Module][] => {
      if (value instanceof Module) return value.namedModules().map(([inner, m]) => [inner ? `${name}.${inner}` : name, m]);
      if (Array.isArray(value)) return value.flatMap((v, i) => below(`${name}.${i}`, v));
      return [];
    };
    return [['', this], ...Object.entries(this).flatMap(([name, value]) => below(name, value))];
  }

  /** What `loadStateDict` and a safetensors file take: the parameters themselves, not copies. */
  stateDict(): Record<string, Tensor> {
    return this.parameters();
  }

  /**
   * Copies values into the parameters.
   *
   * @param values by name
   * @param options `strict` (default): every parameter must be there and nothing else; otherwise those of equal name are loaded
   * @throws ShapeError listing every missing, unexpected and wrongly shaped name; then nothing has been changed
   */
  loadStateDict(values: Readonly<Record<string, StateValue>>, options: { readonly strict?: boolean } = {}): void {
    const { strict = true } = options;
    const own = this.parameters();
    const missing = Object.keys(own).filter((name) => !(name in values));
    const unexpected = Object.keys(values).filter((name) => !(name in own));
    const misshapen = Object.entries(own)
      .filter(([name, t]) => values[name] && values[name].shape.join() !== t.shape.join())
      .map(([name, t]) => `${name} is [${values[name]?.shape.join(', ')}] instead of ${describe(t)}`);
    const problems = [
      ...(strict && missing.length > 0 ? [`missing ${missing.join(', ')}`] : []),
      ...(strict && unexpected.length > 0 ? [`unexpected ${unexpected.join(', ')}`] : []),
      ...misshapen,
    ];
    if (problems.length > 0) throw new ShapeError('loadStateDict', `the values do not fit the module: ${problems.join('; ')}`);
    const loads = Object.entries(own).flatMap(([name, t]) => (values[name] ? [prepareLoad(t, values[name])] : []));
    for (const load of loads) load();
  }

  /** Sets this module and its parts to training mode. */
  train(on = true): this {
    for (const [, module] of this.namedModules()) module.training = on;
    return this;
  }

  /** Sets this module and its parts to evaluation mode. */
  eval(): this {
    return this.train(false);
  }

  /** Frees all parameters. */
  dispose(): void {
    for (const t of Object.values(this.parameters())) t.dispose();
  }
}

/** Checks the value now, and returns what writes it. */
function prepareLoad(target: Tensor, value: StateValue): () => void {
  if (value instanceof Tensor) {
    if (value.dtype !== target.dtype) throw new ShapeError('loadStateDict', `dtypes differ: ${describe(value)} for ${describe(target)}`);
    return () => target.gpu.copyInto(target, value);
  }
  const { bytes } = fromData('loadStateDict', value.data, value.shape, target.dtype satisfies DType);
  return () => target.gpu.write(target.storage, target.byteOffset, bytes);
}
