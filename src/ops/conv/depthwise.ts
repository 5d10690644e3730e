import { convDepthwise, convDepthwiseWeights } from '../../generated/kernels.ts';
import { dispatch, grid } from '../../runtime/kernel.ts';
import type { Tensor } from '../../tensor.ts';
import { cast } from '../cast.ts';
import type { Epilogue } from '../linalg/run.ts';
import { sum } from '../reduce.ts';
import { LONGEST_RUN } from '../row_plan.ts';
import { permute, reshape } from '../shape.ts';
import { slice } from '../slice.ts';
import { gelu, silu } from '../unary.ts';
import type { Convolution } from './geometry.ts';
import { four, stepsOf, volume, type Windows } from './packed.ts';

const WG = 64;

/** As `correlate`, where each channel meets only itself: images [1, 1, N, D, H, W, C] and kernels [1, phases, 1, taps, C] to [1, N, D', H', W', phases channels]. */
export function correlateDepthwise(
  images: Tensor,
  kernels: Tensor,
  channels: number,
  windows: Windows,
  { bias, activation, keepsPre }: Epilogue,
): { y: Tensor; pre: Tensor | null } {
  const { gpu, dtype } = images;
  const { outputs, taps, stride, dilation } = windows;
  const [batch, padded] = [images.shape[2], images.shape.at(-1)] as [number, number];
  const phases = kernels.shape[1] as number;
  const { image, along } = stepsOf(images);
  const [quads, blocksW] = [padded / 4, Math.ceil(outputs[2] / 4)];
  const count = batch * outputs[0] * outputs[1] * blocksW * phases * quads;
  const params = {
    ...{ count, quads, phases, blocksW, channels, taps: volume(taps), image: image / 4 },
    ...{ outputs: four(outputs), kernel: four(taps), stride: four(stride), dilation: four(dilation) },
    steps: four(along.map((n) => n / 4)),
  };
  const out = gpu.empty([batch, ...outputs, phases, padded], dtype, 'conv');
  const step = stride[2] / dilation[2];
  const WRITTEN = taps[2] === 3 && (step === 1 || step === 2);
  const constants = {
    ...{ WG, BIAS: bias !== undefined, ACTIVATION: convDepthwise.ops[keepsPre ? 'NONE' : activation] },
    ...{ WRITTEN, STEP: WRITTEN ? step : 1, SQUARE: WRITTEN && taps[0] === 1 && taps[1] === 3 },
  };
  const buffers = { images, kernels, bias: bias ?? kernels, out };
  dispatch(gpu, convDepthwise, buffers, params, grid(count, WG), constants);
  const real = slice(out, [null, null, null, null, null, [0, channels]]);
  const y = reshape(real, [1, batch, ...outputs, phases * channels]);
  if (!keepsPre) return { y, pre: null };
  return { y: activation === 'GELU' ? gelu(y) : silu(y), pre: y };
}

/** The gradient of the weights [channels, 1, taps], from images and slopes that are packed side by side. */
export function depthwiseWeights(images: Tensor, slopes: Tensor, c: Convolution): Tensor {
  const { gpu, dtype } = images;
  const { kernel, stride, dilation, y, batch, shapes } = c;
  const [padded, taps, rows] = [images.shape.at(-1) as number, volume(kernel), batch * y[0] * y[1]];
  const { image, along } = stepsOf(images);
  // Enough parts to fill a device, and none longer than a CPU may walk over.
  const parts = Math.max(Math.ceil((rows * y[2]) / LONGEST_RUN), Math.floor(4096 / (taps * padded)), 1);
  const chunk = Math.max(1, Math.ceil(rows / parts));
  const chunks = Math.max(1, Math.ceil(rows / chunk));
  const params = {
    ...{ chunks, chunk, rows, outputs: y[2], taps, quads: padded / 4, image: image / 4, d: y[0], h: y[1] },
    ...{ kernel: four(kernel), stride: four(stride), dilation: four(dilation), steps: four(along.map((n) => n / 4)) },
  };
  const sums = gpu.empty([chunks, taps, padded], 'f32', 'conv');
  dispatch(gpu, convDepthwiseWeights, { images, slopes, sums }, params, grid(sums.size / 4, WG), { WG });
  const total = slice(sum(sums, { axis: 0 }), [null, [0, c.groups]]);
  return reshape(cast(permute(total, [1, 0]), dtype), shapes.weight);
}
