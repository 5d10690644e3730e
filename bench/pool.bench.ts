import { avgPool2d, maxPool2d, type Tensor } from '../src/index.ts';
import type { Bench, Row, Wish } from './bench.ts';
import { forward, forwardBackward } from './contenders.ts';
import type { Definition } from './ops.ts';
import { onnx } from './peers/onnx.ts';
import { reference } from './reference/f64.ts';
import { bytesOf, type FloatInput, uniform } from './values.ts';

type Shape = readonly [N: number, C: number, H: number, W: number];
const SHAPES: readonly Shape[] = [
  [8, 64, 64, 64],
  [8, 64, 256, 256],
];
const SMOKE: readonly Shape[] = [[1, 3, 8, 7]];
const [SIZE, STRIDE] = [3, 2];

/** Windows of 3 x 3 every second place, channels first: forward, and forward and backward: y; y, dx. */
function* rows({ dtype, smoke }: Wish): Generator<Row> {
  for (const shape of smoke ? SMOKE : SHAPES)
    for (const kind of ['max', 'mean'] as const) {
      const [N, C, H, W] = shape;
      const definition: Definition = (ops, x) => ops.pool2d(kind, x!, SIZE, STRIDE);
      const [outH, outW] = [H, W].map((n) => Math.floor((n - SIZE) / STRIDE) + 1) as [number, number];
      const [inputs, dy] = [[distinct(shape, dtype)], uniform([N, C, outH, outW], 2, dtype)];
      const windows = { kernelSize: SIZE, stride: STRIDE };
      const ours = (x: Tensor) => (kind === 'max' ? maxPool2d(x, windows) : avgPool2d(x, windows));
      const flops = N * C * outH * outW * SIZE ** 2;
      const common = {
        shape: `[${shape.join(', ')}] k${SIZE} s${STRIDE}`,
        dtype,
        size: N * C * H * W,
        tolerance: dtype === 'f16' ? 4e-3 : 1e-5,
      };
      const attributes = { kernel_shape: [SIZE, SIZE], strides: [STRIDE, STRIDE] };
      yield {
        ...common,
        series: `${kind}, forward`,
        flops,
        bytes: bytesOf(dtype, [...inputs, dy]),
        contenders: [
          ...forward(definition, inputs, (x) => ours(x!)),
          // ONNX Runtime has no WebGPU kernel for maxima.
          ...(kind === 'mean' ? [onnx(inputs, ({ node }, x) => node('AveragePool', [x!], attributes))] : []),
        ],
        reference: () => reference(definition, inputs),
      };
      yield {
        ...common,
        series: `${kind}, forward + backward`,
        flops: 2 * flops,
        bytes: 2 * bytesOf(dtype, [...inputs, dy]),
        contenders: forwardBackward(definition, inputs, dy, (x) => ours(x!)),
        reference: () => reference(definition, inputs, { dy: dy.data }),
      };
    }
}

/** Exact in f16, and no two of a window alike: which of equal maxima gets the gradient is each library's choice. */
function distinct(shape: Shape, dtype: Wish['dtype']): FloatInput {
  const [, , H, W] = shape;
  const values = uniform(shape, 1, dtype);
  const place = (i: number) => ((Math.floor(i / W) % H) % SIZE) * SIZE + ((i % W) % SIZE);
  return { ...values, data: values.data.map((v, i) => Math.round(v * 64) / 64 + place(i) / 1024) };
}

export default { op: 'pool', rows } satisfies Bench;
