import { describe, expect, test } from 'vitest';
import { grad, vjp } from '../../src/autograd/tape.ts';
import { sizeOf } from '../../src/host.ts';
import { additiveAttention } from '../../src/ops/attention/additive.ts';
import { scaledDotProductAttention } from '../../src/ops/attention/scaled_dot_product.ts';
import { add, mul } from '../../src/ops/binary.ts';
import { matmul } from '../../src/ops/matmul.ts';
import { sum } from '../../src/ops/reduce.ts';
import { expandDims, reshape } from '../../src/ops/shape.ts';
import { softmax } from '../../src/ops/softmax.ts';
import { square, tanh } from '../../src/ops/unary.ts';
import { LimitError } from '../../src/runtime/errors.ts';
import type { Tensor } from '../../src/tensor.ts';
import { checkOp, expectClose, type Nd } from '../../src/testing/check.ts';
import { testRandom } from '../../src/testing/random.ts';
import { gpu } from '../helpers/gpu.ts';

/** Softmax over the visible ones of n scores; zeros where nothing is visible. */
function weigh(n: number, score: (s: number) => number, visible: (s: number) => boolean): number[] {
  const scores = Array.from({ length: n }, (_, s) => (visible(s) ? score(s) : Number.NEGATIVE_INFINITY));
  const most = Math.max(...scores);
  if (most === Number.NEGATIVE_INFINITY) return scores.map(() => 0);
  const e = scores.map((v) => Math.exp(v - most));
  const total = e.reduce((a, b) => a + b, 0);
  return e.map((v) => v / total);
}

const at = (x: Nd, ...index: number[]): number =>
  x.data[index.reduce((i, v, axis) => i * (x.shape[axis] as number) + v, 0)] as number;

