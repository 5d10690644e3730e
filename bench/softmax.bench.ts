import { softmax } from '../src/index.ts';
import { softmaxPlain } from '../src/ops/reference/softmax.ts';
import type { Bench, Row, Wish } from './bench.ts';
import { fovea } from './fovea.ts';
import { values } from './values.ts';

type Shape = readonly [rows: number, cols: number];
const SHAPES: readonly Shape[] = [
  [4096, 32],
  [512, 1024],
  [4, 65536],
];
const SMOKE: readonly Shape[] = [[5, 33]];

/** Softmax over the last axis. */
function* rows({ dtype, smoke }: Wish): Generator<Row> {
  for (const [rows, cols] of smoke ? SMOKE : SHAPES) {
    const size = rows * cols;
    const x = values(size, 1);
    const inputs = [{ shape: [rows, cols], data: x, dtype }];
    yield {
      shape: `[${rows}, ${cols}]`,
      dtype,
      size,
      series: 'forward',
      // Maximum, difference, exponential, sum, quotient.
      flops: 5 * size,
      bytes: 2 * size * (dtype === 'f16' ? 2 : 4),
      contenders: [
        fovea('fovea', 'fovea', inputs, (x) => softmax(x)),
        fovea('plain', 'plain', inputs, (x) => softmaxPlain(x, 1, false)),
      ],
      reference: () => [{ shape: [rows, cols], data: reference(x, rows, cols) }],
      tolerance: dtype === 'f16' ? 2e-3 : 1e-5,
    };
  }
}

function reference(x: Float32Array, rows: number, cols: number): Float64Array {
  const y = new Float64Array(x.length);
  for (let r = 0; r < rows; r++) {
    let total = 0;
    for (let i = r * cols; i < (r + 1) * cols; i++) total += y[i] = Math.exp(x[i] as number);
    for (let i = r * cols; i < (r + 1) * cols; i++) y[i] = (y[i] as number) / total;
  }
  return y;
}

export default { op: 'softmax', rows } satisfies Bench;
