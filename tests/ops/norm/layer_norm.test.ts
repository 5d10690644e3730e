import { describe, expect, test } from 'vitest';
import { vjp } from '../../../src/autograd/tape.ts';
import { type Shape, sizeOf } from '../../../src/host.ts';
import { type LayerNormOptions, layerNorm } from '../../../src/ops/norm/layer_norm.ts';
import { LimitError } from '../../../src/runtime/errors.ts';
import { Gpu } from '../../../src/runtime/gpu.ts';
import type { Tensor } from '../../../src/tensor.ts';
import { type CheckOptions, checkOp, type Input, type Nd } from '../../../src/testing/check.ts';
import { gpu } from '../../helpers/gpu.ts';
import { checkHessian } from '../../helpers/hessian.ts';
import { plans } from '../../helpers/row_plans.ts';

/** The definition: over rows of `cols`, with a weight and a bias or without. */
function definition(cols: number, eps: number, x: Nd, weight?: Nd, bias?: Nd): Nd {
  const out = Float64Array.from(x.data);
  for (let r = 0; r < out.length; r += cols) {
    const row = Array.from(x.data.subarray(r, r + cols));
    const mean = row.reduce((a, b) => a + b, 0) / cols;
    const variance = row.reduce((a, b) => a + (b - mean) ** 2, 0) / cols;
    row.forEach((v, j) => {
      out[r + j] = ((v - mean) / Math.sqrt(variance + eps)) * (weight?.data[j] ?? 1) + (bias?.data[j] ?? 0);
    });
  }
  return { shape: x.shape, data: out };
}

/** Checks layerNorm of `shape` over its last axes, with weight and bias, alone or neither. */
async function checkNorm(
  shape: Shape,
  normalizedShape: Shape,
  given: 'both' | 'weight' | 'bias' | 'none',
  extra: LayerNormOptions = {},
  settings: CheckOptions = {},
  dtype: 'f32' | 'f16' = 'f32',
) {
  const cols = sizeOf(normalizedShape);
  const { eps = 1e-5 } = extra;
  const parts: Input[] =
    given === 'none' ? [] : Array.from({ length: given === 'both' ? 2 : 1 }, () => ({ shape: normalizedShape, dtype }));
  const named = <T>([a, b]: T[]) =>
    given === 'both'
      ? { weight: a, bias: b }
      : given === 'weight'
        ? { weight: a }
        : given === 'bias'
          ? { bias: a }
          : {};
  await checkOp(
    gpu,
    (x, ...rest) => layerNorm(x as Tensor, { ...(named(rest) as LayerNormOptions), normalizedShape, ...extra }),
    (x, ...rest) => {
      const { weight, bias } = named(rest) as { weight?: Nd; bias?: Nd };
      return definition(cols, eps, x as Nd, weight, bias);
    },
    [{ shape, range: [-2, 2], dtype }, ...parts],
    settings,
  );
}

describe.each(['both', 'weight', 'bias', 'none'] as const)('weight and bias: %s', (given) => {
  test.each<[Shape, Shape]>([
    [[5], [5]],
    [[3, 8], [8]],
    [[4, 7], [7]],
    [[2, 3, 5], [5]],
    [
      [2, 3, 4],
      [3, 4],
    ],
    [
      [2, 2, 1, 6],
      [1, 6],
    ],
    [
      [2, 3],
      [2, 3],
    ],
  ])('%j over the last %j', (shape, normalizedShape) => checkNorm(shape, normalizedShape, given));

  test('another eps', () => checkNorm([3, 6], [6], given, { eps: 0.1 }));
});

