// What the command line (which reads and reports) and the page (which computes) say to each other.

/** Non-finite numbers are strings, as is -0: JSON has none of them. */
export type Scalar = number | boolean | string;
export type JsonObject = { readonly [key: string]: Json };
export type Json = null | Scalar | readonly Json[] | JsonObject;

/** A tensor as the case files write it. */
export interface HostTensor {
  readonly name?: string;
  /** The source's name of the type (`float32`, `int64`); absent where the source leaves it open. */
  readonly dtype?: string;
  readonly dims: readonly number[];
  readonly data: readonly Scalar[] | { readonly fill: Scalar };
}

/** One case of a suite, as read from its file. */
export interface Case {
  readonly suite: string;
  /** The operator under which the case is counted. */
  readonly op: string;
  readonly name: string;
  /** Relative to the folder of all suites. */
  readonly file: string;
  /** The record itself, in the suite's own format. */
  readonly body: Json;
}

/** How far a result may be from the expected value. */
export type Tolerance =
  /** |got - want| <= atol + rtol |want|. */
  | { readonly metric: 'close'; readonly atol: number; readonly rtol: number }
  /** At most `value` representable numbers of the expected type apart; units no finer than those of numbers as large as `scale`. */
  | { readonly metric: 'ulp'; readonly value: number; readonly scale?: number };

/** A result that is not as expected. */
export interface Mismatch {
  /** Which of the case's results. */
  readonly result: string;
  readonly message: string;
  /** The largest error, in the tolerance's unit, where values (not shapes or types) are wrong. */
  readonly error?: number;
}

export type Outcome =
  | { readonly status: 'passed' }
  | { readonly status: 'failed'; readonly mismatches: readonly Mismatch[] }
  /** Not counted as passed nor as failed: Fovea does not have what the case asks for, which `reason` names. */
  | { readonly status: 'unsupported'; readonly reason: string };

export const isHostTensor = (v: unknown): v is HostTensor =>
  typeof v === 'object' && v !== null && 'dims' in v && 'data' in v && Array.isArray(v.dims);

/** Whether all elements are one value, which stands for them. */
export const isFill = (data: HostTensor['data']): data is { readonly fill: Scalar } => !Array.isArray(data);

const NAMED: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
};

/** The number a case file means; 64-bit integers may be strings of digits. */
export function toNumber(v: Scalar): number {
  if (typeof v !== 'string') return Number(v);
  const number = NAMED[v] ?? Number(v);
  if (Number.isNaN(number) && v !== 'NaN') throw new Error(`not a number: ${v}`);
  return number;
}

/** The element at `i` of a tensor. */
export const elementOf = ({ data }: HostTensor, i: number): number =>
  toNumber(isFill(data) ? data.fill : (data[i] as Scalar));

/** All elements of a tensor. */
export const elementsOf = (t: HostTensor): number[] =>
  Array.from({ length: t.dims.reduce((a, b) => a * b, 1) }, (_, i) => elementOf(t, i));
