import { sumN } from '../generated/kernels.ts';
import { dispatch, grid } from '../runtime/kernel.ts';
import { scope } from '../runtime/scope.ts';
import type { Tensor } from '../tensor.ts';
import { RowSum } from './row_sum.ts';
import { record } from './tape.ts';

/** Tensors that a dispatch of sum_n.wgsl can add. */
const MOST = 7;
/** Row sums that may wait for each other: their operands' memory waits with them. */
const MOST_WAITING = 64;

/** The gradients on their way. Several for one tensor are added in a fixed order, up to seven in a dispatch; row sums are joined before. */
export class Sums {
  readonly #parts = new Map<number, Tensor[]>();
  readonly #waiting = new Map<number, RowSum[]>();
  /** The ids that the caller asked for: their sums stay. */
  readonly #wanted: ReadonlySet<number>;

  constructor(wanted: ReadonlySet<number>) {
    this.#wanted = wanted;
  }

  has(id: number): boolean {
    return this.#parts.has(id) || this.#waiting.has(id);
  }

  /**
   * Takes a share of `part`, which stays the caller's: an op may hand one tensor to several inputs, or its own `dy` on.
   *
   * @param more whether others may come for the same tensor
   */
  add(id: number, part: Tensor | RowSum, more: boolean): void {
    if (!(part instanceof RowSum)) {
      this.#push(id, part.alias());
      return;
    }
    const waiting = this.#waiting.get(id) ?? [];
    if (waiting[0] && waiting[0].form !== part.form) this.#join(id);
    this.#waiting.set(id, [...(this.#waiting.get(id) ?? []), part.alias()]);
    if (!more || waiting.length + 1 === MOST_WAITING) this.#join(id);
  }

  /** Computes what waits for `id`. */
  #join(id: number): void {
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    this.#waiting.delete(id);
    try {
      this.#push(
        id,
        scope(() => (waiting[0] as RowSum).sum(waiting.map((w) => w.operands)).alias()),
      );
    } finally {
      for (const w of waiting) w.dispose();
    }
  }

  /** Takes over one tensor; as many as a dispatch can add are added, so that no more than those are kept. */
  #push(id: number, part: Tensor): void {
    const parts = this.#parts.get(id) ?? [];
    this.#parts.set(id, parts.length === MOST ? [addAll(parts), part] : [...parts, part]);
  }

  /** The sum for `id`, for the caller to dispose. */
  take(id: number): Tensor | null {
    this.#join(id);
    const parts = this.#parts.get(id);
    if (!parts) return null;
    const total = parts.length === 1 ? (parts[0] as Tensor) : addAll(parts);
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
    for (const parts of [...this.#parts.values(), ...this.#waiting.values()]) for (const part of parts) part.dispose();
    this.#parts.clear();
    this.#waiting.clear();
  }
}

/** The sum of two to seven tensors of one shape, from left to right; disposes them. */
function addAll(parts: readonly Tensor[]): Tensor {
  const total = scope(() => addUpToSeven(parts).alias());
  for (const part of parts) part.dispose();
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
