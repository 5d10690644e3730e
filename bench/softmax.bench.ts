import { type Gpu, softmax } from '../src/index.ts';
import { softmaxPlain } from '../src/ops/reference/softmax.ts';
import type { Bench, Row } from './bench.ts';
import { values } from './values.ts';

const SHAPES: readonly (readonly [rows: number, cols: number])[] = [
  [4096, 32],
  [512, 1024],
  [4, 65536],
];

/** Softmax over the last axis. */
function* rows(gpu: Gpu): Generator<Row> {
  for (const [rows, cols] of SHAPES) {
    const host = values(rows * cols, 1);
    const x = gpu.tensor(host, [rows, cols]);
    yield {
      shape: `[${rows}, ${cols}]`,
      flops: 4 * rows * cols,
      bytes: 8 * rows * cols,
      contenders: [
        { name: 'fovea', run: () => softmax(x) },
        { name: 'plain', run: () => softmaxPlain(x, 1, false) },
      ],
      reference: () => ({ shape: [rows, cols], data: reference(host, rows, cols) }),
      tolerance: 1e-5,
      dispose: () => x.dispose(),
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
