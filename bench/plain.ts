import {
  add,
  arange,
  concat,
  crossEntropy,
  embedding,
  gelu,
  lessEqual,
  matmul,
  mul,
  permute,
  reshape,
  sigmoid,
  slice,
  softmax,
  sub,
  type Tensor,
  tanh,
  vjp,
  where,
} from '../src/index.ts';
import { layerNormPlain } from '../src/ops/reference/norm.ts';
import type { Ops } from './ops.ts';

/** `Ops` in Fovea's ordinary ops. */
export const plainOps: Ops<Tensor> = {
  matmul: (a, b, transposeB = false) => matmul(a, b, { transposeB }),
  add,
  sub,
  mul,
  tanh,
  sigmoid,
  gelu: (x) => gelu(x),
  softmax: (x) => softmax(x),
  layerNorm: (x, weight, bias) => layerNormPlain(x, weight, bias, weight.shape, 1e-5),
  causal: (x) => {
    const [L, S] = x.shape.slice(-2) as [number, number];
    return where(lessEqual(arange(x.gpu, 0, S, 1, 'i32'), reshape(arange(x.gpu, 0, L, 1, 'i32'), [L, 1])), x, -3.4e38);
  },
  embedding,
  crossEntropy: (logits, target) => crossEntropy(logits, target),
  reshape,
  permute,
  slice: (x, axis, from, to) => slice(x, [...Array.from({ length: axis }, () => null), [from, to]]),
  concat: (xs, axis) => concat(xs, { axis }),
  shape: ({ shape }) => shape,
};

/** Makes of `f` a function of its inputs and of dy, which gives [y, gradients of <y, dy> by the first `wrt` inputs]; default all. */
export function backward(f: (...inputs: Tensor[]) => Tensor, wrt?: number): (...inputs: Tensor[]) => Tensor[] {
  return (...all) => {
    const inputs = all.slice(0, -1);
    const { outputs, grads } = vjp(() => f(...inputs), inputs.slice(0, wrt), all.slice(-1));
    return [...outputs, ...grads];
  };
}
