// The arguments of an operator as a case gives them, and the tensors they become.
import { type DType, full, type Gpu, Tensor } from '../../index.ts';
import { elementsOf, type HostTensor, isFill, isHostTensor, type Json, type Scalar, toNumber } from './case.ts';
import { STANDS_FOR } from './compare.ts';

/** Thrown where a case asks for something that Fovea does not have. */
export class Unsupported extends Error {}
/** Likewise, where it is the values, whatever the operator. */
export class UnsupportedType extends Unsupported {}

export type Value = Tensor | Json | HostTensor | readonly Value[] | undefined;

/** A tensor, several of them, or with null for an output the operator cannot give. */
export type Outputs = Tensor | readonly (Tensor | null)[];
/** An operator of a suite, in terms of Fovea's ops. */
export type Operator = (x: Args) => Outputs;
export type Operators = Readonly<Record<string, Operator>>;

/**
 * The type that stands for a source's type (see `STANDS_FOR`).
 *
 * @throws Unsupported where there is none, or the device lacks f16
 */
export function standIn(gpu: Gpu, type: string): DType {
  const dtype = STANDS_FOR[type];
  if (!dtype) throw new UnsupportedType(`dtype ${type}`);
  if (dtype === 'f16' && !gpu.features.has('shader-f16'))
    throw new UnsupportedType('dtype float16 on a device without shader-f16');
  return dtype;
}

const RANGE = { i32: [-(2 ** 31), 2 ** 31 - 1], u32: [0, 2 ** 32 - 1] } as const;

/**
 * A case's tensor on the device, in the type that stands for its own (see `STANDS_FOR`; f32 where the case names none).
 *
 * @throws Unsupported for a type that has none, for f16 on a device without it, and for values that do not fit
 */
export function upload(gpu: Gpu, t: HostTensor, wanted?: 'f32' | 'i32' | 'u32' | 'bool'): Tensor {
  const dtype = wanted ?? standIn(gpu, t.dtype ?? 'float32');
  if (isFill(t.data)) return full(gpu, t.dims, toNumber(t.data.fill), dtype);
  const values = elementsOf(t);
  if (dtype === 'i32' || dtype === 'u32') {
    const [lo, hi] = RANGE[dtype];
    if (values.some((v) => v < lo || v > hi)) throw new UnsupportedType(`${t.dtype} values beyond ${dtype}`);
  } else if (dtype === 'f32' && values.some((v) => Number.isFinite(v) && !Number.isFinite(Math.fround(v)))) {
    throw new UnsupportedType(`${t.dtype} values beyond f32`);
  }
  const uploaded = gpu.tensor(values, t.dims, { dtype });
  origins.set(uploaded, t);
  return uploaded;
}

/** The values that uploaded tensors were made of, for adapters that must know them. */
const origins = new WeakMap<Tensor, HostTensor>();
export const originOf = (t: Tensor): HostTensor | undefined => origins.get(t);

/** Nested arrays of numbers, as some graphs write a tensor. */
function fromNested(v: Json): HostTensor {
  const dims: number[] = [];
  for (let inner = v; Array.isArray(inner); inner = inner[0] as Json) dims.push(inner.length);
  const data = (Array.isArray(v) ? v.flat(dims.length) : [v]) as Scalar[];
  const isText = data.some((d) => typeof d === 'string' && Number.isNaN(Number(d)) && d !== 'NaN');
  return { dtype: isText ? 'string' : typeof data[0] === 'boolean' ? 'bool' : 'float32', dims, data };
}

/**
 * Arguments by position or name. An operator's function reads those it implements; whatever it leaves unread (an attribute it does not
 * know, an input it has no use for) makes the case unsupported, so that nothing is ignored silently.
 */
export class Args {
  readonly gpu: Gpu;
  readonly #values: Map<string, Value>;
  readonly #unread: Set<string>;
  readonly #given: ReadonlySet<string>;
  #layer: { dispose(): void } | undefined;
  /** What the names of operands stand for, in formats that write a tensor by its name. */
  readonly #operands: ReadonlyMap<string, Value>;
  /** Which outputs the case looks at. */
  readonly wanted: readonly boolean[];

  constructor(
    gpu: Gpu,
    values: Iterable<readonly [string | number, Value]>,
    options: { readonly operands?: ReadonlyMap<string, Value>; readonly wanted?: readonly boolean[] } = {},
  ) {
    this.gpu = gpu;
    this.wanted = options.wanted ?? [true];
    const all = [...values];
    this.#given = new Set(all.flatMap(([k, v]) => (v === undefined ? [] : [String(k)])));
    this.#values = new Map(all.flatMap(([k, v]) => (v === undefined || v === null ? [] : [[String(k), v]])));
    this.#unread = new Set(this.#values.keys());
    this.#operands = options.operands ?? new Map();
  }

