import { describe, sizeOf } from '../host.ts';
import { ArgumentError, DTypeError, FoveaError, ShapeError } from '../runtime/errors.ts';
import { innermost, type Label, within } from '../runtime/label.ts';
import { scope } from '../runtime/scope.ts';
import { Tensor } from '../tensor.ts';
import { RowSum } from './row_sum.ts';
import { Sums } from './sums.ts';

/**
 * The gradients of an op's inputs, given those of its outputs (null for an output that nothing used) and what it saved; null where
 * `needs` is false.
 */
export type Backward = (
  dys: readonly (Tensor | null)[],
  saved: readonly Tensor[],
  needs: readonly boolean[],
) => readonly (Tensor | RowSum | null)[];

/**
 * What is differentiated when a gradient of the gradient is asked for: the op's definition in ordinary ops, since nothing differentiates a
 * fused backward; or 'composed' where `backward` itself consists of ordinary ops.
 */
export type Plain = 'composed' | ((...inputs: Tensor[]) => Tensor | readonly Tensor[]);

export interface Operation {
  readonly op: string;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  /** What `backward` reads: declared, so that its memory can be counted and released. */
  readonly saved?: readonly Tensor[];
  readonly backward: Backward;
  readonly plain: Plain;
}

interface Node {
  readonly op: string;
  /** What it was recorded under. */
  readonly label: Label | null;
  /** Handles without a share of the memory, for ids and shapes. */
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly saved: Tensor[];
  /** The inputs themselves, kept only where a gradient of the gradient may ask for them. */
  readonly plainInputs: Tensor[];
  readonly backward: Backward;
  readonly plain: Plain;
}

type Value = Pick<Tensor, 'id' | 'shape' | 'dtype' | 'gpu'>;

class Tape {
  readonly nodes: Node[] = [];
  readonly tracked: Set<number>;
  /** How many nodes not walked yet have each tracked tensor as an input. */
  readonly #uses = new Map<number, number>();

  constructor(wrt: readonly Tensor[]) {
    this.tracked = new Set(wrt.map((t) => t.id));
  }

  record({ op, inputs, outputs, saved = [], backward, plain }: Operation, nested: boolean): void {
    if (!inputs.some((t) => this.tracked.has(t.id))) return;
    for (const t of outputs) this.tracked.add(t.id);
    for (const t of inputs) this.#use(t, 1);
    this.nodes.push({
      op,
      label: innermost(),
      inputs: inputs.map(toValue),
      outputs: outputs.map(toValue),
      saved: saved.map((t) => t.alias()),
      plainInputs: nested && typeof plain === 'function' ? inputs.map((t) => t.alias()) : [],
      backward,
      plain,
    });
  }

  /** Adds to the uses of a value, and returns how many there are now. */
  #use({ id }: Value, n: number): number {
    if (!this.tracked.has(id)) return 0;
    const uses = (this.#uses.get(id) ?? 0) + n;
    this.#uses.set(id, uses);
    return uses;
  }

  /** The gradient of `<outputs, seeds>` with respect to each of `wrt`, null where it does not depend on it. Frees the nodes. */
  walk(outputs: readonly Tensor[], seeds: readonly Tensor[], wrt: readonly Tensor[]): (Tensor | null)[] {
    const sums = new Sums(new Set(wrt.map((t) => t.id)));
    try {
      outputs.forEach((t, i) => sums.add(t.id, seeds[i] as Tensor, true));
      for (let node = this.nodes.pop(); node; node = this.nodes.pop()) {
        if (node.outputs.some((t) => sums.has(t.id)))
          within(node.label, `backward of ${node.op}`, this.#step.bind(this, node, sums));
        release(node);
      }
      return wrt.map((t) => sums.result(t.id));
    } finally {
      sums.dispose();
    }
  }

  #step(node: Node, sums: Sums): void {
    const dys = node.outputs.map((t) => sums.take(t.id));
    const needs = node.inputs.map((t) => this.tracked.has(t.id));
    scope(() => {
      const dxs = this.#differentiate(node, dys, needs);
      node.inputs.forEach((input, i) => {
        const dx = dxs[i];
        const more = this.#use(input, -1) > 0;
        if (!needs[i] || !dx) return;
        if (dx instanceof RowSum) return sums.add(input.id, dx, more);
        if (dx.shape.join() !== input.shape.join() || dx.dtype !== input.dtype) {
          throw new ShapeError(node.op, `the gradient of input ${i} must be ${describe(input)}, got ${describe(dx)}`);
        }
        sums.add(input.id, dx, more);
      });
    });
    for (const dy of dys) dy?.dispose();
  }

