// Where TensorFlow.js defines a gradient otherwise than Fovea does.
import type { Tensor } from '../../../index.ts';
import { originOf, Unsupported } from '../args.ts';
import { elementsOf, type Json } from '../case.ts';

/** Throws Unsupported where the gradient of `op` at these inputs is another one in Fovea; `args` are the operator's other arguments. */
export function checkGradient(op: string, inputs: readonly Tensor[], args: readonly Json[]): void {
  const integer = inputs.find((t) => t.dtype !== 'f32' && t.dtype !== 'f16');
  if (integer) throw new Unsupported(`the gradient of ${op} by a tensor of ${integer.dtype}`);
  if (op === 'mirrorPad') throw new Unsupported('a gradient of mirrorPad that leaves out what is mirrored');
  // There each element of a window gets dy over the whole window's size, here over what the average was divided by.
  if (op === 'avgPool' && Array.isArray(args[3]))
    throw new Unsupported('the gradient of avgPool beside explicit padding');
  // There all of several largest elements get the gradient, here the first; there one of two equal operands, here both a half.
  if ((op === 'max' || op === 'min') && inputs[0] && hasTies(inputs[0], op, axesOf(args)))
    throw new Unsupported(`the gradient of ${op} at ties`);
  if ((op === 'maximum' || op === 'minimum') && areEqualSomewhere(inputs))
    throw new Unsupported(`the gradient of ${op} at ties`);
}

const axesOf = (args: readonly Json[]): number[] | undefined =>
  args[1] === undefined || args[1] === null ? undefined : ([args[1]].flat() as number[]);

/** Whether an extreme value stands twice among those that are reduced together. */
function hasTies(x: Tensor, op: string, axes: readonly number[] | undefined): boolean {
  const origin = originOf(x);
  if (!origin) return false;
  const reduced = axes?.map((a) => (a < 0 ? a + x.rank : a)) ?? x.shape.map((_, i) => i);
  const rows = new Map<string, number[]>();
  elementsOf(origin).forEach((v, at) => {
    const row = placeOf(at, x.shape)
      .filter((_, axis) => !reduced.includes(axis))
      .join();
    rows.set(row, [...(rows.get(row) ?? []), v]);
  });
  return [...rows.values()].some((row) => {
    const extreme = op === 'max' ? Math.max(...row) : Math.min(...row);
    return row.filter((v) => v === extreme).length > 1;
  });
}

/** The index on each axis of the element at `at`. */
function placeOf(at: number, shape: readonly number[]): number[] {
  let rest = at;
  return shape
    .toReversed()
    .map((n) => {
      const i = rest % n;
      rest = (rest - i) / n;
      return i;
    })
    .reverse();
}

function areEqualSomewhere([a, b]: readonly Tensor[]): boolean {
  const [first, second] = [a && originOf(a), b && originOf(b)];
  if (!first || !second) return false;
  const values = new Set(elementsOf(second));
  return elementsOf(first).some((v) => values.has(v));
}
