import { convPack } from '../../generated/kernels.ts';
import { type Shape, sizeOf } from '../../host.ts';
import { dispatch, grid } from '../../runtime/kernel.ts';
import type { Tensor } from '../../tensor.ts';
import type { Plan } from '../linalg/plan.ts';
import { type BatchDim, contraction, type RunDim } from '../linalg/problem.ts';
import { type Epilogue, run } from '../linalg/run.ts';
import { broadcastTo, permute, reshape } from '../shape.ts';
import { slice } from '../slice.ts';
import type { ImageLayout, Three } from '../windows.ts';
import type { Convolution } from './geometry.ts';

const WG = 64;
const ONES: Three = [1, 1, 1];
const NONE: Three = [0, 0, 0];
const four = (n: readonly number[]) => [...n, 0];
const volume = (n: Three) => n[0] * n[1] * n[2];

/** Where the elements of a tensor of [groups, N, C, D, H, W] are. */
interface View {
  readonly sizes: Three;
  readonly channels: number;
  readonly batch: number;
  readonly group: number;
  readonly image: number;
  readonly channel: number;
  readonly strides: Three;
}

function imagesOf(layout: ImageLayout, groups: number, batch: number, channels: number, sizes: Three): View {
  const all = groups * channels;
  const [, h, w] = sizes;
  const image = all * volume(sizes);
  if (layout === 'nhwc') {
    const strides: Three = [h * w * all, w * all, all];
    return { sizes, channels, batch, group: channels, image, channel: 1, strides };
  }
  const plane = volume(sizes);
  return { sizes, channels, batch, group: channels * plane, image, channel: plane, strides: [h * w, w, 1] };
}

/** How packed positions are found in a view: see conv_pack.wgsl. */
interface Packing {
  readonly size: Three;
  readonly scale?: Three;
  readonly offset?: Three;
  readonly every?: Three;
  readonly phases?: Three;
}

/** The channels of packed images. */
const padded = (channels: number) => 4 * Math.ceil(channels / 4);

/** [groups, phases, N, D, H, W, channels in fours]. */
function pack(x: Tensor, groups: number, view: View, packing: Packing): Tensor {
  const { size, scale = ONES, offset = NONE, every = ONES, phases = ONES } = packing;
  const { channels, batch, strides, sizes } = view;
  const quads = padded(channels) / 4;
  const blocksW = Math.ceil(size[2] / 4);
  const out = x.gpu.empty([groups, volume(phases), batch, ...size, 4 * quads], x.dtype, 'conv');
  const count = groups * volume(phases) * batch * size[0] * size[1] * blocksW * quads;
  const params = {
    ...{ count, batch, quads, blocksW, channels },
    ...{ strideG: view.group, strideN: view.image, strideC: view.channel },
    ...{ size: four(size), phases: four(phases), room: four(sizes), scale: four(scale) },
    ...{ offset: four(offset), every: four(every), strides: four(strides) },
  };
  dispatch(x.gpu, convPack, { x, out }, params, grid(count, WG), { WG });
  return out;
}

/** The windows that a product reads. */
interface Windows {
  readonly outputs: Three;
  readonly taps: Three;
  readonly stride: Three;
  readonly dilation: Three;
}

/** The steps of a packed tensor of [.., N, D, H, W, C]: of an image, and along D, H and W. */
function stepsOf({ shape }: Tensor): { image: number; along: Three } {
  const [d, h, w, c] = shape.slice(-4) as [number, number, number, number];
  return { image: d * h * w * c, along: [h * w * c, w * c, c] };
}

/** y[g, n, o, k] = the sum over taps t and channels c of images[g, n, o stride + t dilation, c] kernels[g, k, t, c]. */
function correlate(images: Tensor, kernels: Tensor, windows: Windows, epilogue: Epilogue, plan?: Partial<Plan>) {
  const [groups, , batch] = images.shape as [number, number, number];
  const channels = images.shape.at(-1) as number;
  const { outputs, taps, stride, dilation } = windows;
  const { image, along } = stepsOf(images);
  const n = sizeOf(kernels.shape.slice(1, 3));
  const bN = sizeOf(kernels.shape.slice(3));
  const problem = contraction({
    outer: [
      [groups, batch * image, n * bN, n],
      [batch, image, 0, 0],
      ...outputs.map((size, i): BatchDim => [size, (stride[i] as number) * (along[i] as number), 0, 0]),
    ],
    inner: [
      ...taps.map((size, i): RunDim => {
        return [size, (dilation[i] as number) * (along[i] as number), channels * sizeOf(taps.slice(i + 1))];
      }),
      [channels, 1, 1],
    ],
    ...{ n, bN, biasN: 1, shape: [groups, batch, ...outputs, n] },
  });
  return run(images, kernels, problem, epilogue, plan);
}

