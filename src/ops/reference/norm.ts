import { type Shape, sizeOf } from '../../host.ts';
import type { Tensor } from '../../tensor.ts';
import { add, div, mul, sub } from '../binary.ts';
import { cast } from '../cast.ts';
import type { ChannelView } from '../norm/channels.ts';
import { mean } from '../reduce.ts';
import { reshape } from '../shape.ts';
import { sqrt, square } from '../unary.ts';

/** The definition of `layerNorm`. */
export function layerNormPlain(
  x: Tensor,
  weight: Tensor | undefined,
  bias: Tensor | undefined,
  shape: Shape,
  eps: number,
): Tensor {
  const options = { axis: shape.map((_, i) => i - shape.length), keepDims: true };
  const centred = sub(x, mean(x, options));
  const normal = div(centred, sqrt(add(mean(square(centred), options), eps)));
  const scaled = weight ? mul(normal, weight) : normal;
  return bias ? add(scaled, bias) : scaled;
}

/** The definition of `rmsNorm`. */
export function rmsNormPlain(x: Tensor, weight: Tensor | undefined, shape: Shape, eps: number): Tensor {
  const options = { axis: shape.map((_, i) => i - shape.length), keepDims: true };
  const normal = div(x, sqrt(add(mean(square(x), options), eps)));
  return weight ? mul(normal, weight) : normal;
}

/** The definition of `groupNorm`; of `instanceNorm` with a group a channel. */
export function groupNormPlain(
  x: Tensor,
  weight: Tensor | undefined,
  bias: Tensor | undefined,
  groups: number,
  eps: number,
): Tensor {
  const [N, C, ...rest] = x.shape as [number, number, ...number[]];
  const cols = (C / Math.max(groups, 1)) * sizeOf(rest);
  const normal = reshape(layerNormPlain(reshape(x, [N, groups, cols]), undefined, undefined, [cols], eps), x.shape);
  const perChannel = (t: Tensor) => reshape(t, [C, ...rest.map(() => 1)]);
  const scaled = weight ? mul(normal, perChannel(weight)) : normal;
  return bias ? add(scaled, perChannel(bias)) : scaled;
}

/** The definition of `batchNorm`; with the mean and variance of the batch where none are given. */
export function batchNormPlain(
  x: Tensor,
  weight: Tensor | undefined,
  bias: Tensor | undefined,
  { outer, channels, inner }: ChannelView,
  eps: number,
  running: { readonly mean?: Tensor | undefined; readonly variance?: Tensor | undefined },
): Tensor {
  const perChannel = (t: Tensor) => reshape(cast(t, x.dtype), [channels, 1]);
  const options = { axis: [0, 2], keepDims: true };
  const data = reshape(x, [outer, channels, inner]);
  const centred = sub(data, running.mean ? perChannel(running.mean) : mean(data, options));
  const variance = running.variance ? perChannel(running.variance) : mean(square(centred), options);
  const normal = div(centred, sqrt(add(variance, eps)));
  const scaled = weight ? mul(normal, perChannel(weight)) : normal;
  return reshape(bias ? add(scaled, perChannel(bias)) : scaled, x.shape);
}
