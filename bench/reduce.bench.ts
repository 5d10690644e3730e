import { argmax, max, mean, sum, type Tensor } from '../src/index.ts';
import type { Bench, Row, Wish } from './bench.ts';
import { fovea } from './fovea.ts';
import { jax } from './peers/jax.ts';
import { onnx } from './peers/onnx.ts';
import { tensorflow } from './peers/tensorflow.ts';
import { bytesOf, uniform } from './values.ts';

type Name = 'sum' | 'mean' | 'max' | 'argmax';
/** Rows by columns, and what is reduced: the last axis, the first, all. */
type Shape = readonly [rows: number, cols: number, axis: 0 | 1 | undefined];
const SHAPES: readonly Shape[] = [
  [4096, 1024, 1],
  [4096, 1024, 0],
  [4096, 1024, undefined],
];
const SMOKE: readonly Shape[] = [
  [5, 33, 1],
  [5, 33, 0],
  [5, 33, undefined],
];

const OURS = { sum, mean, max, argmax } as const;
/** What a reduction makes of the elements it takes together; the first of equal ones is the largest. */
const DEFINITIONS: Readonly<Record<Name, (row: readonly number[]) => number>> = {
  sum: (row) => row.reduce((a, v) => a + v, 0),
  mean: (row) => row.reduce((a, v) => a + v, 0) / row.length,
  max: (row) => row.reduce((a, v) => Math.max(a, v), Number.NEGATIVE_INFINITY),
  argmax: (row) => row.reduce((best, v, i) => (v > (row[best] as number) ? i : best), 0),
};
const ONNX = { sum: 'ReduceSum', mean: 'ReduceMean', max: 'ReduceMax' } as const;

function* rows({ dtype, smoke }: Wish): Generator<Row> {
  for (const [rows, cols, axis] of smoke ? SMOKE : SHAPES) {
    // Of one sign, or the sum would be the difference of large numbers.
    const x = uniform([rows, cols], 1, dtype, [0, 1]);
    const y = { shape: axis === undefined ? [] : [axis === 0 ? cols : rows] };
    for (const name of Object.keys(OURS) as Name[]) {
      // The sum of all is beyond f16.
      if (name === 'sum' && dtype === 'f16' && axis === undefined) continue;
      const options = axis === undefined ? {} : { axis };
      yield {
        shape: `[${rows}, ${cols}]`,
        dtype,
        size: rows * cols,
        series: `${name}, ${axis === undefined ? 'all' : axis === 0 ? 'first axis' : 'last axis'}`,
        flops: rows * cols,
        bytes: bytesOf(dtype, [x]) + bytesOf(name === 'argmax' ? 'i32' : dtype, [y]),
        contenders: [
          fovea('fovea', 'fovea', [x], (x: Tensor) => OURS[name](x, options)),
          jax([x], ({ numpy }, x) => numpy[name](axis === undefined ? x.ravel() : x, axis ?? 0)),
          tensorflow([x], (tf, x) =>
            // Its argmax of a vector is a vector.
            name === 'argmax'
              ? tf.reshape(tf.argMax(axis === undefined ? tf.reshape(x, [-1]) : x, axis ?? 0), y.shape)
              : tf[name](x, axis),
          ),
          // Its argmax gives 64-bit integers, which WebGPU has not.
          ...(name === 'argmax' ? [] : [reduction(ONNX[name], x, axis)]),
        ],
        reference: () => [{ ...y, data: reference(DEFINITIONS[name], x.data, rows, cols, axis) }],
        tolerance: dtype === 'f16' ? 2e-3 : 1e-5,
      };
    }
  }
}

function reduction(op: string, x: ReturnType<typeof uniform>, axis: 0 | 1 | undefined) {
  return onnx([x], ({ node, constant }, x) => {
    const axes = BigInt64Array.from(axis === undefined ? [0n, 1n] : [BigInt(axis)]);
    return node(op, [x, constant(axes, [axes.length])], { keepdims: 0 });
  });
}

function reference(
  f: (row: readonly number[]) => number,
  x: Float32Array,
  rows: number,
  cols: number,
  axis: 0 | 1 | undefined,
): Float64Array {
  if (axis === undefined) return Float64Array.of(f(Array.from(x)));
  const [outer, length, step, stride] = axis === 0 ? [cols, rows, cols, 1] : [rows, cols, 1, cols];
  return Float64Array.from({ length: outer }, (_, o) =>
    f(Array.from({ length }, (_, i) => x[o * stride + i * step] as number)),
  );
}

export default { op: 'reduce', rows } satisfies Bench;
