// ONNX's losses: classes along axis 1, a weight for each class, an index that is passed over.
import {
  crossEntropy,
  div,
  expandDims,
  gather,
  logSoftmax,
  mul,
  neg,
  notEqual,
  squeeze,
  sum,
  type Tensor,
  takeAlong,
  where,
} from '../../../index.ts';
import { type Args, type Operators, type Outputs, Unsupported } from '../args.ts';

/** An index that no class and no target has. */
const NONE = -1_000_000;

type Reduction = 'mean' | 'sum' | 'none';

function reductionOf(x: Args): Reduction {
  const name = x.str('reduction', 'mean');
  if (name !== 'mean' && name !== 'sum' && name !== 'none') throw new Unsupported(`reduction ${name}`);
  return name;
}

/** Losses of each place times the weight of its class; the mean is over the weights. */
function weighted(
  losses: Tensor,
  weight: Tensor | null,
  target: Tensor,
  ignored: number,
  reduction: Reduction,
): Tensor {
  const seen = notEqual(target, ignored);
  const weights = where(seen, weight ? gather(weight, target) : target.gpu.tensor([1]), 0);
  const scaled = mul(losses, weights);
  if (reduction === 'none') return scaled;
  return reduction === 'sum' ? sum(scaled) : div(sum(scaled), sum(weights));
}

function softmaxCrossEntropy(x: Args): Outputs {
  const [logits, target, weight] = [x.t(0), x.t(1), x.opt(2)];
  const reduction = reductionOf(x);
  const ignoreIndex = x.num('ignore_index', NONE);
  const loss = crossEntropy(logits, target, { axis: 1, ignoreIndex, reduction, ...(weight && { weight }) });
  return [loss, logSoftmax(logits, { axis: 1 })];
}

/** The input are logarithms already, of whatever: what stands at the target counts. */
function negativeLogLikelihood(x: Args): Tensor {
  const [logs, target, weight] = [x.t(0), x.t(1), x.opt(2)];
  const ignored = x.num('ignore_index', NONE);
  const taken = squeeze(takeAlong(logs, expandDims(target, 1), { axis: 1 }), 1);
  return weighted(neg(taken), weight, target, ignored, reductionOf(x));
}

export const losses: Operators = {
  SoftmaxCrossEntropyLoss: softmaxCrossEntropy,
  NegativeLogLikelihoodLoss: negativeLogLikelihood,
};