describe.each(Object.entries(plans))('plan: %s', (_, plan) => {
  test('with gradients', async () => {
    for (const shape of [
      [3, 20],
      [17, 5],
      [2, 66],
      [9, 4],
    ] as const)
      await checkNorm(shape, [shape[1]], 'both', { plan, weightPlan: plan });
  });

  test('sizes around tiles', async () => {
    for (const cols of [3, 63, 64, 65, 255, 256, 257, 260, 1023, 1024]) {
      await checkNorm([2, cols], [cols], 'both', { plan, weightPlan: plan }, { gradient: false });
    }
    for (const rows of plan.lanes > 8 ? [5] : [63, 65, 257])
      await checkNorm([rows, 4], [4], 'weight', { plan, weightPlan: plan }, { gradient: false });
  });

  test('the gradients of many rows and of long ones', async () => {
    // As dx = r (g - mean(g) - h mean(g h)), in f64: central differences would take minutes.
    const sizes: [number, number][] =
      plan.lanes > 8
        ? [[5, 300]]
        : [
            [200, 5],
            [3, 300],
          ];
    for (const [rows, cols] of sizes) {
      const make = (n: number, k: number) => Array.from({ length: n }, (_, i) => Math.fround(Math.sin(i * k) + 0.3));
      const [x, w, b, dy] = [make(rows * cols, 1.3), make(cols, 2.1), make(cols, 0.7), make(rows * cols, 3.7)];
      const inputs = [gpu.tensor(x, [rows, cols]), gpu.tensor(w), gpu.tensor(b)] as const;
      const options = { weight: inputs[1], bias: inputs[2], plan, weightPlan: plan };
      const { grads } = vjp(() => layerNorm(inputs[0], options), inputs, [gpu.tensor(dy, [rows, cols])]);
      const want = gradients(rows, cols, x, w, dy);
      for (const [k, name] of (['x', 'weight', 'bias'] as const).entries()) {
        const got = await (grads[k] as Tensor).data();
        const scale = Math.max(...want[k]!.map(Math.abs));
        got.forEach((v, i) => {
          if (!(Math.abs(v - (want[k]?.[i] as number)) < 3e-6 * scale))
            throw new Error(`d${name}[${i}] of [${rows}, ${cols}] is ${v}, should be ${want[k]?.[i]}`);
        });
      }
    }
  });

  test('f16', async () => {
    if (!gpu.features.has('shader-f16')) {
      expect(() => gpu.empty([1], 'f16')).toThrow(LimitError);
      return;
    }
    await checkNorm([5, 20], [20], 'both', { plan, weightPlan: plan }, {}, 'f16');
    await checkNorm([5, 7], [7], 'both', { plan, weightPlan: plan }, {}, 'f16');
  });

  test('same bits every time', async () => {
    const x = gpu.tensor(
      Float32Array.from({ length: 900 }, (_, i) => Math.sin(i)),
      [30, 30],
    );
    const w = gpu.tensor(Float32Array.from({ length: 30 }, (_, i) => i));
    const run = () => vjp(() => layerNorm(x, { weight: w, plan, weightPlan: plan }), [x, w], [x]);
    const [first, second] = [run(), run()];
    expect(await second.outputs[0]?.data()).toEqual(await first.outputs[0]?.data());
    expect(await second.grads[0]?.data()).toEqual(await first.grads[0]?.data());
    expect(await second.grads[1]?.data()).toEqual(await first.grads[1]?.data());
  });
});

/** [dx, dweight, dbias] from their formulas. */
function gradients(rows: number, cols: number, x: number[], w: number[], dy: number[]): [number[], number[], number[]] {
  const [dx, dw, db] = [Array<number>(rows * cols).fill(0), Array<number>(cols).fill(0), Array<number>(cols).fill(0)];
  for (let r = 0; r < rows; r++) {
    const row = x.slice(r * cols, (r + 1) * cols);
    const mean = row.reduce((a, b) => a + b, 0) / cols;
    const inverse = 1 / Math.sqrt(row.reduce((a, b) => a + (b - mean) ** 2, 0) / cols + 1e-5);
    const h = row.map((v) => (v - mean) * inverse);
    const g = h.map((_, j) => (dy[r * cols + j] as number) * (w[j] as number));
    const [a, c] = [g.reduce((s, v) => s + v, 0) / cols, g.reduce((s, v, j) => s + v * (h[j] as number), 0) / cols];
    h.forEach((v, j) => {
      dx[r * cols + j] = inverse * ((g[j] as number) - a - v * c);
      dw[j] = (dw[j] as number) + (dy[r * cols + j] as number) * v;
      db[j] = (db[j] as number) + (dy[r * cols + j] as number);
    });
  }
  return [dx, dw, db];
}

