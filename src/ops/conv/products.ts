import { type Shape, sizeOf } from '../../host.ts';
import type { Tensor } from '../../tensor.ts';
import type { Plan } from '../linalg/plan.ts';
import { type BatchDim, contraction, type RunDim } from '../linalg/problem.ts';
import { type Epilogue, run } from '../linalg/run.ts';
import { broadcastTo, permute, reshape } from '../shape.ts';
import { slice } from '../slice.ts';
import type { ImageLayout, Three } from '../windows.ts';
import { correlateDepthwise, depthwiseWeights } from './depthwise.ts';
import type { Convolution } from './geometry.ts';
import { isDepthwise, ONES, packImages, packInput, packWeights, stepsOf, volume, type Windows } from './packed.ts';

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

/** The convolution, with what follows it; `pre` is the argument of its activation. */
export function forward(x: Tensor, weight: Tensor, c: Convolution, epilogue: Epilogue, plan?: Partial<Plan>) {
  const { kernel: taps, stride, dilation, layout, shapes } = c;
  const windows = { outputs: c.y, taps, stride, dilation };
  const [images, kernels] = [packInput(x, c), packWeights(weight, c, false, { size: taps })];
  const { y, pre } = isDepthwise(c)
    ? correlateDepthwise(images, kernels, c.groups, windows, epilogue)
    : correlate(images, kernels, windows, epilogue, plan);
  const back = (t: Tensor) => toLayout(t, layout, shapes.y);
  return { y: back(y), pre: pre && back(pre) };
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
  const images = packImages(dy, c, 'y', { size: pick('size'), offset: pick('offset'), every: pick('every') });
  const kernels = packWeights(weight, c, true, {
    size: taps,
    scale: pick('tapScale'),
    offset: pick('tapOffset'),
    phases,
  });
  const windows = { outputs, taps, stride: ONES, dilation: pick('step') };
  const { y, pre } = isDepthwise(c)
    ? correlateDepthwise(images, kernels, c.groups, windows, epilogue)
    : correlate(images, kernels, windows, { ...epilogue, bias: spreadBias(epilogue.bias, c, phases) }, plan);
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
  const { batch, layout } = c;
  const [groups, channels] = isDepthwise(c) ? [1, c.groups] : [c.groups, c.channels.x];
  const outputs = t.shape.slice(2, 5);
  const apart = reshape(t, [groups * batch, ...outputs, ...phases, channels]);
  const sizes = phases.map((n, i) => n * (outputs[i] as number));
  const ranges = c.x.map((n, i) => [cut[i], (cut[i] as number) + n] as [number, number]);
  if (layout === 'nchw') {
    const whole = reshape(permute(apart, [0, 7, 1, 4, 2, 5, 3, 6]), [groups, batch, channels, ...sizes]);
    const images = slice(whole, [null, null, null, ...ranges]);
    return reshape(permute(images, [1, 0, 2, 3, 4, 5]), c.shapes.x);
  }
  const whole = reshape(permute(apart, [0, 1, 4, 2, 5, 3, 6, 7]), [groups, batch, ...sizes, channels]);
  return toLayout(slice(whole, [null, null, ...ranges]), layout, c.shapes.x);
}

/** The gradient of the weights: dw[g, k, c, t] = the sum over n and o of dy[g, n, k, o] x[g, n, c, o stride + t dilation - before]. */
export function weightGradient(x: Tensor, dy: Tensor, c: Convolution, plan?: Partial<Plan>): Tensor {
  const { groups, batch, kernel, stride, dilation } = c;
  const images = packInput(x, c);
  const slopes = packImages(dy, c, 'y', { size: c.y });
  if (isDepthwise(c)) return depthwiseWeights(images, slopes, c);
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
