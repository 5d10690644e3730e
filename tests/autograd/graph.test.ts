import { describe, expect, test } from 'vitest';
import { customOp } from '../../src/autograd/custom.ts';
import { detach, grad, noGrad, valueAndGrad, vjp } from '../../src/autograd/tape.ts';
import { add, div, maximum, mul, pow, sub } from '../../src/ops/binary.ts';
import { cast } from '../../src/ops/cast.ts';
import { greater } from '../../src/ops/compare.ts';
import { sum } from '../../src/ops/reduce.ts';
import { cos, exp, log, neg, relu, sigmoid, sin, square, tanh } from '../../src/ops/unary.ts';
import { where } from '../../src/ops/where.ts';
import { scope } from '../../src/runtime/scope.ts';
import type { Tensor } from '../../src/tensor.ts';
import { checkOp, expectClose, type Nd } from '../../src/testing/check.ts';
import { testRandom } from '../../src/testing/random.ts';
import { gpu, guards } from '../helpers/gpu.ts';
import { elementwise, nd } from '../helpers/nd.ts';

const POINTS = [0.3, -1.2, 0.8, 1.9, -0.4];
const point = () => gpu.tensor(POINTS);
const data = async (t: Tensor) => [...(await t.data())];
async function expectSlope(f: (x: Tensor) => Tensor, slope: (x: number) => number): Promise<void> {
  const x = point();
  const dx = grad(() => sum(f(x)), x);
  expectClose(
    'gradient',
    { shape: dx.shape, data: await dx.data() },
    nd(
      [5],
      POINTS.map((v) => slope(Math.fround(v))),
    ),
    1e-6,
  );
}

describe('fan-out', () => {
  test('a tensor used several times gets the sum of all its gradients', async () => {
    await expectSlope(
      (x) => add(mul(x, 3), add(square(x), sin(x))),
      (x) => 3 + 2 * x + Math.cos(x),
    );
  });

  test.each([2, 6, 7, 8, 13, 14, 20])('%i uses', async (uses) => {
    const f = (x: Tensor) => Array.from({ length: uses }, (_, i) => mul(x, i + 1)).reduce(add);
    await expectSlope(f, () => (uses * (uses + 1)) / 2);
  });

  test('one tensor as both operands', async () => {
    await expectSlope(
      (x) => mul(x, x),
      (x) => 2 * x,
    );
    await expectSlope(
      (x) => add(x, x),
      () => 2,
    );
    await expectSlope(
      (x) => sub(x, x),
      () => 0,
    );
    await expectSlope(
      (x) => div(x, x),
      () => 0,
    );
    await expectSlope(
      (x) => mul(mul(x, x), mul(x, x)),
      (x) => 4 * x ** 3,
    );
  });

  test('a gradient handed on unchanged is not added to in place', async () => {
    // add gives its dy to both inputs; x then gets more from elsewhere, and y must not see it.
    const [x, y] = [point(), point()];
    const [dx, dy] = grad(() => {
      const s = add(x, y);
      return sum(add(add(s, mul(x, 2)), mul(x, 3)));
    }, [x, y]) as [Tensor, Tensor];
    expect(await data(dx)).toEqual([6, 6, 6, 6, 6]);
    expect(await data(dy)).toEqual([1, 1, 1, 1, 1]);
  });

  test('a broadcast operand used twice', async () => {
    const f = (a: Tensor, b: Tensor) => mul(add(a, b), mul(b, a));
    await checkOp(gpu, f, (a, b) => elementwise((u, v) => (u + v) * v * u, a, b), [[3, 4], [4]]);
    await checkOp(gpu, f, (a, b) => elementwise((u, v) => (u + v) * v * u, a, b), [
      [3, 1],
      [2, 1, 4],
    ]);
  });
});