describe('edges', () => {
  test('a large mean does not swallow the variance', async () => {
    // In f32 the mean of the squares less the square of the mean would be noise.
    const data = Float32Array.from({ length: 64 }, (_, i) => 10_000 + (i % 8));
    const want = definition(64, 1e-5, { shape: [1, 64], data: Float64Array.from(data) }).data;
    for (const plan of Object.values(plans)) {
      const y = await layerNorm(gpu.tensor(data, [1, 64]), { plan }).data();
      y.forEach((v, i) => {
        expect(Math.abs(v - (want[i] as number))).toBeLessThan(1e-5);
      });
    }
  });

  test('the mean of a long row is exact to the last place', async () => {
    const data = Float32Array.from({ length: 2000 }, (_, i) => 1000 + Math.sin(i));
    const want = definition(2000, 1e-5, { shape: [1, 2000], data: Float64Array.from(data) }).data;
    for (const plan of Object.values(plans)) {
      const y = await layerNorm(gpu.tensor(data, [1, 2000]), { plan }).data();
      // Half a unit in the last place of the mean is 3e-5, over a deviation of 0.7.
      expect(Math.max(...y.map((v, i) => Math.abs(v - (want[i] as number))))).toBeLessThan(6e-5);
    }
  });

  test('a constant row gives zeros', async () => {
    expect(
      Array.from(
        await layerNorm(
          gpu.tensor([
            [3, 3, 3],
            [0, 0, 0],
          ]),
        ).data(),
        Math.abs,
      ),
    ).toEqual([0, 0, 0, 0, 0, 0]);
  });

  test('no rows: the gradients of weight and bias are zeros', async () => {
    const [x, w, b] = [gpu.empty([0, 3]), gpu.tensor([1, 2, 3]), gpu.tensor([1, 2, 3])];
    const { outputs, grads } = vjp(() => layerNorm(x, { weight: w, bias: b }), [x, w, b], [x]);
    expect(outputs[0]?.shape).toEqual([0, 3]);
    expect(grads[0]?.shape).toEqual([0, 3]);
    expect(Array.from((await grads[1]?.data()) ?? [])).toEqual([0, 0, 0]);
    expect(Array.from((await grads[2]?.data()) ?? [])).toEqual([0, 0, 0]);
    expect(layerNorm(gpu.empty([3, 0])).shape).toEqual([3, 0]);
  });

  test('its gradient has a gradient', async () => {
    const reference = (x?: Nd, w?: Nd, b?: Nd) => definition(4, 1e-5, x as Nd, w, b);
    const inputs: Input[] = [
      { shape: [2, 4], data: [0.5, -1, 2, 0.25, 1, 0.5, -2, -0.5] },
      { shape: [4] },
      { shape: [4] },
    ];
    await checkHessian(
      gpu,
      (x, weight, bias) => layerNorm(x as Tensor, { weight: weight as Tensor, bias: bias as Tensor }),
      reference as (...n: Nd[]) => Nd,
      inputs,
    );
    await checkHessian(gpu, (x) => layerNorm(x as Tensor), reference as (...n: Nd[]) => Nd, inputs.slice(0, 1));
    await checkHessian(
      gpu,
      (x, bias) => layerNorm(x as Tensor, { bias: bias as Tensor }),
      ((x: Nd, b: Nd) => definition(4, 1e-5, x, undefined, b)) as (...n: Nd[]) => Nd,
      inputs.slice(0, 2),
    );
  });
});

test('one dispatch forward, two backward', async () => {
  const bare = await Gpu.create();
  const [x, w, b] = [bare.zeros([6, 8]), bare.zeros([8]), bare.zeros([8])];
  bare.resetCounters();
  vjp(() => layerNorm(x, { weight: w, bias: b }), [x, w, b], [x]);
  expect(bare.counters().dispatches).toBe(3);
  bare.resetCounters();
  vjp(() => layerNorm(x, { weight: w, bias: b }), [x], [x]);
  expect(bare.counters().dispatches).toBe(2);
  bare.destroy();
});

test('errors', () => {
  const x = gpu.empty([2, 3, 4]);
  expect(() => layerNorm(x, { normalizedShape: [3] })).toThrow(
    'layerNorm: normalizedShape must be the last axes of x, got [3] (x: f32[2, 3, 4])',
  );
  expect(() => layerNorm(gpu.empty([]))).toThrow(
    'layerNorm: normalizedShape must be the last axes of x, got [] (x: f32[])',
  );
  expect(() => layerNorm(x, { weight: gpu.empty([4]), bias: gpu.empty([3, 4]) })).toThrow(
    'layerNorm: bias must have shape [4], got f32[3, 4]',
  );
  expect(() => layerNorm(x, { weight: gpu.empty([5]) })).toThrow(
    'layerNorm: normalizedShape must be the last axes of x, got [5] (x: f32[2, 3, 4])',
  );
  expect(() => layerNorm(x, { weight: gpu.empty([4], 'i32') })).toThrow(
    'layerNorm: x and weight must have the same dtype, got f32[2, 3, 4] and i32[4]',
  );
  expect(() => layerNorm(gpu.empty([2], 'i32'))).toThrow('layerNorm: x must be f32 or f16, got i32[2]');
  expect(() => layerNorm(x, { eps: -1 })).toThrow('layerNorm: eps must be at least 0, got -1');
  expect(() => layerNorm(x, { eps: Number.NaN })).toThrow('layerNorm: eps must be at least 0, got NaN');
});
