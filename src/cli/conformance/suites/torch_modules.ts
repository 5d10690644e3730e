// Modules of torch.nn and of papers, run by PyTorch in f64: outputs, and gradients for the upstream gradient cos(0), cos(1), ...
import {
  add,
  additiveAttention,
  crossEntropy,
  logSoftmax,
  logsumexp,
  reshape,
  scaledDotProductAttention,
  softmax,
  type Tensor,
  vjp,
} from '../../../index.ts';
import { Args, apply, type Operators, type Outputs, Unsupported } from '../args.ts';
import type { HostTensor, JsonObject } from '../case.ts';
import type { Check, Suite } from '../suite.ts';
import { torchMultihead } from './multi_head.ts';
import { torchPools } from './pools.ts';
import { torchTolerance, upstream } from './torch_grads.ts';
import { recurrent } from './torch_recurrent.ts';
import { visualAttention } from './visual_attention.ts';

type Tensors = { readonly [name: string]: HostTensor };

interface ModuleCase {
  /** The module's name, from the name of its file. */
  readonly module: string;
  readonly case: string;
  readonly config: JsonObject;
  readonly inputs: Tensors;
  /** Masks and indices: what has no gradient. */
  readonly fixed: Tensors;
  readonly params: Tensors;
  readonly buffers: Tensors;
  readonly outputs: readonly HostTensor[];
  /** By input, and by parameter as `param.NAME`. */
  readonly grads: Tensors;
  readonly f32_err: { readonly outputs: readonly number[]; readonly grads: { readonly [name: string]: number } };
}

/** Key masks are true where attention may look. */
function additive(x: Args): Outputs {
  const v = x.t('v.weight');
  const mask = x.opt('mask');
  const options = {
    wq: x.t('Wq.weight'),
    wk: x.t('Wk.weight'),
    v: reshape(v, [v.size]),
    ...(mask && { mask }),
    returnWeights: true,
  } as const;
  const { output, weights } = additiveAttention(x.t('q'), x.t('k'), x.t('v'), options);
  return [output, weights];
}

function dotProduct(x: Args): Tensor {
  x.ignore('enable_gqa').only('mask_true_means', 'attend');
  const mask = x.opt('mask');
  return scaledDotProductAttention(x.t('q'), x.t('k'), x.t('v'), {
    isCausal: x.flag('is_causal'),
    ...(mask && { mask }),
    ...(x.has('scale') && { scale: x.num('scale') }),
  });
}

function classLoss(x: Args): Tensor {
  return crossEntropy(x.t('x'), x.t('target'), {
    ignoreIndex: x.num('ignore_index', -100),
    labelSmoothing: x.num('label_smoothing', 0),
    ...(x.has('weight') && { weight: x.t('weight') }),
  });
}

const MODULES: Operators = {
  CrossEntropy: classLoss,
  // One case adds -Infinity where nothing is to be seen.
  Softmax: (x) => softmax(x.has('bias') ? add(x.t('x'), x.t('bias')) : x.t('x'), { axis: x.num('axis') }),
  LogSoftmax: (x) => logSoftmax(x.t('x'), { axis: x.num('axis') }),
  LogSumExp: (x) => logsumexp(x.t('x'), { axis: x.num('axis') }),
  AdditiveAttention: additive,
  SDPA: dotProduct,
  MultiheadAttention: torchMultihead,
  ...visualAttention,
  ...recurrent,
  ...torchPools,
};

export const runTorchModule: Suite = (gpu, body): Check[] => {
  const c = body as ModuleCase;
  const tensors = { ...c.inputs, ...c.fixed, ...c.buffers, ...c.params };
  // Which of two modules a case is about stands in its name alone.
  const kind = c.module === 'AdaptivePool2d' ? [['kind', c.case.split(' ')[0] as string] as const] : [];
  const args = new Args(gpu, [...Object.entries(tensors), ...Object.entries(c.config), ...kind], {
    wanted: c.outputs.map(() => true),
  });
  const names = Object.keys(c.grads);
  const run = () => apply(MODULES, c.module, args);
  const outputs = run();
  const checks: Check[] = c.outputs.map((want, i) => {
    const got = outputs[i];
    if (!got) throw new Unsupported(`${c.module} with output ${i}`);
    return { result: `output ${i}`, got, want, tolerance: torchTolerance(want, c.f32_err.outputs[i] ?? 0) };
  });
  const wrt = names.map((name) => args.t(name.replace(/^param\./, '')));
  const { grads } = vjp(() => run()[0] as Tensor, wrt, [upstream(gpu, outputs[0] as Tensor)]);
  names.forEach((name, i) => {
    const want = c.grads[name] as HostTensor;
    checks.push({
      result: `gradient of ${name}`,
      got: grads[i] as Tensor,
      want,
      tolerance: torchTolerance(want, c.f32_err.grads[name] ?? 0),
    });
  });
  args.dispose();
  return checks;
};
