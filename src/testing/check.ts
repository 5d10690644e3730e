import { vjp } from '../autograd/tape.ts';
import { type DType, fromHalf, type Shape, sizeOf, toHalf } from '../host.ts';
import type { Gpu } from '../runtime/gpu.ts';
import { scope } from '../runtime/scope.ts';
import type { Tensor } from '../tensor.ts';
import { Guards, type Poison } from './guard.ts';
import { testRandom } from './random.ts';

/** An array of doubles with a shape: what references are written in. */
export interface Nd {
  readonly shape: Shape;
  readonly data: Float64Array;
}

export interface Input {
  readonly shape: Shape;
  readonly dtype?: DType;
  /** The elements; default uniform in `range`. */
  readonly data?: ArrayLike<number>;
  /** Default [-1, 1); whole numbers for integers, which need it. */
  readonly range?: readonly [number, number];
  /** Whether the gradient is checked; default for floats. */
  readonly grad?: boolean;
}

export interface CheckOptions {
  /** Relative RMS error allowed; default 1e-5 forward and 1e-4 backward (f16: 2e-3 and 4e-3). */
  readonly forward?: number;
  readonly backward?: number;
  /** The worst element's error, relative to the largest element; default 20 times the RMS allowed. */
  readonly worst?: number;
  /** False for ops without a gradient, and for inputs so large that central differences would take too long. */
  readonly gradient?: boolean;
  readonly seed?: number;
}

export type Reference = (...inputs: Nd[]) => Nd | readonly Nd[];
type Op = (...inputs: Tensor[]) => Tensor | readonly Tensor[];

/**
 * Holds an op to a definition: the outputs against `reference` in f64, the gradients against central differences of `reference` with a
 * random upstream gradient. Runs under two poisons, whose results must agree bit for bit, and checks that nothing was written out of range.
 *
 * @param inputs a shape stands for f32 of that shape, uniform in [-1, 1)
 * @throws Error that names the output or gradient, and the error found
 */
export async function checkOp(
  gpu: Gpu,
  op: Op,
  reference: Reference,
  inputs: readonly (Shape | Input)[],
  options: CheckOptions = {},
): Promise<void> {
  const guards = gpu.debug instanceof Guards ? gpu.debug : new Guards(gpu);
  const random = testRandom(options.seed ?? 1);
  const specs = inputs.map((i) => ('shape' in i ? i : { shape: i }));
  const values = specs.map((spec) => sample(spec, random));
  const want = [reference(...values)].flat() as Nd[];
  const seeds = want.map((w) => Float64Array.from({ length: w.data.length }, () => random() * 2 - 1));
  const gradient = options.gradient !== false;
  const shapes = gradient ? outputsOf(gpu, op, specs, values) : [];
  const run = async (poison: Poison) => {
    guards.poison = poison;
    const results = await execute(gpu, op, specs, values, shapes, seeds, gradient);
    await guards.verify();
    return results;
  };
  const first = await run('nan');
  const second = await run('large');
  const half = specs.some((s) => s.dtype === 'f16');
  const { forward = half ? 2e-3 : 1e-5, backward = half ? 4e-3 : 1e-4 } = options;
  const { outputs } = first;
  if (outputs.length !== want.length)
    throw new Error(`op gives ${outputs.length} outputs, the reference ${want.length}`);
  outputs.forEach((got, i) =>
    expectClose(want.length > 1 ? `output ${i}` : 'output', got, want[i] as Nd, forward, options.worst),
  );
  if (gradient) {
    const numeric = differences(reference, specs, values, seeds, first.differentiable);
    first.grads.forEach((got, i) => {
      if (got)
        expectClose(
          `gradient of input ${i}`,
          got,
          { shape: got.shape, data: numeric[i] as Float64Array },
          backward,
          options.worst,
        );
    });
  }
  const pairs = [...outputs, ...first.grads].map((a, i) => [a, [...second.outputs, ...second.grads][i]] as const);
  for (const [i, [a, b]] of pairs.entries())
    if (a && b) expectSameBits(i < outputs.length ? `output ${i}` : `gradient of input ${i - outputs.length}`, a, b);
}

interface Result {
  readonly shape: Shape;
  readonly data: ArrayLike<number>;
}

function makeInputs(gpu: Gpu, specs: readonly Input[], values: readonly Nd[]): Tensor[] {
  return specs.map((spec, i) => gpu.tensor(values[i]?.data ?? [], spec.shape, { dtype: spec.dtype ?? 'f32' }));
}

/** What the op gives without a tape, to make upstream gradients for. */
function outputsOf(gpu: Gpu, op: Op, specs: readonly Input[], values: readonly Nd[]) {
  return scope(() => [op(...makeInputs(gpu, specs, values))].flat().map(({ shape, dtype }) => ({ shape, dtype })));
}

