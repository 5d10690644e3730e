import { describe, expect, test } from 'vitest';
import type { Shape } from '../../src/host.ts';
import { reshape } from '../../src/ops/shape.ts';
import { type PadOptions, pad, type Range, slice } from '../../src/ops/slice.ts';
import { ArgumentError, ShapeError } from '../../src/runtime/errors.ts';
import { checkOp, type Input, type Nd } from '../../src/testing/check.ts';
import { gpu, guards } from '../helpers/gpu.ts';
import { at, build } from '../helpers/nd.ts';
import { checkSecondOrder } from '../helpers/second_order.ts';

/** The places that Python's `range(n)[start:end:step]` names, one by one. */
function places(n: number, range: Range): number[] {
  const [start, end, given] = range ?? [];
  const step = given ?? 1;
  const clip = (v: number) => (v < 0 ? Math.max(v + n, step < 0 ? -1 : 0) : Math.min(v, step < 0 ? n - 1 : n));
  let i = start == null ? (step < 0 ? n - 1 : 0) : clip(start);
  const stop = end == null ? (step < 0 ? -1 : n) : clip(end);
  const found: number[] = [];
  for (; step < 0 ? i > stop : i < stop; i += step) found.push(i);
  return found;
}
const sliced = (ranges: readonly Range[]) => (x: Nd) => {
  const from = x.shape.map((n, i) => places(n, ranges[i] ?? null));
  return build(
    from.map((f) => f.length),
    (c) =>
      at(
        x,
        c.map((v, i) => from[i]?.[v] as number),
      ),
  );
};

/** The place in an axis of `n` that padding at `k` repeats, found by walking there from inside. */
function repeated(k: number, n: number, mode: string): number {
  if (mode === 'edge') return Math.min(Math.max(k, 0), n - 1);
  if (mode === 'wrap') return ((k % n) + n) % n;
  let [place, direction] = [0, 1];
  for (let i = 0; i < Math.abs(k); i++) {
    if (place + direction < 0 || place + direction >= n) direction = -direction;
    if (n > 1) place += direction;
  }
  return place;
}
const padded =
  (widths: readonly (readonly [number, number])[], { mode = 'constant', value = 0 }: PadOptions = {}) =>
  (x: Nd) => {
    const shape = x.shape.map((n, i) => n + (widths[i]?.[0] ?? 0) + (widths[i]?.[1] ?? 0));
    return build(shape, (c) => {
      const from = c.map((v, i) => v - (widths[i]?.[0] ?? 0));
      if (mode !== 'constant')
        return at(
          x,
          from.map((k, i) => repeated(k, x.shape[i] as number, mode)),
        );
      return from.every((k, i) => k >= 0 && k < (x.shape[i] as number)) ? at(x, from) : value;
    });
  };

