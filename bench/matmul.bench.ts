import { expandDims, type MatmulOptions, matmul, mul, sum, type Tensor } from '../src/index.ts';
import type { Bench, Row, Wish } from './bench.ts';
import { fovea } from './fovea.ts';
import { jax } from './peers/jax.ts';
import { onnx } from './peers/onnx.ts';
import { tensorflow } from './peers/tensorflow.ts';
import { addProduct } from './reference/product.ts';
import { bytesOf, type FloatInput, uniform } from './values.ts';

type Shape = readonly [M: number, N: number, K: number];
const SHAPES: readonly Shape[] = [
  [6, 384, 128],
  [1, 1024, 1024],
  [64, 64, 4096],
  [256, 256, 256],
  [1024, 1024, 1024],
  [4096, 4096, 4096],
];
const SMOKE: readonly Shape[] = [[5, 7, 33]];
const VARIANTS = ['registers', 'tiled', 'small'] as const;
/** Sums beyond this many products take the plain composition more memory than there may be. */
const PLAIN_LIMIT = 2 ** 22;
/** Rows of a and columns of b repeat beyond this many, so that the reference is quick; no tile is a multiple of it. */
const PERIOD = 251;

/** [M, K] x [K, N]; beside it the kernels that the planner chooses among, and a broadcast product that is summed. */
function* rows({ dtype, smoke }: Wish): Generator<Row> {
  for (const [M, N, K] of smoke ? SMOKE : SHAPES) {
    const [a, b] = [uniform([Math.min(M, PERIOD), K], 1, dtype), uniform([K, Math.min(N, PERIOD)], 2, dtype)];
    const inputs = [repeat(a, M, K), repeat(b, K, N)];
    const product = (plan?: MatmulOptions['plan']) => (a: Tensor, b: Tensor) => matmul(a, b, plan ? { plan } : {});
    const plain = (a: Tensor, b: Tensor) => sum(mul(expandDims(a, 2), expandDims(b, 0)), { axis: 1 });
    yield {
      shape: `${M}x${K} * ${K}x${N}`,
      dtype,
      size: M * N * K,
      series: 'forward',
      flops: 2 * M * N * K,
      bytes: bytesOf(dtype, [...inputs, { shape: [M, N] }]),
      contenders: [
        fovea('fovea', 'fovea', inputs, product()),
        ...VARIANTS.map((variant) => fovea('variant', variant, inputs, product({ variant }))),
        ...(M * N * K <= PLAIN_LIMIT ? [fovea('plain', 'plain', inputs, plain)] : []),
        jax(inputs, ({ numpy }, a, b) => numpy.matmul(a, b)),
        tensorflow(inputs, (tf, a, b) => tf.matMul(a, b)),
        onnx(inputs, ({ node }, a, b) => node('MatMul', [a, b])),
      ],
      reference: () => [{ shape: [M, N], data: reference(a, b, M, N) }],
      tolerance: dtype === 'f16' ? 2e-3 : 1e-5,
    };
  }
}

/** Element i of [rows, cols] filled with a block that is laid side by side and beneath itself. */
function tiled(block: ArrayLike<number>, width: number, cols: number): (i: number) => number {
  const height = block.length / width;
  return (i) => block[(Math.floor(i / cols) % height) * width + ((i % cols) % width)] as number;
}

function repeat(block: FloatInput, rows: number, cols: number): FloatInput {
  const at = tiled(block.data, block.shape[1] as number, cols);
  return { ...block, shape: [rows, cols], data: Float32Array.from({ length: rows * cols }, (_, i) => at(i)) };
}

function reference(a: FloatInput, b: FloatInput, M: number, N: number): Float64Array {
  const [[m, K], [, n]] = [a.shape, b.shape] as [[number, number], [number, number]];
  const matrix = (data: Float64Array, row: number) => ({ data, stride: 0, row, column: 1 });
  const y = matrix(new Float64Array(m * n), n);
  addProduct(1, m, n, K, matrix(Float64Array.from(a.data), K), matrix(Float64Array.from(b.data), n), y);
  const at = tiled(y.data, n, N);
  return Float64Array.from({ length: M * N }, (_, i) => at(i));
}

export default { op: 'matmul', rows } satisfies Bench;
