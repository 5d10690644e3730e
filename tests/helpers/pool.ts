import type { Nd } from '../../src/testing/check.ts';
import { nd } from './nd.ts';

/** A window along one axis: the positions of its elements, padding among them. */
export interface AxisWindow {
  readonly positions: readonly number[];
  /** How many of them lie in the input or its padding. */
  readonly counted: number;
}

export interface PoolReference {
  readonly kind: 'max' | 'avg' | 'lp';
  /** For each axis, the windows of its outputs. */
  readonly windows: readonly (readonly AxisWindow[])[];
  readonly countIncludePad?: boolean;
  readonly divisorOverride?: number | undefined;
  readonly p?: number;
  readonly layout?: 'nchw' | 'nhwc';
}

/** The windows of an axis of n elements, from PyTorch's definitions. */
export function axisWindows(
  n: number,
  k: number,
  s: number,
  before: number,
  after: number,
  dil: number,
  ceil: boolean,
): AxisWindow[] {
  const room = n + before + after - dil * (k - 1) - 1;
  let outputs = Math[ceil ? 'ceil' : 'floor'](room / s) + 1;
  if (ceil && (outputs - 1) * s >= n + before) outputs--;
  return Array.from({ length: outputs }, (_, o) => {
    const positions = Array.from({ length: k }, (_, i) => o * s - before + i * dil);
    return { positions, counted: positions.filter((at) => at < n + after).length };
  });
}

export function adaptiveWindowsOf(n: number, outputs: number): AxisWindow[] {
  return Array.from({ length: outputs }, (_, o) => {
    const [begin, end] = [Math.floor((o * n) / outputs), Math.ceil(((o + 1) * n) / outputs)];
    return { positions: Array.from({ length: end - begin }, (_, i) => begin + i), counted: end - begin };
  });
}

/** Pooling of [N, C, ...] or [N, ..., C] from its definition, in f64, with the index of each maximum. */
export function pool(x: Nd, r: PoolReference): { output: Nd; indices: Nd } {
  const dims = r.windows.length;
  const nhwc = r.layout === 'nhwc';
  const sizes = nhwc ? x.shape.slice(1, 1 + dims) : x.shape.slice(2);
  const [N, C] = [x.shape[0] as number, (nhwc ? x.shape.at(-1) : x.shape[1]) as number];
  const outputs = r.windows.map((w) => w.length);
  const cells = (list: readonly number[]) => list.reduce((a, b) => a * b, 1);
  const at = (n: number, c: number, cell: number, plane: number) =>
    nhwc ? (n * plane + cell) * C + c : (n * C + c) * plane + cell;
  const [plane, outPlane] = [cells(sizes), cells(outputs)];
  const output = new Float64Array(N * C * outPlane);
  const indices = new Float64Array(N * C * outPlane);
  for (let n = 0; n < N; n++)
    for (let c = 0; c < C; c++)
      for (let o = 0; o < outPlane; o++) {
        let rest = o;
        const axes: AxisWindow[] = [];
        for (let d = dims - 1; d >= 0; d--) {
          axes.unshift(r.windows[d]?.[rest % (outputs[d] as number)] as AxisWindow);
          rest = Math.floor(rest / (outputs[d] as number));
        }
        // All positions of the window in the input, in order.
        let inside = [0];
        axes.forEach(({ positions }, d) => {
          const size = sizes[d] as number;
          inside = inside.flatMap((base) => positions.filter((p) => p >= 0 && p < size).map((p) => base * size + p));
        });
        const values = inside.map((cell) => x.data[at(n, c, cell, plane)] as number);
        const to = at(n, c, o, outPlane);
        if (r.kind === 'max') {
          let best = Number.NEGATIVE_INFINITY;
          let chosen = -1;
          values.forEach((v, i) => {
            if (chosen >= 0 && !(v > best) && !Number.isNaN(v)) return;
            best = v;
            chosen = inside[i] as number;
          });
          output[to] = best;
          indices[to] = chosen;
        } else if (r.kind === 'avg') {
          const counted = r.countIncludePad === false ? inside.length : cells(axes.map((a) => a.counted));
          const sum = values.reduce((a, b) => a + b, 0);
          output[to] = inside.length === 0 ? 0 : sum / (r.divisorOverride ?? counted);
        } else {
          const p = r.p as number;
          output[to] = values.reduce((a, b) => a + Math.abs(b) ** p, 0) ** (1 / p);
        }
      }
  const shape = nhwc ? [N, ...outputs, C] : [N, C, ...outputs];
  return { output: nd(shape, output), indices: nd(shape, indices) };
}
