// Keras's losses that are a cross entropy of logits: arguments by position, the configuration by name.
import { cast, crossEntropy, squeeze, type Tensor } from '../../../index.ts';
import { type Args, type Operators, Unsupported } from '../args.ts';

/** Fovea's loss takes logits; Keras's of probabilities clips them. */
function reductionOf(x: Args): 'mean' | 'sum' | 'none' {
  if (!x.flag('from_logits')) throw new Unsupported('probabilities in the place of logits');
  x.ignore('name');
  if (!x.given('reduction')) return 'none';
  const name = x.str('reduction', 'none');
  if (name === 'sum_over_batch_size') return 'mean';
  if (name !== 'sum' && name !== 'none') throw new Unsupported(`reduction ${name}`);
  return name;
}

function categorical(x: Args): Tensor {
  const reduction = reductionOf(x);
  const [target, logits] = [cast(x.t(0), 'f32'), x.t(1)];
  return crossEntropy(logits, target, {
    axis: x.num('axis', -1),
    labelSmoothing: x.num('label_smoothing', 0),
    reduction,
  });
}

/** Targets may have a last axis of size 1. */
function sparse(x: Args): Tensor {
  const reduction = reductionOf(x);
  const [target, logits] = [x.t(0), x.t(1)];
  const ignore = x.has('ignore_class') ? { ignoreIndex: x.num('ignore_class') } : {};
  const flat = target.rank === logits.rank ? squeeze(target, -1) : target;
  return crossEntropy(logits, flat, { axis: x.num('axis', -1), reduction, ...ignore });
}

export const losses: Operators = {
  CategoricalCrossentropy: categorical,
  SparseCategoricalCrossentropy: sparse,
  categorical_crossentropy: categorical,
  sparse_categorical_crossentropy: sparse,
};