describe('additiveAttention', () => {
  type See = (b: number, l: number, s: number) => boolean;
  /** From the definition, in f64; wq, wk and bias may be left out by `project` and `shift`. */
  const reference =
    (see: See, project: boolean, shift: boolean) =>
    (query: Nd, keys: Nd, values: Nd, v: Nd, wq?: Nd, wk?: Nd, bias?: Nd): Nd[] => {
      const [B, L] = query.shape as [number, number];
      const [, S, Dv] = values.shape as [number, number, number];
      const A = v.data.length;
      const output = new Float64Array(B * L * Dv);
      const weights = new Float64Array(B * L * S);
      const projected = (x: Nd, w: Nd | undefined, b: number, i: number, a: number) => {
        if (!project || !w) return at(x, b, i, a);
        let total = 0;
        for (let d = 0; d < (x.shape[2] as number); d++) total += at(x, b, i, d) * at(w, a, d);
        return total;
      };
      for (let b = 0; b < B; b++)
        for (let l = 0; l < L; l++) {
          const score = (s: number) => {
            let total = 0;
            for (let a = 0; a < A; a++)
              total +=
                at(v, a) *
                Math.tanh(
                  projected(query, wq, b, l, a) + projected(keys, wk, b, s, a) + (shift && bias ? at(bias, a) : 0),
                );
            return total;
          };
          const w = weigh(S, score, (s) => see(b, l, s));
          weights.set(w, (b * L + l) * S);
          for (let d = 0; d < Dv; d++)
            output[(b * L + l) * Dv + d] = w.reduce((t, p, s) => t + p * at(values, b, s, d), 0);
        }
      return [
        { shape: [B, L, Dv], data: output },
        { shape: [B, L, S], data: weights },
      ];
    };

  test.each([
    [1, 1, 1, 1, 1, 1, 1],
    [2, 3, 5, 4, 3, 2, 7],
    [3, 1, 7, 2, 5, 4, 3],
    [2, 1, 5, 3, 2, 2, 8],
    [2, 4, 3, 2, 3, 2, 4],
  ])('projected, with bias: B%i L%i S%i Dq%i Dk%i Dv%i A%i', async (B, L, S, Dq, Dk, Dv, A) => {
    const op = (q: Tensor, k: Tensor, x: Tensor, v: Tensor, wq: Tensor, wk: Tensor, bias: Tensor) => {
      const { output, weights } = additiveAttention(q, k, x, { wq, wk, v, bias, returnWeights: true });
      return [output, weights];
    };
    await checkOp(gpu, op as never, reference(() => true, true, true) as never, [
      [B, L, Dq],
      [B, S, Dk],
      [B, S, Dv],
      [A],
      [A, Dq],
      [A, Dk],
      [A],
    ]);
  });

  test('without projections, under a mask with an empty row', async () => {
    const seen = [
      [1, 1, 0, 1],
      [0, 0, 0, 0],
    ];
    const op = (q: Tensor, k: Tensor, x: Tensor, v: Tensor) => {
      const mask = gpu.tensor(seen, undefined, { dtype: 'bool' });
      const { output, weights } = additiveAttention(q, k, x, { v, mask, returnWeights: true });
      return [output, weights];
    };
    await checkOp(gpu, op as never, reference((b, _, s) => seen[b]?.[s] === 1, false, false) as never, [
      [2, 3, 5],
      [2, 4, 5],
      [2, 4, 2],
      [5],
    ]);
  });

  test.each([
    [1, 8],
    [3, 6],
  ])('a gradient of the gradient: L%i A%i', async (L, A) => {
    const random = testRandom(5);
    const shapes = [[2, L, A], [2, 4, A], [2, 4, 3], [A]];
    const [q, k, x, v] = shapes.map((shape) =>
      gpu.tensor(
        Float32Array.from({ length: sizeOf(shape) }, () => random() - 0.5),
        shape,
      ),
    ) as [Tensor, Tensor, Tensor, Tensor];
    const plain = () => {
      const sums = add(expandDims(q, 2), expandDims(k, 1));
      return matmul(softmax(reshape(matmul(tanh(sums), v), [2, L, 4])), x);
    };
    const second = async (f: () => Tensor) => {
      const first = () => grad(() => sum(square(f())), [q, k, v]).map((g) => sum(square(g)));
      return Promise.all(grad(() => first().reduce(add), [q, k, v]).map((g) => g.data()));
    };
    const [got, want] = [await second(() => additiveAttention(q, k, x, { v })), await second(plain)];
    got.forEach((g, i) => {
      const { shape } = [q, k, v][i] as Tensor;
      expectClose(
        `gradient ${i}`,
        { shape, data: g },
        { shape, data: Float64Array.from(want[i] as Float32Array) },
        1e-4,
      );
    });
  });

  test('f16', async () => {
    if (!gpu.features.has('shader-f16')) {
      expect(() => gpu.empty([1], 'f16')).toThrow(LimitError);
      return;
    }
    const op = (q: Tensor, k: Tensor, x: Tensor, v: Tensor) => {
      const { output, weights } = additiveAttention(q, k, x, { v, returnWeights: true });
      return [output, weights];
    };
    for (const [L, A] of [
      [1, 8],
      [3, 5],
    ] as const) {
      const shapes = [[2, L, A], [2, 4, A], [2, 4, 3], [A]];
      const inputs = shapes.map((shape) => ({ shape, dtype: 'f16', range: [-1, 1] }) as const);
      await checkOp(gpu, op as never, reference(() => true, false, false) as never, inputs);
    }
  });

  test('one query an example', async () => {
    const [q, k, x, v] = [[2, 3], [2, 4, 3], [2, 4, 5], [3]].map((shape) =>
      gpu.tensor(
        Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.sin(i)),
        shape,
      ),
    ) as [Tensor, Tensor, Tensor, Tensor];
    const { output, weights } = additiveAttention(q, k, x, { v, returnWeights: true });
    expect([output.shape, weights.shape]).toEqual([
      [2, 5],
      [2, 4],
    ]);
    for (const row of (await weights.array()) as number[][]) expect(row.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 6);
  });

  test('errors name the argument and what it got', () => {
    const z = (...shape: number[]) => gpu.zeros(shape);
    expect(() => additiveAttention(z(2, 3, 4), z(3, 5, 4), z(3, 5, 4), { v: z(4) })).toThrow(
      'additiveAttention: keys must have shape [2, *, *], got f32[3, 5, 4]',
    );
    expect(() => additiveAttention(z(2, 3, 4), z(2, 5, 4), z(2, 6, 4), { v: z(4) })).toThrow(
      'additiveAttention: values must have shape [2, 5, *], got f32[2, 6, 4]',
    );
    expect(() => additiveAttention(z(2, 3, 4), z(2, 5, 4), z(2, 5, 4), { v: z(7) })).toThrow(
      'additiveAttention: query must have shape [2, 3, 7], got f32[2, 3, 4]',
    );
    expect(() => additiveAttention(z(2, 3, 4), z(2, 5, 4), z(2, 5, 4), { v: z(4), mask: z(2, 4) })).toThrow(
      'mask must be broadcastable to the scores [2, 3, 5]',
    );
  });
});

