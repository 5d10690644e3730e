import { RowSum } from '../autograd/row_sum.ts';
import type { Tensor } from '../tensor.ts';
import { concat } from './concat.ts';

/** Rows that are worth waiting for others. More of them occupy the device, and would keep their memory for little. */
const FEW = 128;

/**
 * The gradient `sum(...operands)`, which waits for others of its form if the operands, [rows, n] each, have few rows.
 *
 * @param form tells apart what `sum` computes
 */
export function rowSum(
  form: string,
  operands: readonly Tensor[],
  sum: (...operands: Tensor[]) => Tensor,
): Tensor | RowSum {
  if ((operands[0]?.shape[0] ?? 0) > FEW) return sum(...operands);
  const joined = (parts: readonly (readonly Tensor[])[], i: number) =>
    parts.length === 1 ? (parts[0]?.[i] as Tensor) : concat(parts.map((part) => part[i] as Tensor));
  return new RowSum(form, operands, (parts) => sum(...operands.map((_, i) => joined(parts, i))));
}
