import { conv2d, type Tensor } from '../src/index.ts';
import type { Bench, Contender, Row, Wish } from './bench.ts';
import { forward, forwardBackward } from './contenders.ts';
import type { Definition } from './ops.ts';
import { onnx } from './peers/onnx.ts';
import { reference } from './reference/f64.ts';
import { bytesOf, uniform } from './values.ts';

interface Shape {
  readonly x: readonly [N: number, C: number, H: number, W: number];
  readonly out: number;
  readonly taps: number;
  readonly stride?: number;
  readonly groups?: number;
}
const SHAPES: readonly Shape[] = [
  { x: [1, 64, 32, 32], out: 64, taps: 3 },
  { x: [4, 32, 32, 32], out: 64, taps: 3, stride: 2 },
  { x: [1, 3, 64, 64], out: 64, taps: 7, stride: 2 },
  { x: [1, 64, 32, 32], out: 128, taps: 1 },
  { x: [1, 64, 32, 32], out: 64, taps: 3, groups: 64 },
];
const SMOKE: readonly Shape[] = [
  { x: [1, 3, 6, 5], out: 5, taps: 3, stride: 2 },
  { x: [1, 3, 5, 5], out: 3, taps: 3, groups: 3 },
];

/** Images with channels first, padded by half a kernel: forward, and forward and backward: y; y, dx, dw. */
function* rows({ dtype, smoke }: Wish): Generator<Row> {
  for (const { x: size, out, taps, stride = 1, groups = 1 } of smoke ? SMOKE : SHAPES) {
    const [N, C, H, W] = size;
    const padding = (taps - 1) / 2;
    const windows = { stride, padding, groups };
    const definition: Definition = (ops, x, w) => ops.conv2d(x!, w!, windows);
    const [outH, outW] = [H, W].map((n) => Math.floor((n - 1) / stride) + 1) as [number, number];
    const inputs = [uniform(size, 1, dtype), uniform([out, C / groups, taps, taps], 2, dtype)];
    const dy = uniform([N, out, outH, outW], 3, dtype);
    const ours = (x: Tensor, w: Tensor) => conv2d(x, w, windows);
    const name = `[${size.join(', ')}] ${taps}x${taps} to ${out}${stride > 1 ? ` s${stride}` : ''}${groups > 1 ? ` g${groups}` : ''}`;
    const flops = (2 * N * out * outH * outW * C * taps * taps) / groups;
    const canGroup = ({ name }: Contender) => groups === 1 || name !== 'TensorFlow.js';
    const common = { shape: name, dtype, size: N * C * H * W, tolerance: dtype === 'f16' ? 4e-3 : 1e-5 };
    yield {
      ...common,
      series: 'forward',
      flops,
      bytes: bytesOf(dtype, [...inputs, dy]),
      contenders: [
        ...forward(definition, inputs, (x, w) => ours(x!, w!)).filter(canGroup),
        onnx(inputs, ({ node }, ...xs) =>
          node('Conv', xs, { pads: Array(4).fill(padding), strides: [stride, stride], group: groups }),
        ),
      ],
      reference: () => reference(definition, inputs),
    };
    yield {
      ...common,
      series: 'forward + backward',
      flops: 3 * flops,
      bytes: 2 * bytesOf(dtype, [...inputs, dy]),
      contenders: forwardBackward(definition, inputs, dy, (x, w) => ours(x!, w!)).filter(canGroup),
      reference: () => reference(definition, inputs, { dy: dy.data }),
    };
  }
}

export default { op: 'conv', rows } satisfies Bench;
