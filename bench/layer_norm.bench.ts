import { layerNorm, type Tensor } from '../src/index.ts';
import type { Bench, Row, Wish } from './bench.ts';
import { forward, forwardBackward } from './contenders.ts';
import type { Definition } from './ops.ts';
import { onnx } from './peers/onnx.ts';
import { reference } from './reference/f64.ts';
import { bytesOf, uniform } from './values.ts';

type Shape = readonly [rows: number, cols: number];
const SHAPES: readonly Shape[] = [
  [4096, 256],
  [512, 1024],
  [4096, 1024],
  [32, 16384],
];
const SMOKE: readonly Shape[] = [[5, 33]];

const definition: Definition = (ops, ...[x, weight, bias]) => ops.layerNorm(x!, weight!, bias!);

/** Over the last axis, with weight and bias; forward, and forward and backward: y; y, dx, dweight, dbias. */
function* rows({ dtype, smoke }: Wish): Generator<Row> {
  for (const [rows, cols] of smoke ? SMOKE : SHAPES) {
    const [x, dy] = [uniform([rows, cols], 1, dtype), uniform([rows, cols], 4, dtype)];
    const vectors = [uniform([cols], 2, dtype), uniform([cols], 3, dtype)];
    const inputs = [x, ...vectors];
    const ours = (...[x, weight, bias]: Tensor[]) => layerNorm(x!, { weight: weight!, bias: bias! });
    const size = rows * cols;
    const common = { shape: `[${rows}, ${cols}]`, dtype, size, tolerance: dtype === 'f16' ? 4e-3 : 1e-5 };
    yield {
      ...common,
      series: 'forward',
      // Mean, difference, square and its sum, quotient, weight, bias.
      flops: 7 * size,
      bytes: bytesOf(dtype, [...inputs, x]),
      contenders: [
        ...forward(definition, inputs, ours),
        onnx(inputs, ({ node }, ...xs) => node('LayerNormalization', xs)),
      ],
      reference: () => reference(definition, inputs),
    };
    yield {
      ...common,
      series: 'forward + backward',
      // g = dy weight and its sum; g normal and its sum; three to put them together, one to scale; dweight 2, dbias 1.
      flops: (7 + 11) * size,
      bytes: 2 * bytesOf(dtype, [...inputs, dy]),
      contenders: forwardBackward(definition, inputs, dy, ours),
      reference: () => reference(definition, inputs, { dy: dy.data }),
    };
  }
}

export default { op: 'layer_norm', rows } satisfies Bench;
