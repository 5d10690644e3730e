// score_mod, mask_mod, the arrays that they read, and block masks.
import { describe, expect, test } from 'vitest';
import { grad } from '../../../src/autograd/tape.ts';
import { createBlockMask } from '../../../src/ops/attention/mods.ts';
import {
  type ScaledDotProductAttentionOptions,
  scaledDotProductAttention,
} from '../../../src/ops/attention/scaled_dot_product.ts';
import { sum } from '../../../src/ops/reduce.ts';
import { square } from '../../../src/ops/unary.ts';
import type { Tensor } from '../../../src/tensor.ts';
import { checkOp, expectClose, type Input, type Nd } from '../../../src/testing/check.ts';
import { testRandom } from '../../../src/testing/random.ts';
import { attention, type ReferenceOptions } from '../../helpers/attention.ts';
import { bare } from '../../helpers/bare.ts';
import { gpu, guards } from '../../helpers/gpu.ts';

type Options = Omit<
  ScaledDotProductAttentionOptions,
  'mask' | 'queryLengths' | 'keyLengths' | 'alibi' | 'sinks' | 'extras'
>;
interface Case {
  readonly sizes?: readonly [B: number, H: number, Hkv: number, L: number, S: number];
  readonly options: Options;
  readonly extras?: readonly Input[];
  readonly reference: Pick<ReferenceOptions, 'scoreMod' | 'maskMod'>;
}

const args = '(score: f32, b: u32, h: u32, q: u32, k: u32) -> f32';
const scored = (value: string, slope: string) =>
  `fn score_mod${args} { return ${value}; }\nfn score_mod_grad${args} { return ${slope}; }`;
const masked = (shown: string) => `fn mask_mod(b: u32, h: u32, q: u32, k: u32) -> bool { return ${shown}; }`;
const PLANS = [
  { variant: 'registers', rows: 4 },
  { variant: 'registers', rows: 8, splits: 2 },
  { variant: 'tiled' },
] as const;

/** The same functions for few keys and for block masks, since each compiles kernels of its own: blocks that are hidden, partial, whole (b = 1). */
const BOTH = {
  scoreMod: scored('score * f32(1 + h)', 'f32(1 + h)'),
  maskMod: masked('(k / 32u == (q / 32u + h / 2u) % 4u && k % 2u == h % 2u) || k == q || b == 1u'),
};

const CASES: Readonly<Record<string, Case>> = {
  'a score_mod with a slope of its own, after a soft cap': {
    options: {
      scoreMod: scored('score * score * f32(1 + h)', '2.0 * score * f32(1 + h)'),
      softcap: 1.5,
      returnLse: true,
    },
    reference: { scoreMod: (s, _b, h) => s * s * (1 + h) },
  },
  'a score_mod that hides': {
    options: {
      scoreMod: scored('select(score, -3.4e38, (q + k) % 3u == 0u)', 'select(1.0, 0.0, (q + k) % 3u == 0u)'),
      isCausal: true,
    },
    reference: { scoreMod: (s, _b, _h, q, k) => ((q + k) % 3 === 0 ? Number.NEGATIVE_INFINITY : s) },
  },
  'a score_mod that reads two arrays': {
    options: { scoreMod: scored('score * extra0(h) + f32(extra1(q + k))', 'extra0(h)') },
    extras: [
      { shape: [2], data: [0.5, -1.5], grad: false },
      { shape: [14], dtype: 'i32', data: Array.from({ length: 14 }, (_, i) => (i % 5) - 2) },
    ],
    reference: { scoreMod: (s, _b, h, q, k) => s * [0.5, -1.5][h]! + (((q + k) % 5) - 2) },
  },
  'a mask_mod that hides whole rows, with lse and weights': {
    options: { maskMod: masked('q != 2u && k > 0u'), returnWeights: true },
    reference: { maskMod: (_b, _h, q, k) => q !== 2 && k > 0 },
  },
  'documents: a mask_mod that reads an array': {
    options: { maskMod: masked('extra0(q) == extra0(k)'), window: [4, 2], dropout: { p: 0.3, seed: 4 } },
    extras: [{ shape: [9], dtype: 'u32', data: [0, 0, 0, 1, 1, 1, 1, 2, 2] }],
    reference: { maskMod: (_b, _h, q, k) => [0, 0, 0, 1, 1, 1, 1, 2, 2][q] === [0, 0, 0, 1, 1, 1, 1, 2, 2][k] },
  },
  'both, heads that share keys, few queries': {
    sizes: [2, 4, 2, 2, 9],
    options: { ...BOTH, layout: 'blhd' },
    reference: {
      scoreMod: (s, _b, h) => s * (1 + h),
      maskMod: (b, h, q, k) => (k >> 5 === ((q >> 5) + (h >> 1)) % 4 && k % 2 === h % 2) || k === q || b === 1,
    },
  },
};

