import { additiveAttention, type Tensor } from '../src/index.ts';
import type { Bench, Contender, HostInput, Row, Wish } from './bench.ts';
import { forward, forwardBackward } from './contenders.ts';
import { additive, type Definition, linear, type Ops } from './ops.ts';
import { onnx, type Value } from './peers/onnx.ts';
import { reference } from './reference/f64.ts';
import { bytesOf, uniform } from './values.ts';

/** D is the width of queries, keys and values, A that of the sums. */
interface Shape {
  readonly B: number;
  readonly L: number;
  readonly S: number;
  readonly D: number;
  readonly A: number;
}

const SHAPES: readonly Shape[] = [
  { B: 8, L: 1, S: 512, D: 256, A: 256 },
  { B: 1, L: 256, S: 256, D: 64, A: 64 },
  { B: 32, L: 32, S: 32, D: 128, A: 128 },
];
const SMOKE: readonly Shape[] = [{ B: 2, L: 3, S: 5, D: 8, A: 6 }];

const definition: Definition = <T>(ops: Ops<T>, ...[query, keys, values, wq, wk, v, bias]: T[]): T =>
  additive(ops, linear(ops, query!, wq!, bias!), linear(ops, keys!, wk!), values!, v!);

/** From query [B, L, D], keys and values [B, S, D], wq and wk [A, D], v and bias [A]; with the gradients of all of them. */
function* rows({ dtype, smoke }: Wish): Generator<Row> {
  for (const { B, L, S, D, A } of smoke ? SMOKE : SHAPES) {
    const shapes = [[B, L, D], [B, S, D], [B, S, D], [A, D], [A, D], [A], [A]];
    const inputs = shapes.map((shape, i) => uniform(shape, i + 1, dtype));
    const dy = uniform([B, L, D], 8, dtype);
    const ours = (...[query, keys, values, wq, wk, v, bias]: Tensor[]) =>
      additiveAttention(query!, keys!, values!, { wq: wq!, wk: wk!, v: v!, bias: bias! });
    const pairs = B * L * S;
    // Projections; for each pair sum, tanh and product with v, then softmax and the product with the value.
    const projections = 2 * B * (L + S) * D * A;
    const flops = projections + pairs * (4 * A + 5 + 2 * D);
    const common = {
      shape: `B${B} L${L} S${S} D${D} A${A}`,
      dtype,
      size: pairs * A,
      tolerance: dtype === 'f16' ? 1e-2 : 1e-5,
    };
    yield {
      ...common,
      series: 'forward',
      flops,
      bytes: bytesOf(dtype, [...inputs, dy]),
      contenders: [...forward(definition, inputs, ours), onnxAttention(inputs)],
      reference: () => reference(definition, inputs),
    };
    yield {
      ...common,
      series: 'forward + backward',
      // Two products for each of the forward ones; ds = p (dp - sum(dp p)); through v, tanh and the sums.
      flops: flops + 2 * projections + pairs * (4 * D + 4 + 8 * A),
      bytes: 2 * bytesOf(dtype, [...inputs, dy]),
      contenders: forwardBackward(definition, inputs, dy, ours),
      reference: () => reference(definition, inputs, { dy: dy.data }),
    };
  }
}

/** ONNX Runtime has no operator for it. */
function onnxAttention(inputs: readonly HostInput[]): Contender {
  return onnx(inputs, ({ node, constant }, ...[query, keys, values, wq, wk, v, bias]) => {
    const turned = (w: Value) => node('Transpose', [w], { perm: [1, 0] });
    const unsqueeze = (x: Value, axis: bigint) => node('Unsqueeze', [x, constant(BigInt64Array.of(axis), [1])]);
    const q = node('Add', [node('MatMul', [query!, turned(wq!)]), bias!]);
    const k = node('MatMul', [keys!, turned(wk!)]);
    const sums = node('Tanh', [node('Add', [unsqueeze(q, 2n), unsqueeze(k, 1n)])]);
    const weights = node('Softmax', [node('MatMul', [sums, v!])], { axis: -1 });
    return node('MatMul', [weights, values!]);
  });
}

export default { op: 'additive_attention', rows } satisfies Bench;
