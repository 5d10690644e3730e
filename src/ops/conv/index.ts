import { record, recording } from '../../autograd/tape.ts';
import { scope } from '../../runtime/scope.ts';
import type { Tensor } from '../../tensor.ts';
import { checkFloat, checkSameDType, checkShape } from '../check.ts';
import {
  ACTIVATIONS,
  type Activation,
  activate,
  checkActivation,
  needsArgument,
  throughActivation,
} from '../linalg/activation.ts';
import type { Plan } from '../linalg/plan.ts';
import { matmul } from '../matmul.ts';
import { sum } from '../reduce.ts';
import { reshape } from '../shape.ts';
import { type Convolution, type ConvWindows, convolution, type TransposedWindows, transposed } from './geometry.ts';
import { backward, forward, weightGradient } from './products.ts';

interface Following {
  /** [out], of the dtype of x. */
  readonly bias?: Tensor | null;
  /** Applied to the result; default 'none'. */
  readonly activation?: Activation;
  /** @internal In place of the planner's choices, for all three products. */
  readonly plan?: Partial<Plan>;
}

export interface ConvOptions extends ConvWindows, Following {}
export interface ConvTransposeOptions extends TransposedWindows, Following {}

/** A convolution (`forward`) or a transposed one (`backward`): linear in x and in the weights, and each the gradient of the other. */
function convolve(
  op: string,
  compute: typeof forward,
  x: Tensor,
  weight: Tensor,
  c: Convolution,
  following: Following,
): Tensor {
  const { bias, activation = 'none', plan } = following;
  const keepsPre = recording() && needsArgument(activation);
  const epilogue = { bias: bias ?? undefined, activation: ACTIVATIONS[activation], keepsPre };
  return scope(() => {
    const { y, pre } = compute(x, weight, c, epilogue, plan);
    record({
      op,
      inputs: bias ? [x, weight, bias] : [x, weight],
      outputs: [y],
      saved: activation === 'none' ? [x, weight] : [x, weight, pre ?? y],
      backward: ([dy], [x, weight, kept], [needsX, needsWeight, needsBias]) => {
        const [v, w] = [x, weight] as [Tensor, Tensor];
        const d = kept ? throughActivation(dy as Tensor, kept, activation) : (dy as Tensor);
        const [isForward, back] = compute === forward ? [true, backward] : [false, forward];
        const dx = needsX ? convolve(`gradient of ${op}`, back, d, w, c, { ...(plan && { plan }) }) : null;
        const dweight = needsWeight ? weightsFrom(op, isForward ? v : d, isForward ? d : v, c, plan) : null;
        if (!bias) return [dx, dweight];
        return [dx, dweight, needsBias ? sum(d, { axis: allButChannels(d, c) }) : null];
      },
      plain:
        activation === 'none'
          ? 'composed'
          : (x, weight, bias) => {
              const y = convolve(op, compute, x as Tensor, weight as Tensor, c, { bias: bias ?? null });
              return activate(activation, y);
            },
    });
    return y;
  });
}

/** The gradient of the weights, linear in x and in dy. */
function weightsFrom(op: string, x: Tensor, dy: Tensor, c: Convolution, plan: Following['plan']): Tensor {
  const label = `gradient of ${op}`;
  return scope(() => {
    const dweight = weightGradient(x, dy, c, plan);
    record({
      op: label,
      inputs: [x, dy],
      outputs: [dweight],
      saved: [x, dy],
      backward: ([g], [x, dy], [needsX, needsDy]) => [
        needsX ? convolve(label, backward, dy as Tensor, g as Tensor, c, { ...(plan && { plan }) }) : null,
        needsDy ? convolve(label, forward, x as Tensor, g as Tensor, c, { ...(plan && { plan }) }) : null,
      ],
      plain: 'composed',
    });
    return dweight;
  });
}

/** Where the channels of images are. */
const channelAxis = (t: Tensor, { layout, shapes }: Convolution) =>
  layout === 'nchw' ? t.rank - shapes.weight.length + 1 : t.rank - 1;

const allButChannels = (t: Tensor, c: Convolution) => t.shape.map((_, i) => i).filter((i) => i !== channelAxis(t, c));

/** One tap that meets each position once: a matrix product where x is. */
function isProduct(c: Convolution): boolean {
  const ones = [...c.kernel, ...c.stride].every((n) => n === 1);
  return ones && c.x.join() === c.y.join() && (c.layout === 'nchw' || c.groups === 1);
}