async function check({ sizes = [2, 2, 1, 5, 9], options, extras = [], reference }: Case): Promise<void> {
  const [B, H, Hkv, L, S] = sizes;
  const shape = (h: number, rows: number) => (options.layout === 'blhd' ? [B, rows, h, 4] : [B, h, rows, 4]);
  const op = (q: Tensor, k: Tensor, v: Tensor, ...extras: Tensor[]) => {
    const result = scaledDotProductAttention(q, k, v, { ...options, extras });
    if (!('output' in result)) return [result];
    const { output, lse, weights } = result as { output: Tensor; lse?: Tensor; weights?: Tensor };
    return [output, ...(lse ? [lse] : []), ...(weights ? [weights] : [])];
  };
  const { scoreMod: _, maskMod: __, ...others } = options;
  const want = (q: Nd, k: Nd, v: Nd) => {
    const r = attention(q, k, v, { ...others, ...reference } as ReferenceOptions);
    return [r.output, ...(options.returnLse ? [r.lse] : []), ...(options.returnWeights ? [r.weights] : [])];
  };
  const inputs = [{ shape: shape(H, L) }, { shape: shape(Hkv, S) }, { shape: shape(Hkv, S) }, ...extras];
  await checkOp(gpu, op as never, want as never, inputs);
  await guards.verify();
}

test.each(Object.entries(CASES))('%s', (_, c) => check({ ...c, options: { ...c.options, plan: PLANS[0] } }));
// The variants share the code of all but where it is called.
test.each([1, 2].map((i) => PLANS[i]))('plan %o', async (plan) => {
  const { options, ...c } = CASES['both, heads that share keys, few queries'] as Case;
  await check({ ...c, options: { ...options, ...(plan && { plan }) } });
});

describe('block masks', () => {
  const random = testRandom(8);
  const tensor = (...shape: number[]) =>
    gpu.tensor(
      Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => random() * 2 - 1),
      shape,
    );
  const WINDOW = masked('k <= q && q - k < 20u');

  test.each([
    ['one for all heads', { maskMod: WINDOW }, {}, PLANS[0]],
    ['one for each head and entry of the batch, in ranges', BOTH, { B: 2, H: 4 }, PLANS[1]],
    ['one for each head and entry of the batch, by tiles', BOTH, { B: 2, H: 4 }, PLANS[2]],
  ])('%s: the same bits as the function alone', async (_, mods, sizes, plan) => {
    const [L, S] = [70, 101];
    const [q, k, v] = [tensor(2, 4, L, 4), tensor(2, 2, S, 4), tensor(2, 2, S, 4)];
    const blocks = createBlockMask(gpu, mods.maskMod, { ...sizes, L, S });
    const run = (maskMod: Options['maskMod']) => {
      const options = { ...mods, maskMod, plan } as ScaledDotProductAttentionOptions;
      const output = scaledDotProductAttention(q, k, v, options);
      return [output, ...grad(() => sum(square(scaledDotProductAttention(q, k, v, options))), [q, k, v])];
    };
    const data = (all: Tensor[]) => Promise.all(all.map((t) => t.data()));
    expect(await data(run(blocks))).toEqual(await data(run(mods.maskMod)));
    blocks.dispose();
  });

  test('classes: hidden, partial, whole, with tails', async () => {
    using blocks = createBlockMask(gpu, masked('k <= q'), { L: 70, S: 40 });
    expect(await blocks.classes.array()).toEqual([
      [
        [
          [1, 0],
          [2, 1],
          [2, 2],
        ],
      ],
    ]);
    using heads = createBlockMask(gpu, masked('h == 1u && b == 0u'), { B: 2, H: 2, L: 1, S: 1 });
    expect(await heads.classes.array()).toEqual([
      [[[0]], [[2]]],
      [[[0]], [[0]]],
    ]);
    using extra = gpu.tensor([31], undefined, { dtype: 'u32' });
    using read = createBlockMask(gpu, masked('k < extra0(0u)'), { L: 2, S: 64 }, { extras: [extra] });
    expect(await read.classes.array()).toEqual([[[[1, 0]]]]);
  });

  test('hidden blocks are passed by: their keys may be NaN, and a row without keys gives zeros', async () => {
    const [L, S] = [64, 64];
    const q = tensor(1, 1, L, 4);
    const k = tensor(1, 1, S, 4);
    const data = Float32Array.from({ length: S * 4 }, (_, i) => (i < 128 ? Number.NaN : 1));
    const v = gpu.tensor(data, [1, 1, S, 4]);
    using blocks = createBlockMask(gpu, masked('q >= 32u && k >= 32u'), { L, S });
    const out = (await scaledDotProductAttention(q, k, v, { maskMod: blocks }).data()) as Float32Array;
    expect([...out.slice(0, 128)]).toEqual(Array(128).fill(0));
    out.slice(128).forEach((x) => expect(x).toBeCloseTo(1, 5));
  });
});