/** [groups, N, D, H, W, C] as images of a layout. */
function toLayout(t: Tensor, layout: ImageLayout, shape: Shape): Tensor {
  return reshape(permute(t, layout === 'nchw' ? [1, 0, 5, 2, 3, 4] : [1, 2, 3, 4, 0, 5]), shape);
}

/** The images of a convolution's input, with as much around them as its windows reach. */
function packInput(x: Tensor, c: Convolution): Tensor {
  const reach = (i: number) =>
    ((c.y[i] as number) - 1) * (c.stride[i] as number) + (c.dilation[i] as number) * ((c.kernel[i] as number) - 1) + 1;
  const { before } = c;
  return pack(x, c.groups, imagesOf(c.layout, c.groups, c.batch, c.channels.x, c.x), {
    size: [reach(0), reach(1), reach(2)],
    offset: [-before[0], -before[1], -before[2]],
  });
}

/** Weights seen as images: one for each output channel, or where `swapped` for each input channel. */
function weightsOf({ channels, kernel }: Convolution, swapped: boolean): View {
  const taps = volume(kernel);
  const [out, into] = [channels.x * taps, taps];
  const strides: Three = [kernel[1] * kernel[2], kernel[2], 1];
  const group = channels.y * out;
  return swapped
    ? { sizes: kernel, channels: channels.y, batch: channels.x, group, image: into, channel: out, strides }
    : { sizes: kernel, channels: channels.x, batch: channels.y, group, image: out, channel: into, strides };
}

/** The convolution, with what follows it; `pre` is the argument of its activation. */
export function forward(x: Tensor, weight: Tensor, c: Convolution, epilogue: Epilogue, plan?: Partial<Plan>) {
  const { kernel: taps, stride, dilation } = c;
  const kernels = pack(weight, c.groups, weightsOf(c, false), { size: taps });
  const { y, pre } = correlate(packInput(x, c), kernels, { outputs: c.y, taps, stride, dilation }, epilogue, plan);
  return { y: toLayout(y, c.layout, c.shapes.y), pre: pre && toLayout(pre, c.layout, c.shapes.y) };
}

/**
 * How the gradient of the input is a convolution of dy, along one axis. Position i takes dy[o] w[t] for all o stride + t dilation = i + before. A stride leaves `phases` kinds of
 * positions, which meet every `phases`-th tap each: they are computed side by side as channels, at positions (i + before) / phases. Taps that are dilated as well do
 * not split so, and meet dy with zeros in between.
 */
function inverseAxis(c: Convolution, i: number) {
  const [stride, dilation, kernel] = [c.stride[i], c.dilation[i], c.kernel[i]] as [number, number, number];
  const [size, before] = [c.x[i], c.before[i]] as [number, number];
  const phases = dilation === 1 ? stride : 1;
  const taps = Math.ceil(kernel / phases);
  const first = Math.floor(before / phases);
  const outputs = size === 0 ? 0 : Math.floor((size - 1 + before) / phases) - first + 1;
  const step = phases === 1 ? dilation : 1;
  return {
    ...{ phases, taps, outputs, step },
    every: phases === 1 ? stride : 1,
    // From the last tap to the first.
    offset: first - (taps - 1) * step,
    size: outputs === 0 ? 0 : outputs + (taps - 1) * step,
    tapScale: -phases,
    tapOffset: phases * (taps - 1),
    cut: before - first * phases,
  };
}