describe('diamonds and chains', () => {
  test('a diamond', async () => {
    await expectSlope(
      (x) => {
        const y = exp(x);
        return mul(sin(y), tanh(y));
      },
      (x) => {
        const y = Math.exp(x);
        return y * (Math.cos(y) * Math.tanh(y) + Math.sin(y) * (1 - Math.tanh(y) ** 2));
      },
    );
  });

  test('a diamond of diamonds', async () => {
    // Each step doubles the number of paths: 2^10 of them.
    await expectSlope(
      (x) => Array.from({ length: 10 }).reduce<Tensor>((y) => add(mul(y, 0.5), mul(y, 0.25)), x),
      () => 0.75 ** 10,
    );
  });

  test('a path that skips', async () => {
    await expectSlope(
      (x) => {
        const y = square(x);
        return add(mul(y, x), x);
      },
      (x) => 3 * x * x + 1,
    );
  });

  test('a long chain', async () => {
    await expectSlope(
      (x) => Array.from({ length: 200 }).reduce<Tensor>((y) => mul(y, 1.01), x),
      () => Math.fround(1.01) ** 200,
    );
  });

  test('branches that lead nowhere', async () => {
    await expectSlope((x) => {
      const y = exp(x);
      sin(y);
      mul(y, cos(x));
      return y;
    }, Math.exp);
  });

  test('random graphs', async () => {
    type Made<T> = readonly (readonly [f: (...inputs: T[]) => T, takes: number])[];
    const device: Made<Tensor> = [
      [(x) => tanh(x as Tensor), 1],
      [(x) => sin(x as Tensor), 1],
      [(x) => neg(x as Tensor), 1],
      [(x) => sigmoid(x as Tensor), 1],
      [(a, b) => add(a as Tensor, b as Tensor), 2],
      [(a, b) => sub(a as Tensor, b as Tensor), 2],
      [(a, b) => mul(a as Tensor, b as Tensor), 2],
    ];
    const host = [
      Math.tanh,
      Math.sin,
      (x: number) => -x,
      (x: number) => 1 / (1 + Math.exp(-x)),
      (a: number, b: number) => a + b,
      (a: number, b: number) => a - b,
      (a: number, b: number) => a * b,
    ].map(
      (f) =>
        (...inputs: Nd[]) =>
          elementwise(f as (...v: number[]) => number, ...inputs),
    );
    const random = testRandom(17);
    const pick = (n: number) => Math.floor(random() * n);
    for (let round = 0; round < 12; round++) {
      // Each node takes one or two of all that came before; the result is the sum of the last three.
      const nodes = Array.from({ length: 12 }, (_, i) => ({ op: pick(7), from: [pick(i + 3), pick(i + 3)] }));
      const run = <T>(fs: readonly ((...inputs: T[]) => T)[], inputs: readonly T[]): T => {
        const made = [...inputs];
        for (const { op, from } of nodes) {
          const operands = from.slice(0, device[op]?.[1]).map((k) => made[k] as T);
          made.push((fs[op] as (...inputs: T[]) => T)(...operands));
        }
        return made.slice(-3).reduce((a, b) => (fs[4] as (...inputs: T[]) => T)(a, b));
      };
      const f = (...inputs: Tensor[]) =>
        run(
          device.map(([op]) => op),
          inputs,
        );
      await checkOp(gpu, f, (...inputs) => run(host, inputs), [[2, 3], [3], [2, 1]], { seed: round });
    }
  });
});

describe('what is asked for', () => {
  test('arrays and records, nested', async () => {
    const [a, b, c, d] = [point(), point(), point(), point()];
    const { value, grads, aux } = valueAndGrad(
      () => {
        const loss = sum(add(add(a, mul(b, 2)), add(mul(c, 3), mul(d, 4))));
        return { loss, aux: { doubled: mul(loss, 2), name: 'kept' } };
      },
      { a, list: [b, { c }] as const, deep: { deeper: { d } } },
    );
    expect(await data(grads.a)).toEqual([1, 1, 1, 1, 1]);
    expect(await data(grads.list[0])).toEqual([2, 2, 2, 2, 2]);
    expect(await data(grads.list[1].c)).toEqual([3, 3, 3, 3, 3]);
    expect(await data(grads.deep.deeper.d)).toEqual([4, 4, 4, 4, 4]);
    expect(await aux.doubled.item()).toBeCloseTo(2 * (await value.item()), 5);
    expect(aux.name).toBe('kept');
  });

  test('zeros where the loss does not depend on it, or only through integers', async () => {
    const [x, y] = [point(), gpu.tensor([[1, 2]])];
    const grads = grad(() => sum(cast(cast(y, 'i32'), 'f32')), [x, y]) as [Tensor, Tensor];
    expect(await grads[0].array()).toEqual([0, 0, 0, 0, 0]);
    expect(await grads[1].array()).toEqual([[0, 0]]);
  });

  test('the loss itself, and one tensor twice', async () => {
    const x = gpu.tensor([3]);
    expect(await data(grad(() => x, x))).toEqual([1]);
    const twice = grad(() => square(x), [x, x]);
    expect(await Promise.all(twice.map(data))).toEqual([[6], [6]]);
  });

  test('the middle of a graph made outside', async () => {
    const x = point();
    const y = exp(x);
    const [dx, dy] = grad(() => sum(mul(x, y)), [x, y]) as [Tensor, Tensor];
    expect(await data(dx)).toEqual(await data(y));
    expect(await data(dy)).toEqual(await data(x));
  });

  test('vjp with several outputs, one of them unused', async () => {
    const x = gpu.tensor([1, 2]);
    const { outputs, grads } = vjp(
      () => [square(x), mul(x, 5), exp(x)],
      [x],
      [gpu.tensor([1, 1]), gpu.tensor([10, 20]), null],
    );
    expect(outputs.length).toBe(3);
    expect(await data(grads[0] as Tensor)).toEqual([52, 104]);
  });
});