  #differentiate(node: Node, dys: readonly (Tensor | null)[], needs: readonly boolean[]): ReturnType<Backward> {
    if (!recording() || typeof node.plain !== 'function') return node.backward(dys, node.saved, needs);
    return throughPlain(node.plain, node.plainInputs, dys, needs);
  }

  dispose(): void {
    for (const node of this.nodes.splice(0)) release(node);
  }
}

const stack: (Tape | null)[] = [];

/** The tapes that hear of what is computed now, outermost first: those above the last `noGrad`. */
function listening(): readonly Tape[] {
  return stack.slice(stack.lastIndexOf(null) + 1) as Tape[];
}

/** Whether any tape is listening. */
export function recording(): boolean {
  return stack.length > 0 && stack.at(-1) !== null;
}

/** Puts an op on the tapes that track one of its inputs. Every op ends with it; without an open tape it does nothing. */
export function record(operation: Operation): void {
  if (!recording()) return;
  const tapes = listening();
  const floats = operation.inputs.filter((t) => t.dtype === 'f32' || t.dtype === 'f16');
  if (floats.length === 0) return;
  for (const tape of tapes) tape.record(operation, tapes.length > 1);
}

/** @internal The gradient of an op by way of its plain definition, recorded by the tapes that are open. */
export function throughPlain(
  plain: Exclude<Plain, string>,
  inputs: readonly Tensor[],
  dys: readonly (Tensor | null)[],
  needs: readonly boolean[],
): (Tensor | null)[] {
  // The gradient of a tensor given twice is the sum over both places already: it goes to the first.
  const first = inputs.map((t, i) => needs[i] && inputs.findIndex((other) => other.id === t.id) === i);
  const wrt = inputs.filter((_, i) => first[i]);
  const { grads } = vjp(() => plain(...inputs), wrt, dys);
  return inputs.map((t, i) => (first[i] ? (grads[wrt.indexOf(t)] ?? null) : null));
}

/** Runs `f` with `tape` listening; null: with none at all. */
function onTape<T>(tape: Tape | null, f: () => T): T {
  stack.push(tape);
  try {
    return f();
  } finally {
    stack.pop();
  }
}

/** Runs `f` without recording: nothing in it has a gradient. A `scope`: what `f` makes is freed but its result. */
export function noGrad<T>(f: () => T): T {
  return onTape(null, () => scope(f));
}

/** The same value, of which no tape knows where it comes from: gradients stop here. Shares the memory of `x`. */
export function detach(x: Tensor): Tensor {
  return x.reinterpret(x.dtype, x.shape);
}

/** Tensors, alone or in (nested) arrays and records. */
export type TensorTree = Tensor | readonly TensorTree[] | { readonly [name: string]: TensorTree };
/** The same structure with a gradient for each tensor. */
export type GradsOf<W> = W extends Tensor ? Tensor : { [K in keyof W]: GradsOf<W[K]> };
/** What a differentiated function returns: the loss, or the loss with anything else the caller wants back. */
export type Loss<A> = Tensor | { readonly loss: Tensor; readonly aux: A };

/**
 * The value of a scalar function and its gradients. Everything made in `f` is freed but the value, `aux` and the gradients.
 *
 * @param f   synchronous; returns a tensor of one element, f32 or f16, or `{ loss, aux }`, whose `aux` is handed through
 * @param wrt float tensors to differentiate by, in arrays and records as wished
 * @returns `value` (the loss), `grads` in the structure of `wrt` (zeros where the loss does not depend on it), and `aux`
 * @throws ShapeError when the loss has more than one element
 */
export function valueAndGrad<W extends TensorTree, A = undefined>(
  f: () => Loss<A>,
  wrt: W,
): { value: Tensor; grads: GradsOf<W>; aux: A } {
  const { value, grads, aux } = differentiate(f, wrt);
  return { value, grads: grads as GradsOf<W>, aux: aux as A };
}

/** The gradients of a scalar function alone; see `valueAndGrad`. */
export function grad<W extends TensorTree>(f: () => Loss<unknown>, wrt: W): GradsOf<W> {
  return scope(() => differentiate(f, wrt).grads) as GradsOf<W>;
}

