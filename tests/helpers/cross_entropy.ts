import { type Shape, sizeOf } from '../../src/host.ts';
import type { CrossEntropyOptions } from '../../src/ops/cross_entropy.ts';
import type { Input, Nd } from '../../src/testing/check.ts';
import { testRandom } from '../../src/testing/random.ts';
import { coordinates, nd, placeOf } from './nd.ts';

/** The definition, element by element, with the targets as probabilities or class indices, and the weights of the classes. */
export function definition(options: CrossEntropyOptions) {
  const { axis: a = -1, labelSmoothing: e = 0, reduction = 'mean', ignoreIndex = -100 } = options;
  return (x: Nd, target: Nd, weights?: Nd): Nd => {
    const axis = a < 0 ? a + x.shape.length : a;
    const classes = x.shape[axis] as number;
    const shape = x.shape.filter((_, i) => i !== axis);
    const indices = target.shape.length < x.shape.length;
    const weight = (j: number) => (weights ? (weights.data[j] as number) : 1);
    let count = 0;
    const losses = Array.from({ length: sizeOf(shape) }, (_, r) => {
      const at = coordinates(r, shape);
      const place = (j: number) => placeOf([...at.slice(0, axis), j, ...at.slice(axis)], x.shape);
      const row = Array.from({ length: classes }, (_, j) => x.data[place(j)] as number);
      if (indices && target.data[r] === ignoreIndex) return 0;
      count += indices ? weight(target.data[r] as number) : 1;
      const m = Math.max(...row);
      const lse = m + Math.log(row.reduce((s, v) => s + Math.exp(v - m), 0));
      return row.reduce((total, v, j) => {
        const hot = indices ? (target.data[r] === j ? 1 : 0) : (target.data[place(j)] as number);
        return total - weight(j) * ((1 - e) * hot + e / classes) * (v - lse);
      }, 0);
    });
    if (reduction === 'none') return nd(shape, losses);
    const total = losses.reduce((s, v) => s + v, 0);
    return nd([], [reduction === 'sum' ? total : total / (count || 1)]);
  };
}

/** Class indices, every fourth of them ignored where `ignored` is given. */
export function indices(shape: Shape, classes: number, dtype: 'i32' | 'u32' = 'i32', ignored?: number): Input {
  const random = testRandom(9);
  return {
    shape,
    dtype,
    data: Array.from({ length: sizeOf(shape) }, (_, i) =>
      ignored !== undefined && i % 4 === 1 ? ignored : Math.floor(random() * classes),
    ),
  };
}

/** Rows of probabilities along the last axis. */
export function probabilities(shape: Shape): Input {
  const random = testRandom(10);
  const n = shape.at(-1) as number;
  const raw = Array.from({ length: sizeOf(shape) }, () => random() + 0.1);
  return { shape, data: raw.map((v, i) => v / raw.slice(i - (i % n), i - (i % n) + n).reduce((a, b) => a + b, 0)) };
}
