import type { DType, Gpu, Shape } from '../src/index.ts';
import type { Nd } from '../src/testing/index.ts';

/** What a contender reads: the same host data for all. */
export interface HostInput {
  readonly shape: Shape;
  readonly data: Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>;
  /** Default that of the array's type: f32, i32, bool. */
  readonly dtype?: DType;
}

/** A result on the host. */
export interface HostResult {
  readonly shape: Shape;
  readonly data: ArrayLike<number>;
}

/** Who computes: Fovea as an application would call it, Fovea with a forced variant, its plain composition, another library. */
export type Kind = 'fovea' | 'variant' | 'plain' | 'peer';

/** One way to compute a row's result. */
export interface Contender {
  readonly name: string;
  readonly kind: Kind;
  /**
   * Uploads the inputs `copies` times (so that repeated runs need not meet them in a cache) and compiles what can be compiled before a run.
   * Rejects with one sentence where this contender cannot do the row on this machine.
   */
  readonly open: (gpu: Gpu, copies: number) => Promise<Running>;
}

/** A contender with its inputs on the device. */
export interface Running {
  /** Enqueues the work once, on copy `i` of the inputs; its result is freed. */
  run(i: number): void | Promise<void>;
  /** Waits until the device has done all that was enqueued. */
  finish(): Promise<void>;
  /** Runs once, on copy 0, and reads the results. */
  results(): Promise<readonly HostResult[]>;
  /** Nanoseconds the device spends on one run, by its own clock; null or absent where nobody can ask it. */
  gpuTime?(i: number): Promise<number | null>;
  close(): void;
}

/** One line of the table: an op at a shape, and all that can compute it. */
export interface Row {
  /** As the table shows it: `256x256 * 256x256`, `B1 H8 L512 D64 causal`. */
  readonly shape: string;
  readonly dtype: 'f32' | 'f16';
  /** What the table's size axis shows: elements, or multiply-adds; anything that grows with the row within one op and `series`. */
  readonly size: number;
  /** Rows that belong on one line of a plot: `forward`, `forward + backward`. */
  readonly series: string;
  /** Floating-point operations that the definition needs, counted by hand: multiply and add are two, a function one. */
  readonly flops: number;
  /** Bytes that the definition must read and write at least: inputs once, outputs once. */
  readonly bytes: number;
  readonly contenders: readonly Contender[];
  /** The right results in f64, in the contenders' order of results: who is further from one of them than `tolerance` gets no time. */
  readonly reference: () => readonly Nd[] | Promise<readonly Nd[]>;
  /** Relative RMS error. */
  readonly tolerance: number;
}

/** What rows are asked for. */
export interface Wish {
  readonly dtype: 'f32' | 'f16';
  /** Tiny shapes, one or two an op: enough to see that everything runs. */
  readonly smoke: boolean;
}

/** What a file bench/<op>.bench.ts exports by default. Rows are made one after the other, when it is their turn. */
export interface Bench {
  readonly op: string;
  readonly rows: (wish: Wish) => Iterable<Row>;
}
