import type { TensorTree } from '../autograd/tape.ts';
import { describe } from '../host.ts';
import { ArgumentError, DTypeError, ShapeError } from '../runtime/errors.ts';
import { Tensor } from '../tensor.ts';

/** The tensors of a tree with their dotted names, in order. */
export function named(tree: TensorTree, name = ''): [name: string, t: Tensor][] {
  if (tree instanceof Tensor) return [[name, tree]];
  return Object.entries(tree as Readonly<Record<string, TensorTree>>).flatMap(([key, t]) =>
    named(t, name ? `${name}.${key}` : key),
  );
}

/** The same tree with other tensors, taken one after the other. */
export function rebuild(tree: TensorTree, tensors: Iterator<Tensor>): unknown {
  if (tree instanceof Tensor) return tensors.next().value;
  if (Array.isArray(tree)) return tree.map((t) => rebuild(t, tensors));
  return Object.fromEntries(Object.entries(tree).map(([key, t]) => [key, rebuild(t, tensors)]));
}

/** Throws unless there are tensors, all of them f32, each once, and of one Gpu. */
export function checkTensors(op: string, what: string, tensors: readonly (readonly [string, Tensor])[]): void {
  const [first] = tensors;
  if (!first) throw new ArgumentError(op, `${what} must hold at least one tensor, got none`);
  const seen = new Map<Tensor, string>();
  for (const [name, t] of tensors) {
    if (t.dtype !== 'f32')
      throw new DTypeError(op, `${what} must be f32 (optimisers have no other dtype), got ${name}: ${describe(t)}`);
    if (t.gpu !== first[1].gpu)
      throw new ArgumentError(op, `${what} must be on one Gpu, got ${first[0]} and ${name} on two`);
    const other = seen.get(t);
    if (other !== undefined)
      throw new ArgumentError(op, `${what} must hold each tensor once, got one as ${other} and ${name}`);
    seen.set(t, name);
  }
}

/** The gradients in the order of the parameters. Throws, naming every one, when some are missing, unknown or of another shape. */
export function matchGrads(op: string, params: readonly (readonly [string, Tensor])[], tree: TensorTree): Tensor[] {
  const given = new Map(named(tree));
  const names = new Set(params.map(([name]) => name));
  const missing = [...names].filter((name) => !given.has(name));
  const unknown = [...given.keys()].filter((name) => !names.has(name));
  if (missing.length + unknown.length > 0) {
    const parts = [
      ...(missing.length > 0 ? [`missing: ${missing.join(', ')}`] : []),
      ...(unknown.length > 0 ? [`unknown: ${unknown.join(', ')}`] : []),
    ];
    throw new ArgumentError(op, `grads must have the structure of the parameters; ${parts.join('; ')}`);
  }
  return params.map(([name, p]) => {
    const g = given.get(name) as Tensor;
    if (g.dtype !== p.dtype || g.shape.join() !== p.shape.join()) {
      throw new ShapeError(op, `the gradient of ${name} must be ${describe(p)}, got ${describe(g)}`);
    }
    return g;
  });
}
