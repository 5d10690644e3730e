import type { RowSum } from '../../autograd/row_sum.ts';
import { record } from '../../autograd/tape.ts';
import {
  additiveScoresBackwardK,
  additiveScoresBackwardQ,
  additiveScores as additiveScoresKernel,
} from '../../generated/kernels.ts';
import { dispatch, grid } from '../../runtime/kernel.ts';
import type { Tensor } from '../../tensor.ts';
import { add } from '../binary.ts';
import { matmul } from '../matmul.ts';
import { sum } from '../reduce.ts';
import { rowSum } from '../row_sum.ts';
import { expandDims, reshape } from '../shape.ts';
import { pad } from '../slice.ts';
import { tanh } from '../unary.ts';

/** Invocations of a workgroup. */
const WG = 64;

/**
 * scores_bls = v . tanh(q_bl + k_bs), in one dispatch, without the [B, L, S, A] sums.
 *
 * @param q [B, L, A]
 * @param k [B, S, A]
 * @param v [A]
 * @returns [B, L, S]
 */
export function additiveScores(q: Tensor, k: Tensor, v: Tensor): Tensor {
  const past = (4 - (v.size % 4)) % 4;
  if (past === 0) return scores(q, k, v);
  // Zeros in all of them: tanh(0) 0 adds nothing.
  const rows = (x: Tensor) =>
    pad(x, [
      [0, 0],
      [0, 0],
      [0, past],
    ]);
  return scores(rows(q), rows(k), pad(v, [[0, past]]));
}

function scores(q: Tensor, k: Tensor, v: Tensor): Tensor {
  const { gpu, dtype } = q;
  const [b, l] = q.shape as [number, number];
  const s = k.shape[1] as number;
  const score = gpu.empty([b, l, s], dtype, 'additiveScores');
  dispatch(gpu, additiveScoresKernel, { q, k, v, score }, { b, l, s, a4: v.size / 4 }, grid(score.size, WG), { WG });
  record({
    op: 'additiveScores',
    inputs: [q, k, v],
    outputs: [score],
    saved: [q, k, v],
    backward: ([ds], [q, k, v]) => backward(ds as Tensor, q as Tensor, k as Tensor, v as Tensor),
    plain: (q, k, v) => plain(q as Tensor, k as Tensor, v as Tensor),
  });
  return score;
}

function backward(ds: Tensor, q: Tensor, k: Tensor, v: Tensor): (Tensor | RowSum | null)[] {
  const { gpu, dtype } = q;
  const [b, l, a] = q.shape as [number, number, number];
  const params = { b, l, s: k.shape[1] as number, a4: a / 4 };
  const dq = gpu.empty(q.shape, dtype, 'additiveScores');
  const dk = gpu.empty(k.shape, dtype, 'additiveScores');
  const dv = gpu.empty([b * l, a], dtype, 'additiveScores');
  const groups = (x: Tensor) => grid(x.size / 4, WG);
  dispatch(gpu, additiveScoresBackwardQ, { q, k, v, ds, dq, dv, dk }, params, groups(q), { WG, ONE: l === 1 });
  if (l !== 1) dispatch(gpu, additiveScoresBackwardK, { q, k, v, ds, dk }, params, groups(k), { WG });
  return [dq, dk, rowSum('bias', [dv], (dv) => sum(dv, { axis: 0 }))];
}

function plain(q: Tensor, k: Tensor, v: Tensor): Tensor {
  const sums = add(expandDims(q, 2), expandDims(k, 1));
  return reshape(matmul(tanh(sums), v), sums.shape.slice(0, 3));
}
