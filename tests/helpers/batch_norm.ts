import { type Shape, sizeOf } from '../../src/host.ts';
import type { Nd } from '../../src/testing/check.ts';

export type Layout = 'nchw' | 'nhwc';
export const channelAxis = (shape: Shape, layout: Layout) => (layout === 'nchw' ? 1 : shape.length - 1);

/** The mean and the variance of each channel, divided by n, and how many elements one has. */
export function moments(x: Nd, layout: Layout): { mean: number[]; variance: number[]; count: number } {
  const axis = channelAxis(x.shape, layout);
  const [C, inner] = [x.shape[axis] as number, sizeOf(x.shape.slice(axis + 1))];
  const of = (c: number) => Array.from(x.data).filter((_, i) => Math.floor(i / inner) % C === c);
  const channels = Array.from({ length: C }, (_, c) => of(c));
  const average = (list: readonly number[]) => list.reduce((a, b) => a + b, 0) / list.length;
  const mean = channels.map(average);
  return {
    mean,
    variance: channels.map((list, c) => average(list.map((v) => (v - (mean[c] as number)) ** 2))),
    count: channels[0]?.length ?? 0,
  };
}

/** The definition, with given statistics or those of x. */
export function definition(
  layout: Layout,
  eps: number,
  x: Nd,
  { weight, bias, mean, variance }: { weight?: Nd; bias?: Nd; mean?: ArrayLike<number>; variance?: ArrayLike<number> },
): Nd {
  const axis = channelAxis(x.shape, layout);
  const [C, inner] = [x.shape[axis] as number, sizeOf(x.shape.slice(axis + 1))];
  const own = mean ? null : moments(x, layout);
  return {
    shape: x.shape,
    data: x.data.map((v, i) => {
      const c = Math.floor(i / inner) % C;
      const [m, s] = [(mean ?? own?.mean)?.[c] as number, (variance ?? own?.variance)?.[c] as number];
      return ((v - m) / Math.sqrt(s + eps)) * (weight?.data[c] ?? 1) + (bias?.data[c] ?? 0);
    }),
  };
}

export type Given = 'both' | 'weight' | 'bias' | 'none';

export function named<T>(given: Given, [a, b]: readonly T[]): { weight?: T; bias?: T } {
  const both = { weight: a as T, bias: b as T };
  return { both, weight: { weight: a as T }, bias: { bias: a as T }, none: {} }[given];
}
export const COUNT = { both: 2, weight: 1, bias: 1, none: 0 } as const;
