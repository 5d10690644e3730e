import { type Shape, scaledDotProductAttention, type Tensor } from '../src/index.ts';
import type { Bench, Contender, Row, Wish } from './bench.ts';
import { forward, forwardBackward } from './contenders.ts';
import type { Definition, Ops } from './ops.ts';
import { onnx } from './peers/onnx.ts';
import { reference } from './reference/f64.ts';
import { withResults } from './results.ts';
import { bytesOf, type FloatInput, swapMiddle, uniform } from './values.ts';

interface Sizes {
  readonly B: number;
  readonly H: number;
  /** Heads of keys and values, where there are fewer. */
  readonly Hkv?: number;
  readonly L: number;
  readonly S?: number;
  readonly D: number;
  readonly causal?: boolean;
  /** Keys that a query sees before and after its own. */
  readonly window?: number;
}

const SHAPES: readonly Sizes[] = [
  { B: 1, H: 8, L: 256, D: 64 },
  { B: 1, H: 8, L: 512, D: 64, causal: true },
  { B: 1, H: 4, L: 1024, D: 64 },
  { B: 32, H: 4, L: 32, D: 32 },
  { B: 1, H: 16, L: 1, S: 2048, D: 64 },
  { B: 2, H: 8, Hkv: 2, L: 512, D: 128 },
  { B: 1, H: 8, L: 512, D: 80 },
  { B: 1, H: 1, L: 2048, D: 64, window: 128 },
  // Left to GPUs: see page.ts.
  { B: 4, H: 16, L: 2048, D: 64 },
  { B: 4, H: 16, L: 2048, D: 128 },
];
/** With more products than this all heads are the same, so that the reference is quick. */
const LARGE = 2 ** 32;
const SMOKE: readonly Sizes[] = [
  { B: 2, H: 4, Hkv: 2, L: 5, S: 7, D: 8 },
  { B: 1, H: 2, L: 9, D: 8, causal: true },
  { B: 1, H: 2, L: 9, D: 8, window: 2 },
];

const nameOf = ({ B, H, Hkv, L, S, D, causal, window }: Sizes) => {
  const heads = Hkv ? `H${H}/${Hkv}` : `H${H}`;
  const seen = [causal ? 'causal' : '', window ? `window ${window}` : ''];
  return [`B${B}`, heads, `L${L}`, S ? `S${S}` : '', `D${D}`, ...seen].filter(Boolean).join(' ');
};

/** How many keys before and after its own a query sees, or null for all. */
const bandOf = ({ causal, window }: Sizes): readonly [left: number, right: number] | null =>
  causal ? [Infinity, 0] : window ? [window, window] : null;

/** Scaled dot-product attention from q [B, H, L, D] and k, v [B, Hkv, S, D]: softmax(q k^T / sqrt(D)) v. */
const definition =
  (sizes: Sizes): Definition =>
  <T>(ops: Ops<T>, ...[q, k, v]: T[]): T => {
    const { B, H, Hkv = H, L, S = L, D } = sizes;
    const band = bandOf(sizes);
    // Heads that share keys are more queries of one head.
    const queries = ops.reshape(ops.mul(q as T, 1 / Math.sqrt(D)), [B, Hkv, (H / Hkv) * L, D]);
    const scores = ops.reshape(ops.matmul(queries, k as T, true), [B, H, L, S]);
    const weights = ops.softmax(band ? ops.band(scores, ...band) : scores);
    const output = ops.matmul(ops.reshape(weights, [B, Hkv, (H / Hkv) * L, S]), v as T);
    return ops.reshape(output, [B, H, L, D]);
  };

/** A head as B times H of them. */
function repeat<T extends { readonly shape: Shape; readonly data: FloatInput['data'] | Float64Array }>(
  x: T,
  B: number,
  H: number,
): T {
  const size = B * H * x.data.length;
  const data = x.data instanceof Float32Array ? new Float32Array(size) : new Float64Array(size);
  for (let at = 0; at < size; at += x.data.length) data.set(x.data, at);
  return { ...x, shape: [B, H, ...x.shape.slice(2)], data };
}

