import { add, exp, gelu, mul, type Tensor, tanh } from '../src/index.ts';
import { erf } from '../tests/helpers/special.ts';
import type { Bench, HostInput, Row, Wish } from './bench.ts';
import { fovea } from './fovea.ts';
import { jax, jaxOps } from './peers/jax.ts';
import { onnx } from './peers/onnx.ts';
import { tensorflow, tensorflowOps } from './peers/tensorflow.ts';
import { bytesOf, uniform } from './values.ts';

type Shape = readonly [rows: number, cols: number];
const SHAPES: readonly Shape[] = [
  [256, 1024],
  [4096, 1024],
];
const SMOKE: readonly Shape[] = [[5, 33]];

interface Case {
  readonly name: string;
  readonly ours: (...inputs: Tensor[]) => Tensor;
  /** Functions an element, by the table's way of counting. */
  readonly flops: number;
  readonly definition: (...v: number[]) => number;
  /** `vector`: [cols], broadcast over rows. */
  readonly second?: 'same' | 'vector';
  readonly jax: Parameters<typeof jax>[1];
  readonly tensorflow: Parameters<typeof tensorflow>[1];
  readonly onnx: string;
}

const CASES: readonly Case[] = [
  {
    name: 'add',
    ours: (...[a, b]) => add(a!, b!),
    flops: 1,
    definition: (a = 0, b = 0) => a + b,
    second: 'same',
    jax: (_, ...[a, b]) => a!.add(b!),
    tensorflow: (tf, ...[a, b]) => tf.add(a!, b!),
    onnx: 'Add',
  },
  {
    name: 'mul by [cols]',
    ours: (...[a, b]) => mul(a!, b!),
    flops: 1,
    definition: (a = 0, b = 0) => a * b,
    second: 'vector',
    jax: (_, ...[a, b]) => a!.mul(b!),
    tensorflow: (tf, ...[a, b]) => tf.mul(a!, b!),
    onnx: 'Mul',
  },
  {
    name: 'exp',
    ours: (x) => exp(x!),
    flops: 1,
    definition: (x = 0) => Math.exp(x),
    jax: ({ numpy }, x) => numpy.exp(x!),
    tensorflow: (tf, x) => tf.exp(x!),
    onnx: 'Exp',
  },
  {
    name: 'tanh',
    ours: (x) => tanh(x!),
    flops: 1,
    definition: (x = 0) => Math.tanh(x),
    jax: ({ numpy }, x) => numpy.tanh(x!),
    tensorflow: (tf, x) => tf.tanh(x!),
    onnx: 'Tanh',
  },
  {
    name: 'gelu',
    ours: (x) => gelu(x!),
    // 0.5 x (1 + erf(x / sqrt(2))).
    flops: 5,
    definition: (x = 0) => 0.5 * x * (1 + erf(x / Math.SQRT2)),
    jax: (jax, x) => jaxOps(jax).gelu(x!),
    tensorflow: (tf, x) => tensorflowOps(tf).gelu(x!),
    onnx: 'Gelu',
  },
];

function* rows({ dtype, smoke }: Wish): Generator<Row> {
  for (const [rows, cols] of smoke ? SMOKE : SHAPES) {
    const x = uniform([rows, cols], 1, dtype, [-3, 3]);
    for (const { name, ours, flops, definition, second, ...peers } of CASES) {
      const inputs: HostInput[] = second ? [x, uniform(second === 'same' ? x.shape : [cols], 2, dtype)] : [x];
      const at = (i: number) => inputs.map(({ data }) => data[i % data.length] as number);
      yield {
        shape: `[${rows}, ${cols}]`,
        dtype,
        size: rows * cols,
        series: name,
        flops: flops * rows * cols,
        bytes: bytesOf(dtype, [...inputs, x]),
        contenders: [
          fovea('fovea', 'fovea', inputs, ours),
          jax(inputs, peers.jax),
          tensorflow(inputs, peers.tensorflow),
          onnx(inputs, ({ node }, ...xs) => node(peers.onnx, xs)),
        ],
        reference: () => [
          { shape: x.shape, data: Float64Array.from({ length: rows * cols }, (_, i) => definition(...at(i))) },
        ],
        tolerance: dtype === 'f16' ? 2e-3 : 1e-5,
      };
    }
  }
}

export default { op: 'elementwise', rows } satisfies Bench;
