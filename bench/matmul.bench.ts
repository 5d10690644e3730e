import { expandDims, type Gpu, matmul, mul, sum, type Tensor } from '../src/index.ts';
import type { Bench, Row } from './bench.ts';
import { values } from './values.ts';

const SHAPES: readonly (readonly [M: number, N: number, K: number])[] = [
  [256, 256, 256],
  [6, 384, 128],
  [64, 64, 4096],
  [1, 1024, 1024],
];

/** [M, K] x [K, N], and the same as a broadcast product that is summed. */
function* rows(gpu: Gpu): Generator<Row> {
  for (const [M, N, K] of SHAPES) {
    const [x, y] = [values(M * K, 1), values(K * N, 2)];
    const [a, b] = [gpu.tensor(x, [M, K]), gpu.tensor(y, [K, N])];
    const plain = (): Tensor => sum(mul(expandDims(a, 2), expandDims(b, 0)), { axis: 1 });
    yield {
      shape: `${M}x${K} * ${K}x${N}`,
      flops: 2 * M * N * K,
      bytes: 4 * (M * K + K * N + M * N),
      contenders: [
        { name: 'fovea', run: () => matmul(a, b) },
        ...(M * N * K <= 2 ** 22 ? [{ name: 'plain', run: plain }] : []),
      ],
      reference: () => ({ shape: [M, N], data: product(x, y, M, N, K) }),
      tolerance: 1e-5,
      dispose: () => {
        a.dispose();
        b.dispose();
      },
    };
  }
}

function product(x: Float32Array, y: Float32Array, M: number, N: number, K: number): Float64Array {
  const out = new Float64Array(M * N);
  for (let m = 0; m < M; m++) {
    for (let k = 0; k < K; k++) {
      const v = x[m * K + k] as number;
      for (let n = 0; n < N; n++) out[m * N + n] = (out[m * N + n] as number) + v * (y[k * N + n] as number);
    }
  }
  return out;
}

export default { op: 'matmul', rows } satisfies Bench;