describe('stopping', () => {
  test('detach', async () => {
    await expectSlope(
      (x) => mul(x, detach(x)),
      (x) => x,
    );
    await expectSlope(
      (x) => add(detach(square(x)), x),
      () => 1,
    );
  });

  test('noGrad', async () => {
    await expectSlope(
      (x) =>
        mul(
          x,
          noGrad(() => square(x)),
        ),
      (x) => x * x,
    );
  });

  test('noGrad frees all but its result', () => {
    const before = gpu.memory().tensors;
    const y = noGrad(() => square(square(gpu.tensor([2]))));
    expect(gpu.memory().tensors).toBe(before + 1);
    y.dispose();
  });

  test('a tape inside noGrad is heard by no other', async () => {
    await expectSlope(
      (x) =>
        mul(
          x,
          noGrad(() => grad(() => sum(square(x)), x)),
        ),
      (x) => 2 * x,
    );
    await expectSlope(
      (x) => {
        const slope = () => grad(() => sum(square(x)), x);
        return mul(
          x,
          noGrad(() => grad(() => sum(mul(x, noGrad(slope))), x)),
        );
      },
      (x) => 2 * x,
    );
    const squares = POINTS.reduce((total, v) => total + v * v, 0);
    await expectSlope(
      (x) =>
        mul(
          x,
          noGrad(() => valueAndGrad(() => sum(square(x)), x).value),
        ),
      () => squares,
    );
  });

  test('comparisons and conditions', async () => {
    await expectSlope(
      (x) => where(greater(x, 0), square(x), mul(x, 3)),
      (x) => (x > 0 ? 2 * x : 3),
    );
    await expectSlope(
      (x) => mul(cast(greater(x, 0), 'f32'), x),
      (x) => Number(x > 0),
    );
  });
});

describe('customOp', () => {
  /** (a b, a + b), whose backward must cope with an unused output. */
  const productAndSum = customOp({
    name: 'productAndSum',
    forward: (a: Tensor, b: Tensor) => ({ output: [mul(a, b), add(a, b)] as const, saved: [a, b] }),
    backward: ([dp, ds], [a, b], needs) =>
      [b, a].map((other, i) => {
        if (!needs[i]) return null;
        const parts = [dp ? mul(dp, other as Tensor) : null, ds ?? null].filter((t) => t !== null);
        return parts.reduce(add);
      }),
  });

  test('its backward is used, also twice and with an output unused', async () => {
    const slope = async (f: (x: Tensor) => Tensor) => data(grad(() => sum(f(x)), x));
    const x = gpu.tensor([2, 3]);
    expect(await slope((x) => productAndSum(x, x)[0])).toEqual([4, 6]);
    expect(await slope((x) => productAndSum(x, gpu.tensor([5, 7]))[1])).toEqual([1, 1]);
    expect(await slope((x) => mul(...(productAndSum(x, gpu.tensor([5, 7])) as [Tensor, Tensor])))).toEqual([
      5 * 7 + 10,
      7 * 10 + 21,
    ]);
  });

  test('a gradient of the gradient goes through it', async () => {
    const x = gpu.tensor([2, 3]);
    expect(await data(grad(() => sum(grad(() => sum(mul(productAndSum(x, x)[0], x)), x)), x))).toEqual([12, 18]);
  });

  test('a gradient of the gradient takes the plain definition where there is one', async () => {
    // The backward is a kernel that nothing can differentiate, as those of fused ops are.
    const cube = customOp({
      name: 'cube',
      forward: (x: Tensor) => ({ output: mul(square(x), x), saved: [x] }),
      backward: ([dy], [x]) => [noGrad(() => mul(dy as Tensor, mul(square(x as Tensor), 3)))],
      plain: (x) => mul(mul(x, x), x),
    });
    const x = gpu.tensor([2, 3]);
    expect(await data(grad(() => sum(cube(x)), x))).toEqual([12, 27]);
    expect(await data(grad(() => sum(grad(() => sum(cube(x)), x)), x))).toEqual([12, 18]);
    expect(await data(grad(() => sum(grad(() => sum(mul(cube(x), x)), x)), x))).toEqual([48, 108]);
  });

  test('a wrong shape is an error that names it', () => {
    const wrong = customOp({
      name: 'wrong',
      forward: (x: Tensor) => ({ output: neg(x) }),
      backward: () => [gpu.zeros([7])],
    });
    const x = point();
    expect(() => grad(() => sum(wrong(x)), x)).toThrow('wrong: the gradient of input 0 must be f32[5], got f32[7]');
  });
});

