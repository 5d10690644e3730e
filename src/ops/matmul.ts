import type { RowSum } from '../autograd/row_sum.ts';
import { record, recording } from '../autograd/tape.ts';
import { type Shape, sizeOf } from '../host.ts';
import type { Tensor } from '../tensor.ts';
import { checkFloat, checkSameDType } from './check.ts';
import {
  ACTIVATIONS,
  type Activation,
  activate,
  checkActivation,
  needsArgument,
  throughActivation,
} from './linalg/activation.ts';
import type { Plan } from './linalg/plan.ts';
import { layout } from './linalg/problem.ts';
import { run } from './linalg/run.ts';
import { sumTo } from './reduce.ts';
import { rowSum } from './row_sum.ts';
import { reshape } from './shape.ts';

export type { Activation } from './linalg/activation.ts';

export interface MatmulOptions {
  /** Whether `a` is stored as [..., K, M]. */
  readonly transposeA?: boolean;
  /** Whether `b` is stored as [..., N, K]. */
  readonly transposeB?: boolean;
  /** Added before the activation: [N], or any shape that broadcasts to the output. */
  readonly bias?: Tensor;
  readonly activation?: Activation;
  /** @internal In place of the planner's choices; the gradients keep to theirs. */
  readonly plan?: Partial<Plan>;
}

/**
 * The product of matrices, `activation(a b + bias)`, in one dispatch (two where K is long and the output small).
 *
 * Batch dimensions broadcast as NumPy's do, and transposed operands are read where they are: nothing is copied. A vector is a row on the left
 * and a column on the right, and its dimension is absent from the result. Where K is 0 the product is 0. Sums are f32 also for f16. For how
 * it is computed see docs/kernels/matmul.md.
 *
 * @param a [..., M, K] (with `transposeA` [..., K, M]) or [K], f32 or f16
 * @param b [..., K, N] (with `transposeB` [..., N, K]) or [K], of the same dtype
 * @param options `transposeA`, `transposeB`; `bias`, of the same dtype: [N], or any shape that broadcasts to the output (its gradient is summed
 *   accordingly); `activation`: none (default), relu, tanh, sigmoid, gelu (exact) or silu
 * @returns [..., M, N], of the same dtype
 * @throws ShapeError when inner sizes differ, batches or bias do not broadcast, or a vector should be transposed; DTypeError; ArgumentError
 *   for an unknown activation
 */
export function matmul(a: Tensor, b: Tensor, options: MatmulOptions = {}): Tensor {
  const { bias, activation = 'none', transposeA = false, transposeB = false } = options;
  checkFloat('matmul', 'a', a);
  checkFloat('matmul', 'b', b);
  checkSameDType('matmul', bias ? { a, b, bias } : { a, b });
  checkActivation('matmul', activation);
  const problem = layout('matmul', a, b, bias, options);
  const keepsPre = recording() && needsArgument(activation);
  const { y, pre } = run(a, b, problem, { bias, activation: ACTIVATIONS[activation], keepsPre }, options.plan);
  const form = { transposeA, transposeB, activation, biasShape: bias?.shape };
  record({
    op: 'matmul',
    inputs: bias ? [a, b, bias] : [a, b],
    outputs: [y],
    saved: activation === 'none' ? [a, b] : [a, b, pre ?? y],
    backward: ([dy], [a, b, kept], needs) => gradients(form, dy as Tensor, a as Tensor, b as Tensor, kept, needs),
    plain: activation === 'none' ? 'composed' : (a, b, bias) => plain(form, a as Tensor, b as Tensor, bias),
  });
  return y;
}

/** What gradients need to know about a product beside its operands. */
interface Form {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly activation: Activation;
  readonly biasShape: Shape | undefined;
}

/** The definition, for gradients of gradients: activation(a b + bias). */
function plain({ activation, transposeA, transposeB }: Form, a: Tensor, b: Tensor, bias?: Tensor): Tensor {
  return activate(activation, matmul(a, b, { transposeA, transposeB, ...(bias ? { bias } : {}) }));
}

function gradients(
  form: Form,
  dy: Tensor,
  a: Tensor,
  b: Tensor,
  kept: Tensor | undefined,
  needs: readonly boolean[],
): (Tensor | RowSum | null)[] {
  const { transposeA, transposeB, activation, biasShape } = form;
  const d = kept ? throughActivation(dy, kept, activation) : dy;
  const [needsA, needsB, needsBias] = needs;
  // Vectors as the matrices they stand for.
  const rowA = a.rank === 1 ? reshape(a, [1, a.size]) : a;
  const columnB = b.rank === 1 ? reshape(b, [b.size, 1]) : b;
  const n = columnB.shape.at(transposeB ? -2 : -1) as number;
  const m = rowA.shape.at(transposeA ? -1 : -2) as number;
  const batch = d.shape.slice(0, d.rank - (a.rank > 1 ? 1 : 0) - (b.rank > 1 ? 1 : 0));
  const g = a.rank === 1 || b.rank === 1 ? reshape(d, [...batch, m, n]) : d;
  return [
    needsA ? reduceTo(gradientOfA(g, columnB, transposeA, transposeB), a.shape) : null,
    needsB ? gradientOfB(g, rowA, columnB, b.shape, transposeA, transposeB) : null,
    ...(biasShape ? [needsBias ? gradientOfBias(d, biasShape) : null] : []),
  ];
}

/** Sums over the batch dimensions that were broadcast, and makes a row or column a vector again. */
function reduceTo(g: Tensor, shape: Shape): Tensor {
  const matrix = shape.length === 1 ? g.shape.slice(-2) : shape;
  const sum = matrix.join() === g.shape.join() ? g : sumTo(g, matrix);
  return shape.length === 1 ? reshape(sum, shape) : sum;
}

/** dA = dC B^T, transposed where A is stored so. */
function gradientOfA(g: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean): Tensor {
  return transposeA
    ? matmul(b, g, { transposeA: transposeB, transposeB: true })
    : matmul(g, b, { transposeB: !transposeB });
}

/** dB = A^T dC; a weight shared by the whole batch is one product over all its rows: K' = batch x M. */
function gradientOfB(
  g: Tensor,
  a: Tensor,
  b: Tensor,
  shape: Shape,
  transposeA: boolean,
  transposeB: boolean,
): Tensor | RowSum {
  const product = (a: Tensor, g: Tensor) =>
    transposeB ? matmul(g, a, { transposeA: true, transposeB: transposeA }) : matmul(a, g, { transposeA: !transposeA });
  const shared = !transposeA && b.shape.slice(0, -2).every((size) => size === 1);
  if (!shared) return reduceTo(product(a, g), shape);
  return rowSum(`matmul ${transposeB}`, [rowsOf(a), rowsOf(g)], (a, g) => reshape(product(a, g), shape));
}

/** The sum of G over the dimensions along which the bias was broadcast. */
function gradientOfBias(g: Tensor, shape: Shape): Tensor | RowSum {
  if (shape.length > 1 || g.rank < 2) return sumTo(g, shape);
  return rowSum('bias', [rowsOf(g)], (g) => sumTo(g, shape));
}

const rowsOf = (t: Tensor) => reshape(t, [sizeOf(t.shape.slice(0, -1)), t.shape.at(-1) as number]);
