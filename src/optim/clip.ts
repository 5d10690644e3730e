import type { TensorTree } from '../autograd/tape.ts';
import { clip, tick } from '../generated/kernels.ts';
import { dispatch, grid } from '../runtime/kernel.ts';
import { scope } from '../runtime/scope.ts';
import type { Tensor } from '../tensor.ts';
import { Layout, type PackPlan, planPack } from './flat.ts';
import { checkOption } from './optimizer.ts';
import { checkTensors, named, rebuild } from './tree.ts';

/**
 * Gradients scaled so that their norm, taken over all of them together, is at most `maxNorm`: by min(1, maxNorm / (norm + 1e-6)), as PyTorch
 * does. An optimiser's option `clipNorm` does the same with less work. Not differentiable.
 *
 * @param grads   f32 tensors in arrays and records as wished; they stay as they are
 * @param maxNorm > 0
 * @param plan    instead of the planner's choice
 * @returns `grads`, new tensors in the same structure, and `norm`, f32[], what it was before
 * @throws DTypeError for other dtypes; ArgumentError
 */
export function clipGradNorm<T extends TensorTree>(
  grads: T,
  maxNorm: number,
  plan?: PackPlan,
): { grads: T; norm: Tensor } {
  const entries = named(grads);
  checkTensors('clipGradNorm', 'grads', entries);
  checkOption('clipGradNorm', 'maxNorm', maxNorm, maxNorm > 0, '> 0');
  const tensors = entries.map(([, t]) => t);
  const { gpu } = tensors[0] as Tensor;
  const sizes = tensors.map((t) => t.size);
  const layout = new Layout(sizes, plan ?? planPack(gpu, sizes));
  const { total, sums } = layout;
  return scope(() => {
    const flat = gpu.empty([total + 4 * sums], 'f32', 'clipGradNorm');
    const out = gpu.empty([total], 'f32', 'clipGradNorm');
    const scalars = gpu.empty([8]); // but for the norm and the factor of no interest here, like the count of steps
    const steps = gpu.empty([1], 'u32');
    layout.pack(tensors, flat, true);
    const params = {
      sums_at: total / 4,
      sum_count: sums,
      max_norm: maxNorm,
      log_beta1: -1,
      log_beta2: -1,
      dampening: 0,
    };
    dispatch(gpu, tick, { flat, steps, scalars }, params, 1, { CLIPPING: true, WG: layout.plan.WG });
    dispatch(gpu, clip, { scalars, flat, out }, { count: total / 4 }, grid(total / 4, 256));
    const views = tensors.map((t, i) => out.reinterpret('f32', t.shape, 4 * (layout.offsets[i] as number)));
    return { grads: rebuild(grads, views[Symbol.iterator]()) as T, norm: scalars.reinterpret('f32', []) };
  });
}
