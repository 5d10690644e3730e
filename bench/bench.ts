import type { Gpu, Tensor } from '../src/index.ts';
import type { Nd } from '../src/testing/index.ts';

/** One way to compute a row's result. */
export interface Contender {
  /** 'fovea', 'plain', or the name of a peer. */
  readonly name: string;
  /** Records the work once and returns the result; runs inside a scope. */
  readonly run: () => Tensor;
}

/** One line of the table: an op at a shape, and all that can compute it. */
export interface Row {
  readonly shape: string;
  /** Floating-point operations and bytes that the definition needs, counted by hand: multiply and add are two. */
  readonly flops: number;
  readonly bytes: number;
  readonly contenders: readonly Contender[];
  /** The right result in f64: who is further from it than `tolerance` (relative RMS) gets no time. */
  readonly reference: () => Nd | Promise<Nd>;
  readonly tolerance: number;
  /** Frees what the row made. */
  readonly dispose: () => void;
}

/** What a file bench/<op>.bench.ts exports by default. Rows are made one after the other, when it is their turn. */
export interface Bench {
  readonly op: string;
  readonly rows: (gpu: Gpu) => Generator<Row>;
}