/** The gradient of the input, which is also the transposed convolution; `pre` is the argument of an activation. */
export function backward(dy: Tensor, weight: Tensor, c: Convolution, epilogue: Epilogue, plan?: Partial<Plan>) {
  const axes = [inverseAxis(c, 0), inverseAxis(c, 1), inverseAxis(c, 2)] as const;
  const pick = (name: keyof ReturnType<typeof inverseAxis>): Three => [axes[0][name], axes[1][name], axes[2][name]];
  const [phases, outputs, taps] = [pick('phases'), pick('outputs'), pick('taps')];
  const images = pack(dy, c.groups, imagesOf(c.layout, c.groups, c.batch, c.channels.y, c.y), {
    ...{ size: pick('size'), offset: pick('offset'), every: pick('every') },
  });
  const kernels = pack(weight, c.groups, weightsOf(c, true), {
    ...{ size: taps, scale: pick('tapScale'), offset: pick('tapOffset'), phases },
  });
  const windows = { outputs, taps, stride: ONES, dilation: pick('step') };
  const { y, pre } = correlate(
    images,
    kernels,
    windows,
    { ...epilogue, bias: spreadBias(epilogue.bias, c, phases) },
    plan,
  );
  const back = (t: Tensor) => interleave(t, phases, pick('cut'), c);
  return { y: back(y), pre: pre && back(pre) };
}

/** A bias for each phase. */
function spreadBias(bias: Tensor | undefined, { groups, channels }: Convolution, phases: Three): Tensor | undefined {
  if (!bias || volume(phases) === 1) return bias;
  return broadcastTo(reshape(bias, [groups, 1, channels.x]), [groups, volume(phases), channels.x]);
}

/** [groups, N, D, H, W, phases C] as images of x, `cut` from where theirs begin. */
function interleave(t: Tensor, phases: Three, cut: Three, c: Convolution): Tensor {
  if (volume(phases) === 1) return toLayout(t, c.layout, c.shapes.x);
  const { groups, batch, channels, layout } = c;
  const outputs = t.shape.slice(2, 5);
  const apart = reshape(t, [groups * batch, ...outputs, ...phases, channels.x]);
  const sizes = phases.map((n, i) => n * (outputs[i] as number));
  const ranges = c.x.map((n, i) => [cut[i], (cut[i] as number) + n] as [number, number]);
  if (layout === 'nchw') {
    const whole = reshape(permute(apart, [0, 7, 1, 4, 2, 5, 3, 6]), [groups, batch, channels.x, ...sizes]);
    const images = slice(whole, [null, null, null, ...ranges]);
    return reshape(permute(images, [1, 0, 2, 3, 4, 5]), c.shapes.x);
  }
  const whole = reshape(permute(apart, [0, 1, 4, 2, 5, 3, 6, 7]), [groups, batch, ...sizes, channels.x]);
  return toLayout(slice(whole, [null, null, ...ranges]), layout, c.shapes.x);
}

/** The gradient of the weights: dw[g, k, c, t] = the sum over n and o of dy[g, n, k, o] x[g, n, c, o stride + t dilation - before]. */
export function weightGradient(x: Tensor, dy: Tensor, c: Convolution, plan?: Partial<Plan>): Tensor {
  const { groups, batch, kernel, stride, dilation } = c;
  const images = packInput(x, c);
  const slopes = pack(dy, groups, imagesOf(c.layout, groups, batch, c.channels.y, c.y), { size: c.y });
  const [of, at] = [stepsOf(slopes), stepsOf(images)];
  const [m, channels] = [slopes.shape.at(-1), images.shape.at(-1)] as [number, number];
  // Taps that are neighbours along W, and their channels, are one run of columns.
  const columns = dilation[2] === 1 ? kernel[2] : 1;
  const rows = kernel[2] / columns;
  const problem = contraction({
    outer: [
      [groups, batch * of.image, batch * at.image, 0],
      ...kernel.map(
        (size, i): BatchDim => [i === 2 ? rows : size, 0, (dilation[i] as number) * (at.along[i] as number), 0],
      ),
      [m, 1, 0, 0],
    ],
    inner: [
      [batch, of.image, at.image],
      ...c.y.map((size, i): RunDim => [size, of.along[i] as number, (stride[i] as number) * (at.along[i] as number)]),
    ],
    ...{ n: columns * channels, bN: 1, biasN: 0, shape: [groups, kernel[0], kernel[1], rows, m, columns, channels] },
  });
  const { y } = run(slopes, images, problem, { bias: undefined, activation: 'NONE', keepsPre: false }, plan);
  const real = slice(y, [null, null, null, null, [0, c.channels.y], null, [0, c.channels.x]]);
  return reshape(permute(real, [0, 4, 6, 1, 2, 3, 5]), c.shapes.weight);
}
