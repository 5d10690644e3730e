import { batchNorm, type Tensor } from '../src/index.ts';
import { batchNormPlain } from '../src/ops/reference/norm.ts';
import type { Bench, Row, Wish } from './bench.ts';
import { fovea } from './fovea.ts';
import type { Definition } from './ops.ts';
import { tensorflow } from './peers/tensorflow.ts';
import { backward } from './plain.ts';
import { reference } from './reference/f64.ts';
import { bytesOf, uniform } from './values.ts';

type Shape = readonly [N: number, C: number, inner: number];
const SHAPES: readonly Shape[] = [
  [8, 64, 1024],
  [2, 32, 4096],
  [16, 256, 64],
  [4096, 128, 1],
];
const SMOKE: readonly Shape[] = [[3, 5, 7]];

/** Channels as rows of a layer normalisation, by ones and zeros; the weight and the bias of the channels after it. */
const definition: Definition = (ops, ...[x, weight, bias, ones, nothing]) => {
  const [N, C, inner] = ops.shape(x!) as Shape;
  const normal = ops.layerNorm(ops.reshape(ops.permute(x!, [1, 0, 2]), [C, N * inner]), ones!, nothing!);
  const scaled = ops.add(ops.mul(normal, ops.reshape(weight!, [C, 1])), ops.reshape(bias!, [C, 1]));
  return ops.permute(ops.reshape(scaled, [C, N, inner]), [1, 0, 2]);
};

const ours = (...[x, weight, bias]: Tensor[]) => batchNorm(x!, { weight: weight!, bias: bias!, training: true });
const plain = (...[x, weight, bias]: Tensor[]) => {
  const [outer, channels, inner] = x!.shape as unknown as Shape;
  return batchNormPlain(x!, weight!, bias!, { outer, channels, inner }, 1e-5, {});
};

/** In training, with weight and bias; forward, and forward and backward: y; y, dx, dweight, dbias. */
function* rows({ dtype, smoke }: Wish): Generator<Row> {
  for (const [N, C, inner] of smoke ? SMOKE : SHAPES) {
    const shape = [N, C, inner];
    const [x, dy] = [uniform(shape, 1, dtype), uniform(shape, 4, dtype)];
    const inputs = [x, uniform([C], 2, dtype), uniform([C], 3, dtype)];
    const fill = (value: number) => ({ shape: [N * inner], data: new Float32Array(N * inner).fill(value) });
    const known = [...inputs, fill(1), fill(0)];
    const size = N * C * inner;
    const common = { shape: `[${shape.join(', ')}]`, dtype, size, tolerance: dtype === 'f16' ? 4e-3 : 1e-5 };
    yield {
      ...common,
      series: 'forward',
      // Mean, difference, square and its sum, difference, weight, bias.
      flops: 7 * size,
      bytes: bytesOf(dtype, [...inputs, x]),
      contenders: [
        fovea('fovea', 'fovea', inputs, ours),
        fovea('plain', 'plain', inputs, plain),
        tensorflow(inputs, (tf, ...[x, weight, bias]) => {
          const { mean, variance } = tf.moments(x!, [0, 2], true);
          const scale = tf.mul(tf.rsqrt(tf.add(variance, 1e-5)), tf.reshape(weight!, [C, 1]));
          return tf.add(tf.mul(tf.sub(x!, mean), scale), tf.reshape(bias!, [C, 1]));
        }),
      ],
      reference: () => reference(definition, known),
    };
    const all = [...inputs, dy];
    yield {
      ...common,
      series: 'forward + backward',
      // dy and its sum, h (2), dy h and its sum; for dx two products, a difference and two sums.
      flops: (7 + 10) * size,
      bytes: 2 * bytesOf(dtype, [...inputs, dy]),
      contenders: [fovea('fovea', 'fovea', all, backward(ours)), fovea('plain', 'plain', all, backward(plain))],
      reference: () => reference(definition, known, { dy: dy.data, wrt: 3 }),
    };
  }
}

export default { op: 'batch_norm', rows } satisfies Bench;
