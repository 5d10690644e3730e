import type { Tensor } from '../../tensor.ts';
import { add, mul, sub } from '../binary.ts';
import { cast } from '../cast.ts';
import { less } from '../compare.ts';
import { stack } from '../concat.ts';
import { arange } from '../create.ts';
import { matmul } from '../matmul.ts';
import type { SequenceOptions } from '../recurrent.ts';
import type { RnnOptions } from '../rnn.ts';
import { expandDims, reshape } from '../shape.ts';
import { slice } from '../slice.ts';
import { relu, sigmoid, tanh } from '../unary.ts';
import { where } from '../where.ts';

type Step = (gx: Tensor, h: Tensor) => Tensor;

/** `step` over time, with lengths and direction as the sequence kernels understand them. */
function loop(gx: Tensor, h0: Tensor, { lengths, reverse = false }: SequenceOptions, step: Step): Tensor[] {
  const T = gx.shape[1] as number;
  const ys: Tensor[] = [];
  let h = h0;
  for (let s = 0; s < T; s++) {
    const t = reverse ? T - 1 - s : s;
    const next = step(reshape(slice(gx, [null, [t, t + 1]]), [gx.shape[0] as number, gx.shape[2] as number]), h);
    const live = lengths && expandDims(less(arange(gx.gpu, t, t + 1, 1, lengths.dtype as 'u32'), lengths), 1);
    h = live ? where(live, next, h) : next;
    ys.push(live ? mul(h, cast(live, h.dtype)) : h);
  }
  return [stack(reverse ? ys.reverse() : ys, { axis: 1 }), h];
}

/** The definition of `gru` in ordinary ops. */
export function gruPlain(gx: Tensor, h0: Tensor, u: Tensor, bias: Tensor, options: SequenceOptions): Tensor[] {
  const H = h0.shape[1] as number;
  const part = (x: Tensor, gate: number) => slice(x, [null, [gate * H, (gate + 1) * H]]);
  return loop(gx, h0, options, (x, h) => {
    const gh = matmul(h, u, { transposeB: true, bias });
    const r = sigmoid(add(part(x, 0), part(gh, 0)));
    const z = sigmoid(add(part(x, 1), part(gh, 1)));
    const n = tanh(add(part(x, 2), mul(r, part(gh, 2))));
    return add(n, mul(z, sub(h, n)));
  });
}

/** The definition of `rnn` in ordinary ops. */
export function rnnPlain(gx: Tensor, h0: Tensor, u: Tensor, bias: Tensor, options: RnnOptions): Tensor[] {
  const activation = options.nonlinearity === 'relu' ? relu : tanh;
  return loop(gx, h0, options, (x, h) => activation(add(x, matmul(h, u, { transposeB: true, bias }))));
}