/** How many keys the queries of a head see together. */
function pairsOf({ L, S = L, ...sizes }: Sizes): number {
  const [left, right] = bandOf({ L, S, ...sizes }) ?? [Infinity, Infinity];
  let pairs = 0;
  for (let i = 0; i < L; i++) pairs += Math.min(i + right, S - 1) - Math.max(i - left, 0) + 1;
  return pairs;
}

/** Forward, and forward and backward: y; y, dq, dk, dv. */
function* rows({ dtype, smoke }: Wish): Generator<Row> {
  for (const sizes of smoke ? SMOKE : SHAPES) {
    const { B, H, Hkv = H, L, S = L, D, causal = false, window } = sizes;
    const isLarge = B * H * L * S * D > LARGE;
    const [b, h, hkv] = isLarge ? [1, 1, 1] : [B, H, Hkv];
    const own = [
      [b, h, L, D],
      [b, hkv, S, D],
      [b, hkv, S, D],
      [b, h, L, D],
    ].map((s, i) => uniform(s, i + 1, dtype));
    const all = isLarge ? own.map((x, i) => repeat(x, B, i % 3 === 0 ? H : Hkv)) : own;
    const [inputs, dy] = [all.slice(0, 3), all[3] as FloatInput];
    const attend = definition(sizes);
    const expected = (gradient?: { readonly dy: ArrayLike<number> }) => {
      const results = reference(definition({ ...sizes, B: b, H: h, Hkv: hkv }), own.slice(0, 3), gradient);
      return isLarge ? results.map((x, i) => repeat(x, B, i < 2 ? H : Hkv)) : results;
    };
    const ours = (...[q, k, v]: Tensor[]) =>
      scaledDotProductAttention(q as Tensor, k as Tensor, v as Tensor, {
        isCausal: causal,
        ...(window ? { window: [window, window] } : {}),
      });
    const pairs = B * H * pairsOf(sizes);
    const common = { shape: nameOf(sizes), dtype, size: B * H * L * S * D, tolerance: dtype === 'f16' ? 4e-3 : 1e-5 };
    yield {
      ...common,
      series: 'forward',
      // Two products; scale, maximum, difference, exponential, sum, quotient.
      flops: pairs * (4 * D + 6),
      bytes: bytesOf(dtype, all),
      contenders: [
        ...forward(attend, inputs, ours),
        // Its operator wants as many heads of keys as of queries, and knows no windows.
        ...(Hkv === H && !window ? [multiHeadAttention(sizes, inputs)] : []),
      ],
      reference: () => expected(),
    };
    yield {
      ...common,
      series: 'forward + backward',
      // Four products more (dv, dp, dq, dk); ds = p (dp - sum(dp p)), scaled.
      flops: pairs * (12 * D + 11),
      bytes: 2 * bytesOf(dtype, all),
      contenders: forwardBackward(attend, inputs, dy, ours),
      reference: () => expected({ dy: (own[3] as FloatInput).data }),
    };
  }
}

/** ONNX Runtime's fused operator takes and gives [B, L, H D]: it gets its inputs so, and its result is turned on the host. */
function multiHeadAttention({ B, H, L, D, causal = false }: Sizes, inputs: readonly FloatInput[]): Contender {
  const turned = inputs.map(({ shape, data, dtype }) => {
    return { shape: [B, shape[2] as number, H * D], data: swapMiddle(data, shape), dtype };
  });
  const options = { domain: 'com.microsoft', num_heads: H, unidirectional: causal ? 1 : 0 };
  const contender = onnx(turned, ({ node }, ...qkv) => node('MultiHeadAttention', qkv, options));
  return withResults(contender, ([y]) => {
    return [{ shape: [B, H, L, D], data: swapMiddle(Float64Array.from(y?.data ?? []), [B, L, H, D]) }];
  });
}

export default { op: 'attention', rows } satisfies Bench;