describe('gradients of gradients', () => {
  const random = testRandom(2);
  const tensor = (...shape: number[]) =>
    gpu.tensor(
      Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => random() * 2 - 1),
      shape,
    );
  const second = (q: Tensor, k: Tensor, options: ScaledDotProductAttentionOptions) =>
    grad(() => sum(square(grad(() => sum(square(scaledDotProductAttention(q, k, k, options))), q))), q);

  test('with a mask_mod: as with the same bool mask', async () => {
    const [q, k] = [tensor(1, 2, 3, 4), tensor(1, 2, 5, 4)];
    const seen = Array.from({ length: 15 }, (_, i) => ((Math.floor(i / 5) + (i % 5)) % 2 === 0 ? 1 : 0));
    const mask = gpu.tensor(seen, [3, 5], { dtype: 'bool' });
    const got = await second(q, k, { maskMod: masked('(q + k) % 2u == 0u') }).data();
    const want = await second(q, k, { mask }).data();
    expectClose('second', { shape: q.shape, data: got }, { shape: q.shape, data: Float64Array.from(want) }, 1e-5);
  });

  test('with a score_mod: refused, since nobody gave a second derivative', () => {
    const [q, k] = [tensor(1, 1, 3, 4), tensor(1, 1, 5, 4)];
    expect(() => second(q, k, { scoreMod: scored('score * score', '2.0 * score') })).toThrow(
      'scaledDotProductAttention: scoreMod has no second derivative: only score_mod_grad is known',
    );
  });
});

describe('errors', () => {
  const z = (...shape: number[]) => gpu.zeros(shape);
  const call = (options: ScaledDotProductAttentionOptions) =>
    scaledDotProductAttention(z(1, 1, 3, 4), z(1, 1, 5, 4), z(1, 1, 5, 4), options);

  test('what is no such function', () => {
    expect(() => call({ scoreMod: 'fn f() {}' })).toThrow(
      'scaledDotProductAttention: scoreMod must be WGSL that declares fn score_mod(score: f32, b: u32, h: u32, q: u32, k: u32) -> f32, got "fn f() {}"',
    );
    expect(() => call({ scoreMod: `fn score_mod${args} { return score; }` })).toThrow('declares fn score_mod_grad(');
    expect(() => call({ maskMod: 7 as never })).toThrow(
      'maskMod must be WGSL that declares fn mask_mod(b: u32, h: u32, q: u32, k: u32) -> bool, got 7',
    );
    expect(() => createBlockMask(gpu, '', { L: 1, S: 1 })).toThrow('createBlockMask: maskMod must be WGSL');
    expect(() => createBlockMask(gpu, masked('true'), { L: 0, S: 1 })).toThrow(
      'createBlockMask: shape.L must be a whole number of at least 1, got 0',
    );
  });

  test('arrays and block masks that do not fit', () => {
    const maskMod = masked('true');
    expect(() => call({ maskMod, extras: [z(1), z(1), z(1)] })).toThrow('extras may be two arrays at most, got 3');
    expect(() => call({ maskMod, extras: [gpu.zeros([2], 'bool')] })).toThrow(
      'extras[0] must have elements, f32, f16, i32 or u32, got bool[2]',
    );
    using blocks = createBlockMask(gpu, maskMod, { H: 2, L: 3, S: 5 });
    expect(() => call({ maskMod: blocks })).toThrow(
      'maskMod must be a block mask for the scores [1, 1, 3, 5], got one for B 1, H 2, L 3, S 5',
    );
  });

  test('an array that a gradient is asked for', () => {
    const [q, extra] = [z(1, 1, 3, 4), z(4)];
    const scoreMod = scored('score * extra0(q)', 'extra0(q)');
    const loss = () => sum(scaledDotProductAttention(q, q, q, { scoreMod, extras: [extra] }));
    expect(() => grad(loss, { q, extra })).toThrow('scaledDotProductAttention: extras[0] has no gradient, detach it');
  });

  test('WGSL that does not compile: the error shows the line, and the engine goes on', () =>
    bare(async (gpu) => {
      const x = gpu.zeros([1, 1, 3, 4]);
      const scoreMod = `fn score_mod${args} {\n  return score + missing;\n}\n${scored('score', '1.0').split('\n')[1]}`;
      await expect(scaledDotProductAttention(x, x, x, { scoreMod }).data()).rejects.toThrow(
        /score_mod:2:\d+ \(return score \+ missing;\)/,
      );
      expect(await scaledDotProductAttention(x, x, x).data()).toHaveLength(12);
    }));

  test('a score_mod_grad that is not the derivative is found in debug mode', async () => {
    call({ scoreMod: scored('score * score', 'score') });
    await expect(guards.verify()).rejects.toThrow(
      /scoreMod's score_mod_grad must be the derivative of score_mod, got .* where differences give/,
    );
    await guards.verify();
  });
});
