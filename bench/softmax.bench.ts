import { softmax } from '../src/index.ts';
import { softmaxPlain } from '../src/ops/reference/softmax.ts';
import type { Bench, Row, Wish } from './bench.ts';
import { fovea } from './fovea.ts';
import { jax } from './peers/jax.ts';
import { onnx } from './peers/onnx.ts';
import { tensorflow } from './peers/tensorflow.ts';
import { uniform } from './values.ts';

type Shape = readonly [rows: number, cols: number, axis?: number];
const SHAPES: readonly Shape[] = [
  [4096, 32],
  [512, 1024],
  [4096, 1024],
  [64, 50257],
  [4, 65536],
  [1024, 512, 0],
];
const SMOKE: readonly Shape[] = [
  [5, 33],
  [33, 5, 0],
];

/** Softmax over the last axis or the first. */
function* rows({ dtype, smoke }: Wish): Generator<Row> {
  for (const [rows, cols, axis = 1] of smoke ? SMOKE : SHAPES) {
    const size = rows * cols;
    const x = uniform([rows, cols], 1, dtype);
    const inputs = [x];
    yield {
      shape: `[${rows}, ${cols}]`,
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
      reference: () => [{ shape: [rows, cols], data: reference(x.data, rows, cols, axis) }],
      tolerance: dtype === 'f16' ? 2e-3 : 1e-5,
    };
  }
}

function reference(x: Float32Array, rows: number, cols: number, axis: number): Float64Array {
  const y = Float64Array.from(x, Math.exp);
  const total = new Float64Array(axis === 0 ? cols : rows);
  const group = (i: number) => (axis === 0 ? i % cols : Math.floor(i / cols));
  y.forEach((e, i) => {
    total[group(i)] = (total[group(i)] as number) + e;
  });
  return y.map((e, i) => e / (total[group(i)] as number));
}

export default { op: 'softmax', rows } satisfies Bench;