function pointwise(x: Tensor, weight: Tensor, c: Convolution, { bias, activation = 'none', plan }: Following): Tensor {
  const { groups, batch, channels, shapes } = c;
  const options = { activation, ...(plan && { ...(plan && { plan }) }) };
  const [rows, columns] = [channels.y, channels.x];
  if (c.layout === 'nhwc')
    return matmul(x, reshape(weight, [rows, columns]), { ...options, transposeB: true, ...(bias && { bias }) });
  const positions = c.x[0] * c.x[1] * c.x[2];
  return scope(() => {
    const y = matmul(reshape(weight, [groups, rows, columns]), reshape(x, [batch, groups, columns, positions]), {
      ...options,
      ...(bias && { bias: reshape(bias, [groups, rows, 1]) }),
    });
    return reshape(y, shapes.y);
  });
}

function check(op: string, x: Tensor, weight: Tensor, { bias, activation = 'none' }: Following): void {
  checkFloat(op, 'x', x);
  checkSameDType(op, bias ? { x, weight, bias } : { x, weight });
  checkActivation(op, activation);
}

function checkBias(op: string, bias: Tensor | null | undefined, channels: number): void {
  if (bias) checkShape(op, 'bias', bias, [channels]);
}

type Conv = (x: Tensor, weight: Tensor, options?: ConvOptions) => Tensor;
type ConvTranspose = (x: Tensor, weight: Tensor, options?: ConvTransposeOptions) => Tensor;

function conv(dims: number): Conv {
  const op = `conv${dims}d`;
  return (x, weight, options = {}) => {
    check(op, x, weight, options);
    const c = convolution(op, x, weight, dims, options);
    checkBias(op, options.bias, c.groups * c.channels.y);
    return isProduct(c) ? pointwise(x, weight, c, options) : convolve(op, forward, x, weight, c, options);
  };
}

function convTranspose(dims: number): ConvTranspose {
  const op = `convTranspose${dims}d`;
  return (x, weight, options = {}) => {
    check(op, x, weight, options);
    const c = transposed(op, x, weight, dims, options);
    checkBias(op, options.bias, c.groups * c.channels.x);
    return convolve(op, backward, x, weight, c, options);
  };
}

/**
 * Convolution (in fact correlation): y[n, k, o] = activation(bias[k] + sum over channels c and taps t of x[n, c, o stride + t dilation - padding] weight[k, c, t]), as in
 * PyTorch. Sums are f32 also for f16. For how it is computed see docs/kernels/convolution.md.
 *
 * @param x       [N, C, W] or [C, W], f32 or f16; with `layout: 'nhwc'` [N, W, C] or [W, C]
 * @param weight  [out, C / groups, taps], of the same dtype, in either layout
 * @param options `stride`, `padding`, `dilation`, `groups`; `bias`, [out]; `activation`: none (default), relu, tanh, sigmoid, gelu (exact) or silu
 * @returns `out` channels of floor((W + padding - dilation (taps - 1) - 1) / stride) + 1
 * @throws ShapeError where shapes do not fit or the kernel is larger than the padded input; DTypeError; ArgumentError
 */
export const conv1d: Conv = /* @__PURE__ */ conv(1);
/** `conv1d` over H and W of [N, C, H, W]; the weight is [out, C / groups, H taps, W taps]. */
export const conv2d: Conv = /* @__PURE__ */ conv(2);
/** `conv1d` over D, H and W of [N, C, D, H, W]; the weight is [out, C / groups, D taps, H taps, W taps]. */
export const conv3d: Conv = /* @__PURE__ */ conv(3);

/**
 * Transposed convolution, the gradient of `conv1d` by its input: y[n, k, i] = activation(bias[k] + the sum of x[n, c, o] weight[c, k, t] over all channels c, positions o and
 * taps t with o stride + t dilation = i + padding), as in PyTorch.
 *
 * @param x       [N, C, W] or [C, W], f32 or f16; with `layout: 'nhwc'` [N, W, C] or [W, C]
 * @param weight  [C, out / groups, taps], of the same dtype, in either layout
 * @param options `stride`, `padding` (what the output is cut by), `outputPadding`, `dilation`, `groups`; `bias`, [out]; `activation` as in `conv1d`
 * @returns `out` channels of (W - 1) stride - padding + dilation (taps - 1) + 1 + outputPadding
 * @throws ShapeError where shapes do not fit or nothing is left; DTypeError; ArgumentError
 */
export const convTranspose1d: ConvTranspose = /* @__PURE__ */ convTranspose(1);
/** `convTranspose1d` over H and W of [N, C, H, W]; the weight is [C, out / groups, H taps, W taps]. */
export const convTranspose2d: ConvTranspose = /* @__PURE__ */ convTranspose(2);
/** `convTranspose1d` over D, H and W of [N, C, D, H, W]; the weight is [C, out / groups, D taps, H taps, W taps]. */
export const convTranspose3d: ConvTranspose = /* @__PURE__ */ convTranspose(3);
