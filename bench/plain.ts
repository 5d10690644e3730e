import {
  add,
  arange,
  concat,
  crossEntropy,
  embedding,
  gelu,
  lessEqual,
  matmul,
  maximum,
  mul,
  pad,
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
import type { ConvWindows, Ops } from './ops.ts';

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
  band: (x, left, right) => {
    const [L, S] = x.shape.slice(-2) as [number, number];
    const key = arange(x.gpu, 0, S, 1, 'i32');
    const last = reshape(arange(x.gpu, right, L + right, 1, 'i32'), [L, 1]);
    const seen = where(lessEqual(key, last), x, -3.4e38);
    return left === Infinity ? seen : where(lessEqual(sub(last, left + right), key), seen, -3.4e38);
  },
  embedding,
  crossEntropy: (logits, target) => crossEntropy(logits, target),
  reshape,
  permute,
  slice: (x, axis, from, to) => slice(x, [...Array.from({ length: axis }, () => null), [from, to]]),
  concat: (xs, axis) => concat(xs, { axis }),
  conv2d,
  pool2d,
  shape: ({ shape }) => shape,
};

/** For each tap of windows of `taps` x `taps`, what all windows have there. */
function* taps(x: Tensor, size: number, stride: number): Generator<Tensor> {
  const [H, W] = x.shape.slice(2) as [number, number];
  const last = (n: number) => Math.floor((n - size) / stride) * stride + 1;
  for (let i = 0; i < size; i++)
    for (let j = 0; j < size; j++) yield slice(x, [null, null, [i, i + last(H), stride], [j, j + last(W), stride]]);
}

/** The sum over taps of the products of their weights with what they meet. */
function conv2d(x: Tensor, w: Tensor, { stride, padding, groups }: ConvWindows): Tensor {
  const [K, C, size] = w.shape as [number, number, number];
  const around = pad(x, [
    [0, 0],
    [0, 0],
    [padding, padding],
    [padding, padding],
  ]);
  const weights = reshape(w, [groups, K / groups, C, size * size]);
  let [sum, tap]: [Tensor | null, number] = [null, 0];
  let shape: readonly number[] = [];
  for (const met of taps(around, size, stride)) {
    const [N, , H, W] = met.shape as [number, number, number, number];
    const part = reshape(slice(weights, [null, null, null, [tap, ++tap]]), [groups, K / groups, C]);
    const product = matmul(part, reshape(met, [N, groups, C, H * W]));
    sum = sum ? add(sum, product) : product;
    shape = [N, K, H, W];
  }
  return reshape(sum as Tensor, shape);
}

function pool2d(kind: 'max' | 'mean', x: Tensor, size: number, stride: number): Tensor {
  const all = [...taps(x, size, stride)].reduce((a, b) => (kind === 'max' ? maximum(a, b) : add(a, b)));
  return kind === 'max' ? all : mul(all, 1 / size ** 2);
}

/** Makes of `f` a function of its inputs and of dy, which gives [y, gradients of <y, dy> by the first `wrt` inputs]; default all. */
export function backward(f: (...inputs: Tensor[]) => Tensor, wrt?: number): (...inputs: Tensor[]) => Tensor[] {
  return (...all) => {
    const inputs = all.slice(0, -1);
    const { outputs, grads } = vjp(() => f(...inputs), inputs.slice(0, wrt), all.slice(-1));
    return [...outputs, ...grads];
  };
}
