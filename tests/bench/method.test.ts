import { describe, expect, test } from 'vitest';
import type { Contender, Row } from '../../bench/bench.ts';
import { costOf } from '../../bench/cost.ts';
import { fovea } from '../../bench/fovea.ts';
import { measure } from '../../bench/measure.ts';
import { multiplyAdds } from '../../bench/roofline.ts';
import { copy, multiplyAdd } from '../../src/generated/kernels.ts';
import { add, dispatch, Gpu, mul, type Roofline, scope } from '../../src/index.ts';

// A device of its own: what is counted is what its calls do.
const gpu = await Gpu.create();
const roofline: Roofline = { bytesPerSecond: 1e9, flopsPerSecond: 1e9 };
const input = { shape: [3], data: Float32Array.of(1, 2, 3) };
const options = { rounds: 3, smoke: true, software: false };

function row(contenders: readonly Contender[], more: Partial<Row> = {}): Row {
  return {
    ...{ shape: '[3]', dtype: 'f32', size: 3, series: 'forward', flops: 3, bytes: 24, tolerance: 1e-6, contenders },
    reference: () => [{ shape: [3], data: Float64Array.of(2, 4, 6) }],
    ...more,
  };
}

describe('measure', () => {
  test('a wrong result and one that cannot be opened get no time; the others do, in order', async () => {
    const broken: Contender = { name: 'broken', kind: 'peer', open: () => Promise.reject(new Error('not here')) };
    const { contenders } = await measure(
      gpu,
      'double',
      row([
        fovea('plain', 'wrong', [input], (x) => mul(x, 2.001)),
        fovea('fovea', 'fovea', [input], (x) => mul(x, 2)),
        broken,
        fovea('variant', 'two results', [input], (x) => [mul(x, 2), x]),
        fovea('plain', 'plain', [input], (x) => add(x, x)),
      ]),
      roofline,
      options,
    );
    expect(contenders.map(({ name }) => name)).toEqual(['wrong', 'fovea', 'broken', 'two results', 'plain']);
    expect(contenders.map(({ error }) => error?.replace(/error .*/, '…'))).toEqual([
      'result 0: relative RMS …',
      undefined,
      'not here',
      'it gives 2 results, the definition 1',
      undefined,
    ]);
    for (const { error, relative, host, share } of contenders) {
      expect([relative?.length, host?.length]).toEqual(error === undefined ? [3, 3] : [undefined, undefined]);
      if (share !== undefined) expect(share).toBeGreaterThan(0);
    }
  });

  test('costs are those of a warm run', async () => {
    const contender = fovea('fovea', 'fovea', [input], (x) => mul(add(x, x), 1));
    const { contenders } = await measure(gpu, 'double', row([contender]), roofline, options);
    expect(contenders[0]?.cost).toEqual({ dispatches: 2, submits: 1, bytesAllocated: 0, bytesMoved: 2 * 256 });
  });

  test('times of a software adapter are not kept', async () => {
    const contender = fovea('fovea', 'fovea', [input], (x) => mul(x, 2));
    const { contenders } = await measure(gpu, 'double', row([contender]), roofline, { ...options, software: true });
    expect(contenders[0]?.relative).toHaveLength(3);
    expect(contenders[0]).not.toHaveProperty('host');
    expect(contenders[0]).not.toHaveProperty('gpu');
  });

  test.each([
    [3, 24, 'memory'],
    [300, 24, 'arithmetic'],
  ])('%d operations on %d bytes are bound by %s', async (flops, bytes, bound) => {
    const contender = fovea('fovea', 'fovea', [input], (x) => mul(x, 2));
    expect(await measure(gpu, 'double', row([contender], { flops, bytes }), roofline, options)).toMatchObject({
      bound,
    });
  });

  test('all copies of the inputs are met, and everything is freed', async () => {
    await gpu.sync();
    const { tensors } = gpu.memory();
    const met = new Set<unknown>();
    const contender = fovea('fovea', 'fovea', [input], (x) => {
      met.add(x);
      return mul(x, 2);
    });
    await measure(gpu, 'double', row([contender], { flops: 1, bytes: 2 ** 26 }), roofline, {
      ...options,
      smoke: false,
    });
    expect(met.size).toBe(4);
    expect(gpu.memory().tensors).toBe(tensors);
  });
});

describe('costOf', () => {
  test('counts dispatches, submits, new buffers and moved bytes, and puts the methods back', async () => {
    const before = GPUQueue.prototype.submit;
    const x = gpu.tensor([1, 2, 3]);
    const cost = await costOf(async () => {
      const y = scope(() => mul(add(x, x), x));
      expect(await y.array()).toEqual([2, 8, 18]);
      const big = gpu.tensor(new Float32Array(1e6));
      big.dispose();
      y.dispose();
    });
    // Uniforms of two dispatches, the read, and the upload.
    expect(cost.dispatches).toBe(2);
    expect(cost.submits).toBe(1);
    expect(cost.bytesMoved).toBe(2 * 256 + 12 + 4e6);
    expect(cost.bytesAllocated).toBeGreaterThanOrEqual(4e6);
    expect(GPUQueue.prototype.submit).toBe(before);
    x.dispose();
  });
});

describe('the kernels of the roofline do what is counted', () => {
  test('copy', async () => {
    const x = gpu.tensor(Float32Array.from({ length: 4 * 261 }, (_, i) => i));
    const y = gpu.zeros([4 * 261]);
    dispatch(gpu, copy, { x, y }, { quads: 260 }, 2);
    const got = await y.data();
    expect(got.subarray(0, 1040)).toEqual((await x.data()).subarray(0, 1040));
    expect(got.subarray(1040)).toEqual(new Float32Array(4));
  });

  test('multiply-add: eight chains, as many turns as asked', async () => {
    const x = gpu.tensor([0.5, 0.25, 1, 0.75, 1, 2, 3, 4]);
    const y = gpu.zeros([4 * 128]);
    dispatch(gpu, multiplyAdd, { x, y }, {}, 2, { TURNS: 5 });
    const got = await y.data();
    const want = Array.from({ length: 128 }, (_, i) => {
      const [m, s] = [
        [0.5, 0.25, 1, 0.75],
        [1, 2, 3, 4],
      ] as const;
      return m.map((factor, c) => {
        let sum = 0;
        for (let chain = 0; chain < 8; chain++) {
          let v = (i % 8) + chain * factor;
          for (let t = 0; t < 5; t++) v = v * factor + (s[c] as number);
          sum += v;
        }
        return sum;
      });
    }).flat();
    want.forEach((w, i) => {
      expect(Math.abs((got[i] as number) - w)).toBeLessThan(1e-4 * w);
    });
    expect(multiplyAdds(gpu, 'f32', 128).amount).toBe(128 * 256 * 64);
  });
});
