// Attention over the places or channels of an image, as in the reference implementations of the papers.
import {
  adaptiveAvgPool2d,
  adaptiveMaxPool2d,
  add,
  batchNorm,
  concat,
  conv1d,
  conv2d,
  expandDims,
  logsumexp,
  lpPool2d,
  matmul,
  max,
  maxPool2d,
  mean,
  mul,
  permute,
  relu,
  reshape,
  scaledDotProductAttention,
  sigmoid,
  type Tensor,
} from '../../../index.ts';
import { type Args, type Operators, type Outputs, Unsupported } from '../args.ts';
import { CONV } from './convs.ts';
import { forDimensions, MAX } from './pools.ts';

/** A convolution with a module's parameters. */
const convolved = (x: Args, name: string, t: Tensor): Tensor =>
  forDimensions(CONV, t)(t, x.t(`${name}.weight`), { bias: x.opt(`${name}.bias`) });

/** [B, C, ...] as rows of places, [B, N, C]. */
const places = (t: Tensor): Tensor => permute(reshape(t, [t.shape[0] as number, t.shape[1] as number, -1]), [0, 2, 1]);

/** Every place attends to all, its scores unscaled: the output as an image, and the weights [B, N, N]. */
function amongPlaces(query: Tensor, key: Tensor, value: Tensor) {
  const { output, weights } = scaledDotProductAttention(places(query), places(key), places(value), {
    scale: 1,
    returnWeights: true,
  });
  return {
    output: reshape(permute(output, [0, 2, 1]), [...value.shape.slice(0, 2), ...query.shape.slice(2)]),
    weights,
  };
}

function normalized(x: Args, name: string, t: Tensor, training = false): Tensor {
  const statistics = { runningMean: x.t(`${name}.running_mean`), runningVar: x.t(`${name}.running_var`) };
  const affine = { weight: x.t(`${name}.weight`), bias: x.t(`${name}.bias`) };
  return batchNorm(t, training ? { ...affine, training } : { ...affine, ...statistics });
}

/** Wang et al. 2018, https://arxiv.org/abs/1711.07971, embedded Gaussian; subsampled, keys and values are the maxima of 2 x 2 places of a frame. */
function nonLocal(x: Args): Outputs {
  const data = x.t('x');
  const fewer = x.flag('sub_sample');
  const windows = { kernelSize: data.rank === 5 ? [1, 2, 2] : 2 };
  const part = (name: string) =>
    fewer ? forDimensions(MAX, data)(convolved(x, `${name}.0`, data), windows) : convolved(x, name, data);
  const { output, weights } = amongPlaces(convolved(x, 'theta', data), part('phi'), part('g'));
  const y = x.flag('bn_layer') ? normalized(x, 'W.1', convolved(x, 'W.0', output)) : convolved(x, 'W', output);
  return [add(y, data), weights];
}

/** Zhang et al. 2019, https://arxiv.org/abs/1805.08318, wired as in the authors' code: a place of f attends to those of g. */
function sagan(x: Args): Outputs {
  const data = x.ignore('channels').t('x');
  const fewer = x.flag('subsample');
  const part = (name: string) => {
    const t = convolved(x, name, data);
    return fewer ? maxPool2d(t, { kernelSize: 2 }) : t;
  };
  const { output, weights } = amongPlaces(convolved(x, 'f', data), part('g'), part('h'));
  return [add(mul(convolved(x, 'o', output), x.t('gamma')), data), weights];
}

/** The mean of each channel, [B, C]. */
const squeezed = (t: Tensor): Tensor => mean(t, { axis: [2, 3] });
/** x times a number for each channel, or for each place. */
const gated = (t: Tensor, gate: Tensor): Tensor =>
  mul(t, gate.rank === 2 ? reshape(gate, [...gate.shape, 1, 1]) : gate);

/** Hu et al. 2018, https://arxiv.org/abs/1709.01507. */
function squeezeExcitation(x: Args): Tensor {
  const data = x.ignore('channel', 'reduction').t('x');
  const inner = relu(matmul(squeezed(data), x.t('fc.0.weight'), { transposeB: true }));
  return gated(data, sigmoid(matmul(inner, x.t('fc.2.weight'), { transposeB: true })));
}

/** Wang et al. 2020, https://arxiv.org/abs/1910.03151. */
function efficientChannels(x: Args): Tensor {
  const data = x.ignore('channel', 'k_size').t('x');
  const weight = x.t('conv.weight');
  const padding = ((weight.shape[2] as number) - 1) / 2;
  const scores = conv1d(expandDims(squeezed(data), 1), weight, { padding });
  return gated(data, sigmoid(reshape(scores, data.shape.slice(0, 2))));
}

const POOLS: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  avg: (x) => adaptiveAvgPool2d(x, 1),
  max: (x) => adaptiveMaxPool2d(x, 1),
  lp: (x) => lpPool2d(x, { kernelSize: x.shape.slice(2), p: 2 }),
  lse: (x) => logsumexp(x, { axis: [2, 3] }),
};

/** Woo et al. 2018, https://arxiv.org/abs/1807.06521: channels, then places. */
function blockAttention(x: Args): Tensor {
  const data = x.ignore('gate_channels', 'reduction_ratio').t('x');
  const training = x.str('bn').startsWith('train');
  const layer = (name: string, t: Tensor) =>
    matmul(t, x.t(`ChannelGate.mlp.${name}.weight`), { transposeB: true, bias: x.t(`ChannelGate.mlp.${name}.bias`) });
  const names = (x.raw('pool_types') ?? ['avg', 'max']) as readonly string[];
  const scores = names.map((name) => {
    const pool = POOLS[name];
    if (!pool) throw new Unsupported(`pool_types ${name}`);
    return layer('3', relu(layer('1', reshape(pool(data), data.shape.slice(0, 2)))));
  });
  const byChannel = gated(data, sigmoid(scores.reduce((a, b) => add(a, b))));
  if (x.flag('no_spatial')) return byChannel;
  const along = { axis: 1, keepDims: true } as const;
  const both = concat([max(byChannel, along), mean(byChannel, along)], { axis: 1 });
  const weight = x.t('SpatialGate.spatial.conv.weight');
  const padding = ((weight.shape[2] as number) - 1) / 2;
  const seen = conv2d(both, weight, { padding });
  return gated(byChannel, sigmoid(normalized(x, 'SpatialGate.spatial.bn', seen, training)));
}

export const visualAttention: Operators = {
  NonLocal: nonLocal,
  SAGAN: sagan,
  SE: squeezeExcitation,
  ECA: efficientChannels,
  CBAM: blockAttention,
};
