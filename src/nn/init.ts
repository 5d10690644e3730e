// First values of weights: functions of (gpu, shape, rng). Weights are stored [out, in, ...], so that an output has the fan-in
// shape[1] * shape[2] * ... . Uniform ones are the same bits on every adapter, normal ones up to a few units in the last place.
import { type Shape, sizeOf } from '../host.ts';
import { full } from '../ops/create.ts';
import { randn, uniform as uniformOp } from '../ops/random.ts';
import { philoxNormals } from '../random/philox.ts';
import type { Rng } from '../random/rng.ts';
import { ShapeError } from '../runtime/errors.ts';
import type { Gpu } from '../runtime/gpu.ts';
import type { Tensor } from '../tensor.ts';

/** Makes the first value of a parameter, f32 of `shape`, from the next seed of `rng`. */
export type Init = (gpu: Gpu, shape: Shape, rng: Rng) => Tensor;

export const zeros: Init = (gpu, shape) => gpu.zeros(shape);
export const ones: Init = (gpu, shape) => full(gpu, shape, 1);
export const constant =
  (value: number): Init =>
  (gpu, shape) =>
    full(gpu, shape, value);

/** Uniform numbers in [low, high). */
export const uniform =
  (low: number, high: number): Init =>
  (gpu, shape, rng) =>
    uniformOp(gpu, shape, { seed: rng.next(), low, high });

/** Normal numbers of this deviation and mean. */
export const normal =
  (std: number, mean = 0): Init =>
  (gpu, shape, rng) =>
    randn(gpu, shape, { seed: rng.next(), std, mean });

/**
 * Uniform within gain sqrt(6 / (fanIn + fanOut)): keeps the variance of activations and gradients through linear layers.
 *
 * Glorot and Bengio: Understanding the difficulty of training deep feedforward neural networks (AISTATS 2010).
 */
export function glorotUniform(gpu: Gpu, shape: Shape, rng: Rng, gain = 1): Tensor {
  const { fanIn, fanOut } = fans('glorotUniform', shape);
  return within(gain * Math.sqrt(6 / (fanIn + fanOut)))(gpu, shape, rng);
}

/** Normal with the deviation gain sqrt(2 / (fanIn + fanOut)); see `glorotUniform`. */
export function glorotNormal(gpu: Gpu, shape: Shape, rng: Rng, gain = 1): Tensor {
  const { fanIn, fanOut } = fans('glorotNormal', shape);
  return normal(gain * Math.sqrt(2 / (fanIn + fanOut)))(gpu, shape, rng);
}

/**
 * Uniform within gain sqrt(3 / fanIn), by default with the gain of relu: keeps the variance of activations through layers with relu.
 *
 * He, Zhang, Ren and Sun: Delving deep into rectifiers (ICCV 2015), https://arxiv.org/abs/1502.01852.
 */
export function heUniform(gpu: Gpu, shape: Shape, rng: Rng, gain = Math.SQRT2): Tensor {
  return within(gain * Math.sqrt(3 / fans('heUniform', shape).fanIn))(gpu, shape, rng);
}

/** Normal with the deviation gain / sqrt(fanIn); see `heUniform`. */
export function heNormal(gpu: Gpu, shape: Shape, rng: Rng, gain = Math.SQRT2): Tensor {
  return normal(gain / Math.sqrt(fans('heNormal', shape).fanIn))(gpu, shape, rng);
}

/** Uniform within 1 / sqrt(fanIn): what PyTorch gives the weights of linear layers. */
export const fanInUniform: Init = (gpu, shape, rng) =>
  within(1 / Math.sqrt(fans('fanInUniform', shape).fanIn))(gpu, shape, rng);

/**
 * A random matrix [shape[0], the rest] with orthonormal rows, or columns where those are fewer, times gain. Made on the host in f64: normal
 * numbers made orthonormal by Gram and Schmidt, which is the Q of a QR decomposition with a positive diagonal.
 *
 * Saxe, McClelland and Ganguli: Exact solutions to the nonlinear dynamics of learning in deep linear neural networks (ICLR 2014).
 */
export function orthogonal(gpu: Gpu, shape: Shape, rng: Rng, gain = 1): Tensor {
  fans('orthogonal', shape);
  const rows = shape[0] as number;
  const cols = sizeOf(shape.slice(1));
  const [count, length] = rows <= cols ? [rows, cols] : [cols, rows];
  const flat = philoxNormals(rng.next(), 0, count * length);
  const vectors = Array.from({ length: count }, (_, i) => flat.subarray(i * length, (i + 1) * length));
  orthonormalize(vectors);
  const at = (r: number, c: number) => (rows <= cols ? vectors[r]?.[c] : vectors[c]?.[r]) as number;
  return gpu.tensor(
    Float32Array.from({ length: rows * cols }, (_, i) => gain * at(Math.floor(i / cols), i % cols)),
    shape,
  );
}

function orthonormalize(vectors: readonly Float64Array[]): void {
  vectors.forEach((v, i) => {
    // The second pass takes away what cancellation left in the first; twice is enough (Kahan and Parlett).
    for (let pass = 0; pass < 2; pass++) {
      for (const u of vectors.slice(0, i)) {
        const along = dot(u, v);
        for (let k = 0; k < v.length; k++) v[k] = (v[k] as number) - along * (u[k] as number);
      }
    }
    const norm = Math.sqrt(dot(v, v));
    for (let k = 0; k < v.length; k++) v[k] = (v[k] as number) / norm;
  });
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += (a[k] as number) * (b[k] as number);
  return sum;
}

/** The fans of a weight [out, in, ...rest]: in and out times the rest (a convolution's window); 1 in place of 0. */
function fans(name: string, shape: Shape): { readonly fanIn: number; readonly fanOut: number } {
  if (shape.length < 2)
    throw new ShapeError(name, `needs a weight of at least 2 dimensions, got [${shape.join(', ')}]`);
  const [out, inner, ...rest] = shape as [number, number, ...number[]];
  return { fanIn: Math.max(1, inner * sizeOf(rest)), fanOut: Math.max(1, out * sizeOf(rest)) };
}

const within = (bound: number): Init => uniform(-bound, bound);