describe('slice', () => {
  const cases: [Shape, Range[]][] = [
    [[7], [[2, 5]]],
    [[7], [[-3]]],
    [[7], [[null, -2]]],
    [[7], [[null, null, 2]]],
    [[7], [[1, null, 3]]],
    [[7], [[null, null, -1]]],
    [[7], [[5, 1, -2]]],
    [[7], [[-2, null, -3]]],
    [[7], [[0, 100]]],
    [[7], [[-100, 100]]],
    [[7], [[100, -100, -2]]],
    [[7], [[5, 2]]],
    [[7], [[2, 5, -1]]],
    [[7], [[9, 12]]],
    [[7], [[3, 3]]],
    [[0], [[null, null, -1]]],
    [[7], [[6, null, 9]]],
    [[3, 4], [[1, 2]]],
    [
      [3, 4],
      [null, [1, 3]],
    ],
    [
      [3, 8],
      [null, [4, 8]],
    ],
    [
      [3, 8],
      [
        [null, null, -1],
        [0, 4],
      ],
    ],
    [
      [3, 8],
      [[1, 3], null],
    ],
    [
      [4, 6, 8],
      [
        [1, 4, 2],
        [null, null, -1],
        [2, 7],
      ],
    ],
    [
      [4, 6, 8],
      [
        [1, 3],
        [2, 4],
        [4, 8],
      ],
    ],
    [
      [2, 3, 4, 5, 2],
      [null, [1, 2], null, [4, null, -2]],
    ],
    [
      [1, 5],
      [
        [0, 1],
        [2, 4],
      ],
    ],
    [[3, 4], []],
    [[], []],
    [[3, 4], [[1, 1]]],
    [
      [2, 2, 2, 2, 2, 2, 2, 3],
      [null, [1], null, [null, null, -1], null, [0, 1], null, [null, null, 2]],
    ],
    [[65, 64], [[1, 33]]],
    [[65, 64], [[2, 65, 2]]],
  ];
  test.each(cases)('%j %j', async (shape, ranges) => {
    await checkOp(gpu, (x) => slice(x, ranges), sliced(ranges), [shape], {
      gradient: shape.reduce((a, b) => a * b, 1) < 1000,
    });
  });
  test('second order, forward and through the gradient of a gradient', async () => {
    await checkSecondOrder(
      gpu,
      (x) =>
        slice(x, [
          [null, null, -2],
          [1, 3],
        ]),
      [5, 4],
    );
    await checkSecondOrder(
      gpu,
      (x) =>
        slice(x, [
          [1, 3],
          [4, 8],
        ]),
      [4, 8],
    );
  });
  test('a large gradient has zeros around', async () => {
    await checkOp(gpu, (x) => slice(x, [[1, 33]]), sliced([[1, 33]]), [[34, 16]]);
  });
  test('dtypes', async () => {
    for (const dtype of ['i32', 'u32', 'bool'] as const) {
      await checkOp(
        gpu,
        (x) =>
          slice(x, [
            [1, 3],
            [null, null, -2],
          ]),
        sliced([
          [1, 3],
          [null, null, -2],
        ]),
        [{ shape: [4, 5], dtype, range: [0, 9] }],
      );
      await checkOp(gpu, (x) => slice(x, [null, [4, 12]]), sliced([null, [4, 12]]), [
        { shape: [3, 16], dtype, range: [0, 9] },
      ]);
      await checkOp(gpu, (x) => slice(x, [[1]]), sliced([[1]]), [{ shape: [3, 256], dtype, range: [0, 9] }]);
    }
    if (gpu.features.has('shader-f16'))
      await checkOp(
        gpu,
        (x) =>
          slice(x, [
            [1, 3],
            [null, null, -2],
          ]),
        sliced([
          [1, 3],
          [null, null, -2],
        ]),
        [{ shape: [4, 5], dtype: 'f16' }],
      );
  });
  test('a part in one piece from a multiple of 256 bytes on is a view', async () => {
    const x = gpu.tensor(
      Array.from({ length: 256 }, (_, i) => i),
      [4, 64],
    );
    gpu.flush();
    gpu.resetCounters();
    const y = slice(x, [[1, 3]]);
    expect(gpu.counters().dispatches).toBe(0);
    expect(slice(x, [null, [0, 63]]).storage).not.toBe(x.storage);
    expect(slice(reshape(x, [256]), [[1, 9]]).storage).not.toBe(x.storage);
    x.dispose();
    expect((await y.data())[0]).toBe(64);
  });
  test('errors', () => {
    const x = gpu.zeros([2, 3]);
    expect(() => slice(x, [null, [0, 1, 0]])).toThrow(
      new ArgumentError(
        'slice',
        'ranges must hold whole numbers and a step other than 0, got [0, 1, 0] for axis 1 (x: f32[2, 3])',
      ),
    );
    expect(() => slice(x, [[0.5]])).toThrow('whole numbers');
    expect(() => slice(x, [null, null, null])).toThrow(
      new ArgumentError('slice', 'ranges must name at most 2 axes, got 3 (x: f32[2, 3])'),
    );
  });
});

