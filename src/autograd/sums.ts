import { sumN } from '../generated/kernels.ts';
import { dispatch, grid } from '../runtime/kernel.ts';
import { scope } from '../runtime/scope.ts';
import type { Tensor } from '../tensor.ts';
import { record } from './tape.ts';

/** The gradients on their way. Several for one tensor are added when it is its turn, up to seven in a dispatch, in a fixed order. */
export class Sums {
  readonly #parts = new Map<number, Tensor[]>();
  /** The ids that the caller asked for: their sums stay. */
  readonly #wanted: ReadonlySet<number>;

  constructor(wanted: ReadonlySet<number>) {
    this.#wanted = wanted;
  }

  has(id: number): boolean {
    return this.#parts.has(id);
  }

  /** Takes a share of `part`, which stays the caller's: an op may hand one tensor to several inputs, or its own `dy` on. */
  add(id: number, part: Tensor): void {
    const parts = this.#parts.get(id);
    if (parts) parts.push(part.alias());
    else this.#parts.set(id, [part.alias()]);
  }

  /** The sum for `id`, for the caller to dispose. */
  take(id: number): Tensor | null {
    const parts = this.#parts.get(id);
    if (!parts) return null;
    const total = parts.length === 1 ? (parts[0] as Tensor) : scope(() => sum(parts).alias());
    if (parts.length > 1) for (const part of parts) part.dispose();
    if (this.#wanted.has(id)) this.#parts.set(id, [total.alias()]);
    else this.#parts.delete(id);
    return total;
  }

  /** The sum for `id` as a tensor of the caller's. */
  result(id: number): Tensor | null {
    const total = this.take(id);
    if (!total) return null;
    const handle = total.alias(true);
    total.dispose();
    return handle;
  }

  dispose(): void {
    for (const parts of this.#parts.values()) for (const part of parts) part.dispose();
    this.#parts.clear();
  }
}

/** The sum of two or more tensors of one shape, in a fixed order, up to seven in a dispatch. */
function sum(parts: readonly Tensor[]): Tensor {
  let total = parts[0] as Tensor;
  for (let i = 1; i < parts.length; i += 6) total = addUpToSeven([total, ...parts.slice(i, i + 6)]);
  return total;
}

function addUpToSeven(parts: readonly Tensor[]): Tensor {
  const [x0] = parts as [Tensor];
  const at = (i: number) => parts[i] ?? x0;
  const out = x0.gpu.empty(x0.shape, x0.dtype, 'gradient');
  const { size } = x0;
  const buffers = { x0, x1: at(1), x2: at(2), x3: at(3), x4: at(4), x5: at(5), x6: at(6), out };
  dispatch(x0.gpu, sumN, buffers, { size }, grid(size, 256), { COUNT: parts.length });
  record({
    op: 'sum of gradients',
    inputs: parts,
    outputs: [out],
    backward: ([dy]) => parts.map(() => dy as Tensor),
    plain: 'composed',
  });
  return out;
}