async function execute(
  gpu: Gpu,
  op: Op,
  specs: readonly Input[],
  values: readonly Nd[],
  shapes: readonly Pick<Tensor, 'shape' | 'dtype'>[],
  seeds: readonly Float64Array[],
  gradient: boolean,
) {
  const made = scope(() => {
    const tensors = makeInputs(gpu, specs, values);
    if (!gradient) return { outputs: [op(...tensors)].flat() as Tensor[], grads: tensors.map(() => null), dys: [] };
    const wrt = tensors.filter((t, i) => isFloat(t.dtype) && specs[i]?.grad !== false);
    const dys = shapes.map(({ shape, dtype }, i) =>
      isFloat(dtype) ? gpu.tensor(seeds[i] ?? [], shape, { dtype }) : null,
    );
    const { outputs, grads } = vjp(() => op(...tensors), wrt, dys);
    return { outputs, grads: tensors.map((t) => (wrt.includes(t) ? (grads[wrt.indexOf(t)] as Tensor) : null)), dys };
  });
  const read = async (t: Tensor): Promise<Result> => ({ shape: t.shape, data: await t.data() });
  const outputs = await Promise.all(made.outputs.map(read));
  const grads = await Promise.all(made.grads.map((t) => (t ? read(t) : null)));
  const differentiable = made.dys.map((d) => d !== null);
  for (const t of [...made.outputs, ...made.grads, ...made.dys]) t?.dispose();
  return { outputs, grads, differentiable };
}

const isFloat = (dtype: DType): boolean => dtype === 'f32' || dtype === 'f16';

function sample({ shape, dtype = 'f32', data, range = [-1, 1] }: Input, random: () => number): Nd {
  const [lo, hi] = range;
  const draw = () => lo + (hi - lo) * random();
  const raw = data
    ? Array.from(data)
    : Array.from({ length: sizeOf(shape) }, dtype === 'bool' ? () => (random() < 0.5 ? 0 : 1) : draw);
  const round = {
    f32: Math.fround,
    f16: (v: number) => fromHalf(toHalf(v)),
    i32: Math.floor,
    u32: Math.floor,
    bool: (v: number) => v,
  }[dtype];
  return { shape, data: Float64Array.from(raw, round) };
}

/** Central differences of `<reference(inputs), seeds>`. */
function differences(
  reference: Reference,
  specs: readonly Input[],
  values: readonly Nd[],
  seeds: readonly Float64Array[],
  used: readonly boolean[],
): Float64Array[] {
  const loss = () => {
    let total = 0;
    ([reference(...values)].flat() as Nd[]).forEach((out, k) => {
      if (used[k])
        out.data.forEach((v, i) => {
          total += v * (seeds[k]?.[i] ?? 0);
        });
    });
    return total;
  };
  return values.map(({ data }, k) => {
    if (!isFloat(specs[k]?.dtype ?? 'f32') || specs[k]?.grad === false) return new Float64Array();
    return data.map((x, i) => {
      const h = 1e-5 * Math.max(1, Math.abs(x));
      data[i] = x + h;
      const up = loss();
      data[i] = x - h;
      const down = loss();
      data[i] = x;
      return (up - down) / (2 * h);
    });
  });
}

/** Throws unless `got` has the shape of `want` and is near it: relative RMS error within `rms`, the worst element within `worst` of the largest. */
export function expectClose(name: string, got: Result, want: Nd, rms: number, worst = 20 * rms): void {
  if (got.shape.join() !== want.shape.join())
    throw new Error(`${name}: shape is [${got.shape.join(', ')}], should be [${want.shape.join(', ')}]`);
  let error = 0;
  let norm = 0;
  let largest = 0;
  let at = 0;
  let off = 0;
  for (let i = 0; i < want.data.length; i++) {
    const w = want.data[i] as number;
    const g = got.data[i] as number;
    if (Object.is(g, w) || g === w || (Number.isNaN(g) && Number.isNaN(w))) {
      if (Number.isFinite(w)) norm += w * w;
      if (Number.isFinite(w)) largest = Math.max(largest, Math.abs(w));
      continue;
    }
    if (!Number.isFinite(g) || !Number.isFinite(w)) throw new Error(`${name}: element ${i} is ${g}, should be ${w}`);
    const d = Math.abs(g - w);
    error += d * d;
    norm += w * w;
    largest = Math.max(largest, Math.abs(w));
    if (d > off) [off, at] = [d, i];
  }
  const relative = Math.sqrt(error / (norm + 1e-30));
  const place = `worst at element ${at} of [${want.shape.join(', ')}]: ${got.data[at]}, should be ${want.data[at]}`;
  // A result that should be all zeros is held to an absolute error.
  if (Math.sqrt(error) > rms * Math.sqrt(norm) + 1e-7 * Math.sqrt(want.data.length))
    throw new Error(`${name}: relative RMS error ${relative.toExponential(2)} is over ${rms}; ${place}`);
  if (off > worst * largest + 1e-6)
    throw new Error(
      `${name}: error ${off.toExponential(2)} is over ${worst} of the largest element ${largest}; ${place}`,
    );
}

function expectSameBits(name: string, a: Result, b: Result): void {
  for (let i = 0; i < a.data.length; i++) {
    if (!Object.is(a.data[i], b.data[i]))
      throw new Error(`${name}: element ${i} depends on what the memory held before: ${a.data[i]} or ${b.data[i]}`);
  }
}
