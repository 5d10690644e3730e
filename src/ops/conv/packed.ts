import { convPack } from '../../generated/kernels.ts';
import { dispatch, grid } from '../../runtime/kernel.ts';
import type { Tensor } from '../../tensor.ts';
import type { ImageLayout, Three } from '../windows.ts';
import type { Convolution } from './geometry.ts';

const WG = 64;
export const ONES: Three = [1, 1, 1];
const NONE: Three = [0, 0, 0];
export const four = (n: readonly number[]) => [...n, 0];
export const volume = (n: Three) => n[0] * n[1] * n[2];

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
export interface Packing {
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
  dispatch(x.gpu, convPack, { x, out }, params, grid(count, WG), { WG, SPREAD: every.some((n) => n > 1) });
  return out;
}

/** The windows that a product reads. */
export interface Windows {
  readonly outputs: Three;
  readonly taps: Three;
  readonly stride: Three;
  readonly dilation: Three;
}

/** The steps of a packed tensor of [.., N, D, H, W, C]: of an image, and along D, H and W. */
export function stepsOf({ shape }: Tensor): { image: number; along: Three } {
  const [d, h, w, c] = shape.slice(-4) as [number, number, number, number];
  return { image: d * h * w * c, along: [h * w * c, w * c, c] };
}

/** Whether each channel meets only itself, for which there are kernels of their own: all channels are then packed side by side, as if they were of one group. */
export const isDepthwise = ({ groups, channels }: Convolution) => groups > 1 && channels.x === 1 && channels.y === 1;

export function packImages(t: Tensor, c: Convolution, of: 'x' | 'y', packing: Packing): Tensor {
  const [groups, channels] = isDepthwise(c) ? [1, c.groups] : [c.groups, c.channels[of]];
  return pack(t, groups, imagesOf(c.layout, groups, c.batch, channels, c[of]), packing);
}

/** The images of a convolution's input, with as much around them as its windows reach. */
export function packInput(x: Tensor, c: Convolution): Tensor {
  const reach = (i: number) =>
    ((c.y[i] as number) - 1) * (c.stride[i] as number) + (c.dilation[i] as number) * ((c.kernel[i] as number) - 1) + 1;
  const { before } = c;
  return packImages(x, c, 'x', { size: [reach(0), reach(1), reach(2)], offset: [-before[0], -before[1], -before[2]] });
}

/** Weights packed as images: one for each output channel, or where `swapped` for each input channel. */
export function packWeights(weight: Tensor, c: Convolution, swapped: boolean, packing: Packing): Tensor {
  const { groups, channels, kernel } = c;
  const taps = volume(kernel);
  const strides: Three = [kernel[1] * kernel[2], kernel[2], 1];
  const view = { sizes: kernel, strides };
  if (isDepthwise(c))
    return pack(weight, 1, { ...view, channels: groups, batch: 1, group: 0, image: 0, channel: taps }, packing);
  const row = channels.x * taps;
  const group = channels.y * row;
  const rows = { ...view, channels: channels.x, batch: channels.y, group, image: row, channel: taps };
  return pack(
    weight,
    groups,
    swapped ? { ...rows, channels: channels.y, batch: channels.x, image: taps, channel: row } : rows,
    packing,
  );
}
