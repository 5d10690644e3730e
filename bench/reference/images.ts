// Convolution and pooling of images [N, C, H, W] in f64, from their definitions.
import { sizeOf } from '../../src/host.ts';
import type { ConvWindows } from '../ops.ts';
import { get, make, type Var } from './var.ts';

/** Each pair of an output and an input that a tap joins. */
function meetings(
  [height, width]: readonly [number, number],
  size: number,
  { stride, padding }: Pick<ConvWindows, 'stride' | 'padding'>,
) {
  const outputs = (n: number) => Math.floor((n + 2 * padding - size) / stride) + 1;
  const [H, W] = [outputs(height), outputs(width)];
  const places: (readonly [tap: number, to: number, at: number])[] = [];
  for (let tap = 0; tap < size * size; tap++)
    for (let to = 0; to < H * W; to++) {
      const i = Math.floor(to / W) * stride + Math.floor(tap / size) - padding;
      const j = (to % W) * stride + (tap % size) - padding;
      if (i >= 0 && i < height && j >= 0 && j < width) places.push([tap, to, i * width + j]);
    }
  return { H, W, places };
}

export function conv2d(tape: (() => void)[], x: Var, w: Var, windows: ConvWindows): Var {
  const [N, channels, ...sizes] = x.shape as [number, number, number, number];
  const [K, C, size] = w.shape as [number, number, number];
  const { H, W, places } = meetings(sizes, size, windows);
  const y = make([N, K, H, W]);
  const plane = sizeOf(sizes);
  const perGroup = K / windows.groups;
  const each = (f: (to: number, weight: number, at: number) => void) => {
    for (let n = 0; n < N; n++)
      for (let k = 0; k < K; k++)
        for (let c = 0; c < C; c++) {
          const from = (n * channels + Math.floor(k / perGroup) * C + c) * plane;
          for (const [tap, to, at] of places) f((n * K + k) * H * W + to, (k * C + c) * size * size + tap, from + at);
        }
  };
  each((to, weight, at) => {
    y.data[to] = get(y.data, to) + get(w.data, weight) * get(x.data, at);
  });
  tape.push(() =>
    each((to, weight, at) => {
      x.grad[at] = get(x.grad, at) + get(y.grad, to) * get(w.data, weight);
      w.grad[weight] = get(w.grad, weight) + get(y.grad, to) * get(x.data, at);
    }),
  );
  return y;
}

export function pool2d(tape: (() => void)[], kind: 'max' | 'mean', x: Var, size: number, stride: number): Var {
  const [N, C, ...sizes] = x.shape as [number, number, number, number];
  const { H, W, places } = meetings(sizes, size, { stride, padding: 0 });
  const y = make([N, C, H, W]);
  const plane = sizeOf(sizes);
  const chosen = new Int32Array(y.data.length).fill(-1);
  const each = (f: (to: number, at: number) => void) => {
    for (let image = 0; image < N * C; image++)
      for (const [, to, at] of places) f(image * H * W + to, image * plane + at);
  };
  each((to, at) => {
    const [value, first] = [get(x.data, at), chosen[to] === -1];
    if (kind === 'mean') y.data[to] = get(y.data, to) + value / size ** 2;
    else if (first || value > get(y.data, to)) [y.data[to], chosen[to]] = [value, at];
  });
  tape.push(() =>
    each((to, at) => {
      const share = kind === 'mean' ? 1 / size ** 2 : chosen[to] === at ? 1 : 0;
      x.grad[at] = get(x.grad, at) + share * get(y.grad, to);
    }),
  );
  return y;
}