function differentiate(f: () => Loss<unknown>, wrt: TensorTree): { value: Tensor; grads: unknown; aux: unknown } {
  const leaves = flatten(wrt);
  for (const t of leaves) {
    if (!(t instanceof Tensor))
      throw new ArgumentError('valueAndGrad', `wrt must hold tensors alone, got ${String(t)}`);
    if (t.dtype !== 'f32' && t.dtype !== 'f16')
      throw new DTypeError('valueAndGrad', `wrt must be f32 or f16 tensors, got ${describe(t)}`);
  }
  return scope(() => {
    const tape = new Tape(leaves);
    try {
      const { loss, aux } = scope(() => split(onTape(tape, f)));
      const seed = loss.gpu.empty(loss.shape, loss.dtype, 'valueAndGrad');
      loss.gpu.fillWords(seed, loss.dtype === 'f16' ? 0x3c00 : 0x3f800000);
      const grads = tape.walk([loss], [seed], leaves).map((g, i) => g ?? zerosLike(leaves[i] as Tensor));
      return { value: loss, grads: unflatten(wrt, grads[Symbol.iterator]()), aux };
    } finally {
      tape.dispose();
    }
  });
}

/**
 * The product of upstream gradients with the Jacobian of `f`: the gradient of `sum_i <outputs_i, seeds_i>`.
 *
 * @param f     synchronous; returns a tensor or several
 * @param wrt   float tensors to differentiate by
 * @param seeds the upstream gradient of each output, or null for none
 * @returns the outputs, and a gradient for each of `wrt` (zeros where nothing depends on it)
 * @throws ShapeError when the seeds are not one for each output, of its shape and dtype
 */
export function vjp(
  f: () => Tensor | readonly Tensor[],
  wrt: readonly Tensor[],
  seeds: readonly (Tensor | null)[],
): { outputs: Tensor[]; grads: Tensor[] } {
  return scope(() => {
    const tape = new Tape(wrt);
    try {
      const outputs = scope(() => {
        const result = onTape(tape, f);
        checkSynchronous('vjp', result);
        return [result].flat() as Tensor[];
      });
      const used = outputs.filter((_, i) => seeds[i]);
      const found = tape.walk(used, checkSeeds(outputs, seeds), wrt);
      return { outputs, grads: found.map((g, i) => g ?? zerosLike(wrt[i] as Tensor)) };
    } finally {
      tape.dispose();
    }
  });
}

function checkSynchronous(op: string, result: unknown): void {
  if (!(result instanceof Promise)) return;
  result.catch(() => undefined); // the error below is the one to read
  throw new FoveaError(op, 'f must be synchronous, got a function that returns a promise');
}

function split<A>(result: Loss<A>): { loss: Tensor; aux: A | undefined } {
  checkSynchronous('valueAndGrad', result);
  const { loss, aux } =
    result instanceof Tensor ? { loss: result, aux: undefined } : { loss: result?.loss, aux: result?.aux };
  if (!(loss instanceof Tensor))
    throw new ArgumentError('valueAndGrad', `f must return a tensor or { loss, aux }, got ${String(loss ?? result)}`);
  if (sizeOf(loss.shape) !== 1)
    throw new ShapeError('valueAndGrad', `the loss must have one element, got ${describe(loss)}`);
  if (loss.dtype !== 'f32' && loss.dtype !== 'f16')
    throw new DTypeError('valueAndGrad', `the loss must be f32 or f16, got ${describe(loss)}`);
  return { loss, aux };
}

/** The seeds that are given. */
function checkSeeds(outputs: readonly Tensor[], seeds: readonly (Tensor | null)[]): Tensor[] {
  if (seeds.length !== outputs.length)
    throw new ShapeError(
      'vjp',
      `there must be a seed (or null) for each of ${outputs.length} outputs, got ${seeds.length}`,
    );
  seeds.forEach((seed, i) => {
    const want = describe(outputs[i] as Tensor);
    if (seed && describe(seed) !== want)
      throw new ShapeError('vjp', `seed ${i} must be ${want}, got ${describe(seed)}`);
  });
  return seeds.filter((seed) => seed !== null);
}

function zerosLike(t: Tensor): Tensor {
  return t.gpu.zeros(t.shape, t.dtype);
}

function flatten(tree: TensorTree): Tensor[] {
  if (tree instanceof Tensor || typeof tree !== 'object' || tree === null) return [tree];
  return Object.values(tree).flatMap((t) => flatten(t as TensorTree));
}

function unflatten(tree: TensorTree, grads: Iterator<Tensor>): unknown {
  if (tree instanceof Tensor) return grads.next().value;
  if (Array.isArray(tree)) return tree.map((t) => unflatten(t, grads));
  return Object.fromEntries(Object.entries(tree).map(([name, t]) => [name, unflatten(t as TensorTree, grads)]));
}

function toValue({ id, shape, dtype, gpu }: Tensor): Value {
  return { id, shape, dtype, gpu };
}

function release(node: Node): void {
  for (const t of node.saved) t.dispose();
  for (const t of node.plainInputs) t.dispose();
}