  /** The positions given, in order. */
  get positions(): string[] {
    return [...this.#values.keys()].filter((key) => /^\d+$/.test(key));
  }

  has(key: string | number): boolean {
    return this.#values.has(String(key));
  }

  /** Whether the argument is given, be it as null. */
  given(key: string | number): boolean {
    return this.#given.has(String(key));
  }

  /** The argument as it stands; marks it as read. */
  raw(key: string | number): Value {
    this.#unread.delete(String(key));
    return this.#values.get(String(key));
  }

  /** A tensor. `dtype` overrides the type it would get, for formats that name none. */
  t(key: string | number, dtype?: 'f32' | 'i32' | 'u32' | 'bool'): Tensor {
    const value = this.raw(key);
    if (value === undefined) throw new Unsupported(`a missing argument ${key}`);
    const t = this.#tensor(value, dtype);
    this.#values.set(String(key), t);
    return t;
  }

  /** A tensor, or null where the case gives none. */
  opt(key: string | number, dtype?: 'f32' | 'i32' | 'u32' | 'bool'): Tensor | null {
    return this.has(key) ? this.t(key, dtype) : null;
  }

  /** Puts another tensor in an argument's place: a layer's parameter, in which the argument's values are. */
  bind(key: string | number, t: Tensor): void {
    this.raw(key);
    this.#values.set(String(key), t);
  }

  /** What `make` makes, the same every time: the layer that an operator is, which lives until `dispose`. */
  layer<T extends { dispose(): void }>(make: () => T): T {
    this.#layer ??= make();
    return this.#layer as T;
  }

  dispose(): void {
    this.#layer?.dispose();
  }

  /** A list of tensors. */
  list(key: string | number): Tensor[] {
    return this.optList(key).flatMap((t) => t ?? []);
  }

  /** A list of tensors, null where one is left out. */
  optList(key: string | number): (Tensor | null)[] {
    const value = this.raw(key) ?? [];
    const list = (Array.isArray(value) ? value : [value]).map((v: Value) => (v === null ? null : this.#tensor(v)));
    this.#values.set(String(key), list);
    return list;
  }

  /** A number: itself, or the one element of a tensor given on the host. */
  num(key: string | number, otherwise?: number): number {
    const value = this.#host(key);
    if (value === undefined && otherwise !== undefined) return otherwise;
    if (isHostTensor(value)) return elementsOf(value)[0] as number;
    if (typeof value === 'object' || value === undefined) throw new Unsupported(`${key} that is no number`);
    return toNumber(value);
  }

  /** Whole numbers: a list, one number, or the elements of a tensor given on the host; undefined where there are none. */
  ints(key: string | number): number[] | undefined {
    const value = this.#host(key);
    if (value === undefined) return undefined;
    if (isHostTensor(value)) return elementsOf(value);
    return [value].flat().map((v) => toNumber(v as Scalar));
  }

  str(key: string | number, otherwise = ''): string {
    const value = this.raw(key);
    return typeof value === 'string' ? value : otherwise;
  }

  /** A switch: true, false, 1 or 0. */
  flag(key: string | number, otherwise = false): boolean {
    const value = this.raw(key);
    return value === undefined ? otherwise : Boolean(value);
  }

  /** Marks arguments as read that cannot change the result. */
  ignore(...keys: (string | number)[]): this {
    for (const key of keys) this.#unread.delete(String(key));
    return this;
  }

  /** Demands that an argument has the one value that is implemented, which is also its default. */
  only(key: string | number, value: Json): this {
    const given = this.raw(key);
    if (given !== undefined && JSON.stringify(given) !== JSON.stringify(value))
      throw new Unsupported(`${key} ${JSON.stringify(given)}`);
    return this;
  }

  /** The arguments that nothing has read. */
  get unread(): string[] {
    return [...this.#unread];
  }

  #host(key: string | number): HostTensor | Json | undefined {
    const given = this.raw(key);
    const value = (typeof given === 'string' ? this.#operands.get(given) : undefined) ?? given;
    if (!(value instanceof Tensor)) return value as HostTensor | Json | undefined;
    const origin = originOf(value);
    if (!origin) throw new Unsupported(`${key} that is computed`);
    return origin;
  }

  #tensor(value: Value, dtype?: 'f32' | 'i32' | 'u32' | 'bool'): Tensor {
    if (value instanceof Tensor) return value;
    if (isHostTensor(value)) return upload(this.gpu, value, dtype);
    if (typeof value === 'string' && this.#operands.has(value)) return this.#tensor(this.#operands.get(value), dtype);
    return upload(this.gpu, fromNested(value as Json), dtype);
  }
}

/** Runs an operator of a suite's table: its outputs, or Unsupported when it is not there or leaves an argument unread. */
export function apply(operators: Operators, name: string, args: Args): readonly (Tensor | null)[] {
  const operator = Object.hasOwn(operators, name) ? operators[name] : undefined;
  if (!operator) throw new Unsupported(name);
  let outputs: Outputs;
  try {
    outputs = operator(args);
  } catch (error) {
    if (!(error instanceof Unsupported) || error instanceof UnsupportedType) throw error;
    throw new Unsupported(`${name} with ${error.message}`);
  }
  if (args.unread.length > 0) throw new Unsupported(`${name} with ${args.unread.join(', ')}`);
  return outputs instanceof Tensor ? [outputs] : outputs;
}
