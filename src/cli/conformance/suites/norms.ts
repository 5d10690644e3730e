// Normalisation as ONNX, WebNN, Keras and TensorFlow.js name it.
import {
  add,
  batchNorm,
  cast,
  groupNorm,
  instanceNorm,
  mean,
  mul,
  permute,
  reshape,
  rmsNorm,
  square,
  sub,
  type Tensor,
} from '../../../index.ts';
import { type Args, type Operators, type Outputs, Unsupported } from '../args.ts';

/** Running statistics are f32, whatever x is. */
const inF32 = (t: Tensor): Tensor => (t.dtype === 'f32' ? t : cast(t, 'f32'));

interface Statistics {
  readonly mean: Tensor;
  readonly variance: Tensor;
  readonly weight: Tensor | null;
  readonly bias: Tensor | null;
  readonly eps: number;
}

/** With given statistics, the channels along any axis. */
function byStatistics(x: Tensor, axis: number, { mean, variance, weight, bias, eps }: Statistics): Tensor {
  const at = axis < 0 ? axis + x.rank : axis;
  const size = (from: number, to: number) => x.shape.slice(from, to).reduce((a, b) => a * b, 1);
  const data = reshape(x, [size(0, at), x.shape[at] as number, size(at + 1, x.rank)]);
  const [runningMean, runningVar] = [inF32(mean), inF32(variance)];
  return reshape(batchNorm(data, { weight, bias, runningMean, runningVar, eps }), x.shape);
}

/** `f` of x with its channels moved from the last axis to the second. */
function channelsSecond(x: Tensor, f: (x: Tensor) => Tensor): Tensor {
  const axes = x.shape.map((_, i) => i);
  const [last, ...middle] = [x.rank - 1, ...axes.slice(1, -1)];
  return permute(f(permute(x, [0, last, ...middle])), [0, ...middle.map((i) => i + 1), 1]);
}

/** In training the running statistics come out as well, with the batch's variance divided by n. */
function onnxBatch(x: Args): Outputs {
  const data = x.t(0);
  const [weight, bias, oldMean, oldVariance] = [x.t(1), x.t(2), x.t(3), x.t(4)];
  const eps = x.num('epsilon', 1e-5);
  const kept = x.num('momentum', 0.9);
  x.only('spatial', 1).only('is_test', 1);
  if (!x.flag('training_mode'))
    return [byStatistics(data, 1, { mean: oldMean, variance: oldVariance, weight, bias, eps })];
  const axis = data.shape.flatMap((_, i) => (i === 1 ? [] : [i]));
  const middle = mean(data, { axis, keepDims: true });
  const variance = mean(square(sub(data, middle)), { axis });
  const mixed = (old: Tensor, fresh: Tensor) => add(mul(old, kept), mul(reshape(fresh, old.shape), 1 - kept));
  const y = batchNorm(data, { weight, bias, training: true, eps });
  return [y, mixed(oldMean, middle), mixed(oldVariance, variance)];
}

/** A weight for the last axes. */
const onnxRms = (x: Args): Tensor => rmsNorm(x.t(0), { weight: x.t(1), eps: x.num('epsilon', 1e-5) });

/** Before version 21 there was a weight a group. */
function onnxGroup(x: Args): Tensor {
  if (x.num('opset') < 21) throw new Unsupported('opset below 21');
  x.ignore('stash_type');
  return groupNorm(x.t(0), x.num('num_groups'), { weight: x.t(1), bias: x.t(2), eps: x.num('epsilon', 1e-5) });
}

export const onnxNorms: Operators = {
  BatchNormalization: onnxBatch,
  GroupNormalization: onnxGroup,
  InstanceNormalization: (x) => instanceNorm(x.t(0), { weight: x.t(1), bias: x.t(2), eps: x.num('epsilon', 1e-5) }),
  RMSNormalization: (x) => onnxRms(x.ignore('axis', 'stash_type')),
};

function webnnInstance(x: Args): Tensor {
  const options = { weight: x.opt('scale'), bias: x.opt('bias'), eps: x.num('epsilon', 1e-5) };
  const normalized = (t: Tensor) => instanceNorm(t, options);
  const input = x.t('input');
  return x.str('layout', 'nchw') === 'nhwc' ? channelsSecond(input, normalized) : normalized(input);
}

export const webnnNorms: Operators = {
  batchNormalization: (x) =>
    byStatistics(x.t('input'), x.num('axis', 1), {
      mean: x.t('mean'),
      variance: x.t('variance'),
      weight: x.opt('scale'),
      bias: x.opt('bias'),
      eps: x.num('epsilon', 1e-5),
    }),
  instanceNormalization: webnnInstance,
};

/** Keras's layers have gamma and beta where `scale` and `center` are set. */
const kerasAffine = (x: Args) => ({
  weight: x.ignore('scale', 'center').opt('gamma'),
  bias: x.opt('beta'),
  eps: x.num('epsilon'),
});

function kerasBatch(x: Args): Tensor {
  const data = x.t(0);
  x.only('renorm', false).ignore('momentum', 'synchronized', 'renorm_clipping', 'renorm_momentum');
  const options = kerasAffine(x);
  const [middle, variance] = [x.t('moving_mean'), x.t('moving_variance')];
  const axis = x.num('axis', -1);
  if (!x.flag('training')) return byStatistics(data, axis, { mean: middle, variance, ...options });
  return batchNorm(data, { ...options, training: true, layout: axis === 1 && data.rank > 2 ? 'nchw' : 'nhwc' });
}

function kerasGroup(x: Args): Tensor {
  const data = x.t(0);
  const axis = x.num('axis', -1);
  const at = axis < 0 ? axis + data.rank : axis;
  if (at !== 1 && at !== data.rank - 1) throw new Unsupported(`axis ${axis}`);
  const groups = x.num('groups');
  const options = kerasAffine(x);
  // -1 is a group a channel.
  const normalized = (t: Tensor) => groupNorm(t, groups === -1 ? (t.shape[1] as number) : groups, options);
  return at === 1 ? normalized(data) : channelsSecond(data, normalized);
}

export const kerasNormLayers: Operators = {
  BatchNormalization: kerasBatch,
  GroupNormalization: kerasGroup,
  RMSNormalization: (x) => rmsNorm(x.t(0), { weight: x.ignore('axis').t('scale'), eps: x.num('epsilon') }),
};

export const kerasNormFunctions: Operators = {
  batch_normalization: (x) =>
    byStatistics(x.t(0), x.num('axis'), {
      mean: x.t(1),
      variance: x.t(2),
      weight: x.opt('scale'),
      bias: x.opt('offset'),
      eps: x.num('epsilon', 1e-3),
    }),
  rms_normalization: (x) => rmsNorm(x.t(0), { weight: x.t(1), eps: 1e-6 }),
};

/** Statistics of the channels, which are last, or of each element: then each is a channel. */
function tfjsBatch(x: Args): Tensor {
  const data = x.t(0);
  const flat = (t: Tensor | null) => t && reshape(t, [t.size]);
  const [middle, variance, bias, weight] = [flat(x.t(1)), flat(x.t(2)), flat(x.opt(3)), flat(x.opt(4))];
  const statistics = { mean: middle as Tensor, variance: variance as Tensor, weight, bias, eps: x.num(5, 1e-3) };
  const channels = statistics.mean.size;
  return reshape(byStatistics(reshape(data, [data.size / channels, channels]), 1, statistics), data.shape);
}

export const tfjsNorms: Operators = Object.fromEntries(
  ['batchNorm', 'batchNorm2d', 'batchNorm3d', 'batchNorm4d'].map((name) => [name, tfjsBatch]),
);