describe('Hessian-vector products', () => {
  // For L = sum f(x) the Hessian is diagonal: f''(x) v.
  const cases: readonly (readonly [name: string, f: (x: Tensor) => Tensor, second: (x: number) => number])[] = [
    ['x^2', square, () => 2],
    ['x x x', (x) => mul(mul(x, x), x), (x) => 6 * x],
    ['exp(sin x)', (x) => exp(sin(x)), (x) => Math.exp(Math.sin(x)) * (Math.cos(x) ** 2 - Math.sin(x))],
    ['tanh', tanh, (x) => -2 * Math.tanh(x) * (1 - Math.tanh(x) ** 2)],
    ['log(1 + x^2)', (x) => log(add(square(x), 1)), (x) => (2 - 2 * x * x) / (1 + x * x) ** 2],
    ['1 / (1 + x^2)', (x) => div(1, add(1, square(x))), (x) => (6 * x * x - 2) / (1 + x * x) ** 3],
    ['(1 + x^2)^1.5', (x) => pow(add(1, square(x)), 1.5), (x) => (3 * (2 * x * x + 1)) / Math.sqrt(1 + x * x)],
    ['max(x, x^2)', (x) => maximum(x, square(x)), (x) => (x > 1 || x < 0 ? 2 : 0)],
    ['relu', (x) => mul(relu(x), x), (x) => (x > 0 ? 2 : 0)],
  ];

  test.each(cases)('%s', async (_name, f, second) => {
    const [x, v] = [point(), gpu.tensor([1, -2, 3, 0.5, 2])];
    const product = grad(
      () =>
        sum(
          mul(
            grad(() => sum(f(x)), x),
            v,
          ),
        ),
      x,
    );
    const want = POINTS.map((p, i) => second(Math.fround(p)) * ([1, -2, 3, 0.5, 2][i] as number));
    expectClose('Hessian times v', { shape: product.shape, data: await product.data() }, nd([5], want), 2e-6);
  });

  test('between two tensors, one of them broadcast', async () => {
    // L = sum a^2 b: the gradient by a is 2 a b; along v its gradient by b is the sum of 2 a v over rows.
    const [a, b] = [
      gpu.tensor([
        [1, 2],
        [3, 4],
        [5, 6],
      ]),
      gpu.tensor([0.5, 2]),
    ];
    const v = gpu.tensor([
      [1, 0],
      [2, -1],
      [0, 3],
    ]);
    const [da, db] = grad(
      () =>
        sum(
          mul(
            grad(() => sum(mul(square(a), b)), a),
            v,
          ),
        ),
      [a, b],
    ) as [Tensor, Tensor];
    expect(await da.array()).toEqual([
      [1, 0],
      [2, -4],
      [0, 12],
    ]);
    expect(await db.array()).toEqual([2 * (1 * 1 + 3 * 2), 2 * (4 * -1 + 6 * 3)]);
  });

  test('a third derivative', async () => {
    const x = gpu.tensor([0.5, 2]);
    const third = grad(() => sum(grad(() => sum(grad(() => sum(pow(x, 4)), x)), x)), x);
    expectClose('third derivative', { shape: [2], data: await third.data() }, nd([2], [12, 48]), 2e-6);
  });
});

test('nothing is left behind', async () => {
  const x = point();
  await gpu.sync();
  const before = gpu.memory();
  for (let i = 0; i < 5; i++) {
    scope(() => {
      const { grads } = valueAndGrad(
        () =>
          sum(
            mul(
              exp(x),
              grad(() => sum(square(x)), x),
            ),
          ),
        { x },
      );
      grads.x.dispose();
    });
  }
  expect(gpu.memory()).toMatchObject({ live: before.live, tensors: before.tensors });
  await guards.verify();
});

test('an error in the middle leaves no tape open', async () => {
  const x = point();
  expect(() => grad(() => sum(add(x, gpu.tensor([1, 2]))), x)).toThrow('add: shapes do not broadcast');
  expect(await data(grad(() => sum(x), x))).toEqual([1, 1, 1, 1, 1]);
});