describe('scaledDotProductAttention', () => {
  type See = (b: number, h: number, i: number, j: number) => boolean;
  const reference =
    (see: See, scale?: number) =>
    (q: Nd, k: Nd, v: Nd, mask?: Nd): Nd[] => {
      const [B, H, L, D] = q.shape as [number, number, number, number];
      const [, Hkv, S, Dv] = v.shape as [number, number, number, number];
      const output = new Float64Array(B * H * L * Dv);
      const weights = new Float64Array(B * H * L * S);
      for (let b = 0; b < B; b++)
        for (let h = 0; h < H; h++)
          for (let l = 0; l < L; l++) {
            const g = Math.floor(h / (H / Hkv));
            const score = (s: number) => {
              let total = 0;
              for (let d = 0; d < D; d++) total += at(q, b, h, l, d) * at(k, b, g, s, d);
              return total * (scale ?? 1 / Math.sqrt(D)) + (mask ? at(mask, l, s) : 0);
            };
            const w = weigh(S, score, (s) => see(b, h, l, s));
            const row = (b * H + h) * L + l;
            weights.set(w, row * S);
            for (let d = 0; d < Dv; d++) output[row * Dv + d] = w.reduce((t, p, s) => t + p * at(v, b, g, s, d), 0);
          }
      return [
        { shape: [B, H, L, Dv], data: output },
        { shape: [B, H, L, S], data: weights },
      ];
    };
  const both = (options: object) => (q: Tensor, k: Tensor, v: Tensor) => {
    const { output, weights } = scaledDotProductAttention(q, k, v, { ...options, returnWeights: true });
    return [output, weights];
  };

  test.each([
    [1, 1, 1, 1, 1, 1, 1],
    [2, 3, 3, 4, 5, 6, 7],
    [1, 4, 2, 3, 5, 4, 3],
    [2, 3, 1, 2, 3, 5, 2],
  ])('B%i H%i Hkv%i L%i S%i D%i Dv%i', (B, H, Hkv, L, S, D, Dv) =>
    checkOp(gpu, both({}) as never, reference(() => true) as never, [
      [B, H, L, D],
      [B, Hkv, S, D],
      [B, Hkv, S, Dv],
    ]),
  );

  test.each([
    ['upper-left', 3, 5],
    ['lower-right', 3, 5],
    ['upper-left', 5, 3],
    ['lower-right', 5, 3],
  ] as const)('causal, %s, L%i S%i', (alignment, L, S) => {
    const offset = alignment === 'lower-right' ? S - L : 0;
    return checkOp(
      gpu,
      both({ isCausal: true, alignment }) as never,
      reference((_b, _h, i, j) => j <= i + offset) as never,
      [
        [1, 2, L, 4],
        [1, 2, S, 4],
        [1, 2, S, 3],
      ],
    );
  });

  test('float mask with a gradient, scale', async () => {
    const op = (q: Tensor, k: Tensor, v: Tensor, mask: Tensor) => {
      const { output, weights } = scaledDotProductAttention(q, k, v, { mask, scale: 0.3, returnWeights: true });
      return [output, weights];
    };
    await checkOp(gpu, op as never, reference(() => true, 0.3) as never, [
      [2, 2, 3, 4],
      [2, 2, 5, 4],
      [2, 2, 5, 4],
      [3, 5],
    ]);
  });

  test('what is masked does not reach anything else, be it NaN', async () => {
    const q = gpu.tensor([1, 2], [1, 1, 2]);
    const k = gpu.tensor([1, 0, 0, 1], [1, 2, 2]);
    const v = gpu.tensor([3, 4], [1, 2, 1]);
    const mask = gpu.tensor([true, false], [1, 2]);
    const { grads } = vjp(() => scaledDotProductAttention(q, k, v, { mask }), [q, k, v], [gpu.tensor([1], [1, 1, 1])]);
    expect([...(await (grads[1] as Tensor).data())]).toEqual([0, 0, 0, 0]);
    expect([...(await (grads[2] as Tensor).data())]).toEqual([1, 0]);
  });

  test('the gradient of a gradient', async () => {
    const q = gpu.tensor([0.5, -1, 0.25, 2], [1, 2, 2]);
    const loss = () => {
      const o = scaledDotProductAttention(q, q, q);
      return sum(mul(o, o));
    };
    const value = async (v: number[]) => {
      const t = gpu.tensor(v, [1, 2, 2]);
      const g = grad(() => {
        const o = scaledDotProductAttention(t, t, t);
        return sum(mul(o, o));
      }, [t])[0] as Tensor;
      return [...(await g.data())];
    };
    const direction = [1, 0.5, -1, 0.25];
    const d = gpu.tensor(direction, [1, 2, 2]);
    const hv = grad(() => sum(mul(grad(loss, [q])[0] as Tensor, d)), [q])[0] as Tensor;
    const h = 1e-2;
    const shifted = (s: number) => value([0.5, -1, 0.25, 2].map((x, i) => x + s * h * (direction[i] as number)));
    const [up, down] = [await shifted(1), await shifted(-1)];
    const got = await hv.data();
    up.forEach((u, i) => expect(got[i]).toBeCloseTo((u - (down[i] as number)) / (2 * h), 2));
  });

  test('errors name both shapes', () => {
    const z = (...shape: number[]) => gpu.zeros(shape);
    expect(() => scaledDotProductAttention(z(1, 3, 2, 4), z(1, 2, 2, 4), z(1, 2, 2, 4))).toThrow(
      'the heads of q must be a multiple of those of k and v, got q f32[1, 3, 2, 4], k f32[1, 2, 2, 4]',
    );
    expect(() => scaledDotProductAttention(z(1, 2, 4), z(1, 2, 5), z(1, 2, 4))).toThrow(
      'q and k must have the same head dimension',
    );
    expect(() => scaledDotProductAttention(z(2, 4), z(2, 4), z(2, 4))).toThrow(
      'must all be [B, H, L, D] or all [B, L, D]',
    );
  });
});
