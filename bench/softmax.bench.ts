import { softmax } from '../src/index.ts';
import { softmaxPlain } from '../src/ops/reference/softmax.ts';
import type { Bench, Row, Wish } from './bench.ts';
import { fovea } from './fovea.ts';
import { jax } from './peers/jax.ts';
import { onnx } from './peers/onnx.ts';
import { tensorflow } from './peers/tensorflow.ts';
import { uniform } from './values.ts';

type Case = readonly [shape: readonly number[], axis: number];
const CASES: readonly Case[] = [
  [[4096, 32], 1],
  [[512, 1024], 1],
  [[4096, 1024], 1],
  [[32768, 1024], 1],
  [[64, 50257], 1],
  [[4, 65536], 1],
  [[1024, 512], 0],
  [[1024, 64, 16], 0],
];
const SMOKE: readonly Case[] = [
  [[5, 33], 1],
  [[33, 5], 0],
  [[3, 2, 4], 0],
];

/** Softmax over the last axis or the first. */
function* rows({ dtype, smoke }: Wish): Generator<Row> {
  for (const [shape, axis] of smoke ? SMOKE : CASES) {
    const size = shape.reduce((a, b) => a * b);
    const x = uniform(shape, 1, dtype);
    const inputs = [x];
    yield {
      shape: `[${shape.join(', ')}]`,
      dtype,
      size,
      series: axis === 0 ? 'first axis' : 'last axis',
      // Maximum, difference, exponential, sum, quotient.
      flops: 5 * size,
      bytes: 2 * size * (dtype === 'f16' ? 2 : 4),
      contenders: [
        fovea('fovea', 'fovea', inputs, (x) => softmax(x, { axis })),
        fovea('plain', 'plain', inputs, (x) => softmaxPlain(x, axis, false)),
        jax(inputs, ({ nn }, x) => nn.softmax(x, axis)),
        // TensorFlow.js knows softmax of the last axis only.
        ...(axis === 1 ? [tensorflow(inputs, (tf, x) => tf.softmax(x))] : []),
        onnx(inputs, ({ node }, x) => node('Softmax', [x], { axis })),
      ],
      reference: () => [{ shape, data: reference(x.data, shape, axis) }],
      tolerance: dtype === 'f16' ? 2e-3 : 1e-5,
    };
  }
}

function reference(x: Float32Array, shape: readonly number[], axis: number): Float64Array {
  const y = Float64Array.from(x, Math.exp);
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const total = new Float64Array(y.length);
  const row = (i: number) => Math.floor(i / (inner * (shape[axis] as number))) * inner + (i % inner);
  y.forEach((e, i) => {
    total[row(i)] = (total[row(i)] as number) + e;
  });
  return y.map((e, i) => e / (total[row(i)] as number));
}

export default { op: 'softmax', rows } satisfies Bench;
