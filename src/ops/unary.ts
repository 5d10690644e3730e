import { record, recording } from '../autograd/tape.ts';
import { unaryBackward, unary as unaryKernel } from '../generated/kernels.ts';
import { ArgumentError } from '../runtime/errors.ts';
import { dispatch, grid } from '../runtime/kernel.ts';
import type { Tensor } from '../tensor.ts';
import { checkFloat } from './check.ts';
import { derivatives } from './reference/unary.ts';

type Op = keyof typeof unaryKernel.ops;

/** One run of unary.wgsl; `a` and `b` are the op's constants. */
function unary(name: string, op: Op, x: Tensor, a = 0, b = 0): Tensor {
  checkFloat(name, 'x', x);
  const { size } = x;
  const y = x.gpu.empty(x.shape, x.dtype, name);
  const OP = unaryKernel.ops[op];
  dispatch(x.gpu, unaryKernel, { x, y }, { size, a, b }, grid(size, 256), { OP });
  record({
    op: name,
    inputs: [x],
    outputs: [y],
    saved: [x, y],
    backward: ([dy], [x, y]) => {
      const [g, v, r] = [dy, x, y] as [Tensor, Tensor, Tensor];
      if (recording()) return [derivatives[op](g, v, r, a, b)];
      const dx = g.gpu.empty(g.shape, g.dtype, name);
      dispatch(g.gpu, unaryBackward, { dy: g, x: v, y: r, dx }, { size, a, b }, grid(size, 256), { OP });
      return [dx];
    },
    plain: 'composed',
  });
  return y;
}

/** -x. @param x any shape, f32 or f16. */
export const neg = (x: Tensor): Tensor => unary('neg', 'NEG', x);
/** |x|; the gradient at 0 is 0. @param x any shape, f32 or f16. */
export const abs = (x: Tensor): Tensor => unary('abs', 'ABS', x);
