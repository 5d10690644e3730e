import type { Nd } from '../../src/testing/check.ts';
import { nd } from './nd.ts';

/** A convolution's geometry with a number for each dimension; layout 'nchw'. */
export interface ConvReference {
  readonly stride: readonly number[];
  readonly before: readonly number[];
  readonly dilation: readonly number[];
  readonly groups: number;
  /** The sizes of the result's dimensions. */
  readonly outputs: readonly number[];
  /** Whether it is the transposed one. */
  readonly transposed?: boolean;
  readonly f?: (v: number) => number;
}

const product = (list: readonly number[]) => list.reduce((a, b) => a * b, 1);

/** All places of a grid, as lists. */
function places(sizes: readonly number[]): number[][] {
  return sizes.reduce<number[][]>(
    (list, n) => list.flatMap((at) => Array.from({ length: n }, (_, i) => [...at, i])),
    [[]],
  );
}

const flat = (at: readonly number[], sizes: readonly number[]) =>
  at.reduce((i, p, d) => i * (sizes[d] as number) + p, 0);

/** (Transposed) convolution of [N, C, ...] from PyTorch's definition, in f64: every input element meets every tap. */
export function convolve(x: Nd, w: Nd, bias: Nd | undefined, r: ConvReference): Nd {
  const [N, C] = x.shape as [number, number];
  const sizes = x.shape.slice(2);
  const kernel = w.shape.slice(2);
  const { groups, outputs, stride, before, dilation, transposed = false, f = (v: number) => v } = r;
  const out = transposed ? (w.shape[1] as number) * groups : (w.shape[0] as number);
  const y = new Float64Array(N * out * product(outputs));
  for (let i = 0; i < y.length; i++) y[i] = bias ? (bias.data[Math.floor(i / product(outputs)) % out] as number) : 0;
  const [perIn, perOut] = [C / groups, out / groups];
  const [taps, pixels, area] = [product(kernel), product(sizes), product(outputs)];
  const grid = places(transposed ? sizes : outputs);
  for (const [t, tap] of places(kernel).entries())
    for (const at of grid) {
      // The place on the side of the larger images that meets `at` through this tap.
      const meets = at.map((p, d) => p * stride[d]! + tap[d]! * dilation[d]! - before[d]!);
      if (meets.some((p, d) => p < 0 || p >= (transposed ? outputs : sizes)[d]!)) continue;
      const [from, to] = transposed ? [at, meets] : [meets, at];
      const [read, written] = [flat(from, sizes), flat(to, outputs)];
      for (let n = 0; n < N; n++)
        for (let g = 0; g < groups; g++)
          for (let ci = 0; ci < perIn; ci++)
            for (let co = 0; co < perOut; co++) {
              const a = g * perIn + ci;
              const b = g * perOut + co;
              const weight = w.data[(transposed ? a * perOut + co : b * perIn + ci) * taps + t]!;
              y[(n * out + b) * area + written]! += weight * x.data[(n * C + a) * pixels + read]!;
            }
    }
  return nd([N, out, ...outputs], y.map(f));
}