describe('pad', () => {
  const cases: [Shape, [number, number][]][] = [
    [[3], [[1, 2]]],
    [[3], [[0, 0]]],
    [[4], [[4, 8]]],
    [
      [2, 3],
      [
        [1, 1],
        [2, 0],
      ],
    ],
    [[2, 3], [[1, 0]]],
    [
      [2, 4],
      [
        [1, 2],
        [4, 0],
      ],
    ],
    [[2, 4], [[1, 2]]],
    [
      [3, 4, 5],
      [
        [0, 0],
        [1, 2],
        [0, 0],
      ],
    ],
    [
      [3, 4, 8],
      [
        [1, 1],
        [0, 0],
        [0, 4],
      ],
    ],
    [
      [1, 1],
      [
        [2, 2],
        [3, 1],
      ],
    ],
    [
      [2, 1, 2, 1, 2, 1, 2, 1],
      [
        [0, 1],
        [1, 0],
        [0, 0],
        [1, 1],
        [0, 1],
        [0, 0],
        [1, 0],
        [0, 1],
      ],
    ],
    [[], []],
    [[1], [[5, 3]]],
    [
      [2, 3],
      [
        [5, 7],
        [8, 4],
      ],
    ],
    [[300], [[1, 1]]],
  ];
  test.each(cases)('%j by %j, constant', async (shape, widths) => {
    await checkOp(gpu, (x) => pad(x, widths), padded(widths), [shape]);
    await checkOp(gpu, (x) => pad(x, widths, { value: -2.5 }), padded(widths, { value: -2.5 }), [shape]);
  });
  for (const mode of ['edge', 'reflect', 'wrap'] as const) {
    test.each(cases)(`%j by %j, ${mode}`, async (shape, widths) => {
      await checkOp(gpu, (x) => pad(x, widths, { mode }), padded(widths, { mode }), [shape]);
    });
    test(`second order, ${mode}`, () =>
      checkSecondOrder(
        gpu,
        (x) =>
          pad(
            x,
            [
              [1, 2],
              [0, 4],
            ],
            { mode },
          ),
        [3, 4],
      ));
  }
  test('second order, constant', () =>
    checkSecondOrder(
      gpu,
      (x) =>
        pad(x, [
          [1, 2],
          [0, 4],
        ]),
      [3, 4],
    ));
  test('empty', async () => {
    await checkOp(
      gpu,
      (x) =>
        pad(
          x,
          [
            [1, 2],
            [0, 0],
          ],
          { value: 3 },
        ),
      padded([[1, 2]], { value: 3 }),
      [[0, 4]],
    );
    await checkOp(
      gpu,
      (x) =>
        pad(
          x,
          [
            [0, 0],
            [2, 1],
          ],
          { value: 3 },
        ),
      padded(
        [
          [0, 0],
          [2, 1],
        ],
        { value: 3 },
      ),
      [[0, 4]],
    );
    await checkOp(
      gpu,
      (x) =>
        pad(
          x,
          [
            [0, 0],
            [2, 1],
          ],
          { mode: 'edge' },
        ),
      padded(
        [
          [0, 0],
          [2, 1],
        ],
        { mode: 'edge' },
      ),
      [[0, 4]],
    );
  });
  test('dtypes, with values that f32 cannot hold', async () => {
    const check = (input: Input, widths: [number, number][], options: PadOptions) =>
      checkOp(gpu, (x) => pad(x, widths, options), padded(widths, options), [input], { forward: 0 });
    for (const dtype of [
      'i32',
      'u32',
      'bool',
      ...(gpu.features.has('shader-f16') ? (['f16'] as const) : []),
    ] as const) {
      const value = { i32: -123456789, u32: 4000000001, bool: 1, f16: 0.5 }[dtype];
      const odd: Input = { shape: [2, 3], dtype, range: [0, 9] };
      const fours: Input = { shape: [2, 4], dtype, range: [0, 9] };
      const [left, right] = [[1, 2] as [number, number], [4, 0] as [number, number]];
      await check(odd, [left, right], { value });
      await check(fours, [left, right], { value });
      await check(odd, [left], { mode: 'reflect' });
      await check(fours, [left], { mode: 'edge' });
    }
  });
  test('infinite values', async () => {
    expect(await pad(gpu.tensor([1]), [[1, 1]], { value: Number.NEGATIVE_INFINITY }).array()).toEqual([
      Number.NEGATIVE_INFINITY,
      1,
      Number.NEGATIVE_INFINITY,
    ]);
  });
  test('errors', () => {
    const x = gpu.zeros([2, 3]);
    expect(() => pad(x, [[1, -1]])).toThrow(
      new ArgumentError(
        'pad',
        'widths must hold [before, after], whole numbers >= 0, for at most 2 axes, got [[1,-1]] (x: f32[2, 3])',
      ),
    );
    expect(() =>
      pad(x, [
        [0, 0],
        [0, 0],
        [1, 1],
      ]),
    ).toThrow('for at most 2 axes');
    expect(() => pad(x, [[1, 1]], { mode: 'mirror' as 'wrap' })).toThrow(
      new ArgumentError('pad', 'mode must be constant, edge, reflect or wrap, got mirror'),
    );
    expect(() => pad(gpu.zeros([0, 3]), [[1, 1]], { mode: 'edge' })).toThrow(
      new ShapeError('pad', 'mode edge needs elements to repeat on axis 0, got f32[0, 3]'),
    );
    expect(() => pad(gpu.zeros([3], 'i32'), [[1, 1]], { value: 0.5 })).toThrow(
      'pad: value must be a value of i32, got 0.5',
    );
  });
});

test('nothing was written out of range', () => guards.verify());
