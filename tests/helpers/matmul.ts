import { type Shape, sizeOf } from '../../src/host.ts';
import { type Activation, type MatmulOptions, matmul } from '../../src/ops/matmul.ts';
import type { Tensor } from '../../src/tensor.ts';
import { type CheckOptions, checkOp, type Input, type Nd } from '../../src/testing/check.ts';
import { gpu } from './gpu.ts';
import { at, build, placeOf } from './nd.ts';
import { erf, sigmoid } from './special.ts';

export const ACTIVATIONS: Readonly<Record<Activation, (x: number) => number>> = {
  none: (x) => x,
  relu: (x) => Math.max(x, 0),
  tanh: Math.tanh,
  sigmoid,
  gelu: (x) => 0.5 * x * (1 + erf(x / Math.SQRT2)),
  silu: (x) => x * sigmoid(x),
};

/** The element of `x` at coordinates of what it is broadcast to. */
const broadcastAt = (x: Nd, c: readonly number[]) =>
  at(
    x,
    x.shape.map((n, i) => (n === 1 ? 0 : (c[i + c.length - x.shape.length] as number))),
  );

function batchShape(a: Shape, b: Shape): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const [x = 1, y = 1] = [a[i - rank + a.length], b[i - rank + b.length]];
    return x === 1 ? y : x;
  });
}

/** Where the matrix of `x` begins that goes with coordinates of the batch it is broadcast to. */
const matrixAt = (x: Nd, batch: readonly number[]): number => {
  const own = x.shape.slice(0, -2);
  const c = own.map((n, i) => (n === 1 ? 0 : (batch[i + batch.length - own.length] as number)));
  return placeOf(c, own) * sizeOf(x.shape.slice(-2));
};

/** activation(a b + bias) from the definition, element by element. */
export function reference(options: Omit<MatmulOptions, 'bias'> = {}) {
  const { transposeA = false, transposeB = false, activation = 'none' } = options;
  return (first: Nd, second: Nd, bias?: Nd): Nd => {
    const [hasRows, hasColumns] = [first.shape.length > 1, second.shape.length > 1];
    const a = { ...first, shape: hasRows ? first.shape : [1, ...first.shape] };
    const b = { ...second, shape: hasColumns ? second.shape : [...second.shape, 1] };
    const [m, k] = (transposeA ? a.shape.slice(-2).reverse() : a.shape.slice(-2)) as [number, number];
    const n = b.shape.at(transposeB ? -2 : -1) as number;
    const batch = batchShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
    return build([...batch, ...(hasRows ? [m] : []), ...(hasColumns ? [n] : [])], (c) => {
      const row = hasRows ? (c[batch.length] as number) : 0;
      const column = hasColumns ? (c.at(-1) as number) : 0;
      const [aAt, bAt] = [matrixAt(a, c.slice(0, batch.length)), matrixAt(b, c.slice(0, batch.length))];
      let total = bias ? broadcastAt(bias, c) : 0;
      for (let j = 0; j < k; j++) {
        const x = a.data[aAt + (transposeA ? j * m + row : row * k + j)] as number;
        total += x * (b.data[bAt + (transposeB ? column * k + j : j * n + column)] as number);
      }
      return ACTIVATIONS[activation](total);
    });
  };
}

export type Case = Omit<MatmulOptions, 'bias'> & { readonly bias?: Shape };

/** Holds matmul to the definition for operands of these shapes, as stored. */
export async function checkMatmul(
  a: Shape | Input,
  b: Shape | Input,
  { bias, ...options }: Case = {},
  checks: CheckOptions = {},
): Promise<void> {
  const [x, y] = [a, b].map((i): Input => ('shape' in i ? i : { shape: i })) as [Input, Input];
  const inputs = bias ? [x, y, { shape: bias, dtype: x.dtype ?? 'f32' }] : [x, y];
  const op = (...[p, q, z]: Tensor[]) => matmul(p as Tensor, q as Tensor, z ? { ...options, bias: z } : options);
  const definition = reference(options);
  await checkOp(gpu, op, (p, q, z) => definition(p as Nd, q as Nd, z), inputs, checks);
}

/** The shape in which an m x n operand is stored. */
export const stored = (m: number, n: number, transposed: boolean): Shape => (transposed ? [n, m] : [m, n]);

export const TRANSPOSES = [
  [false, false],
  [false, true],
  [true, false],
  [true, true],
] as const;

/** For cases whose gradients others cover. */
export const forward = { gradient: false } as const;
