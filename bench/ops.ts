import type { Shape } from '../src/index.ts';

/**
 * The operations in which definitions of several ops are written, once for all who compute them: the f64 reference, Fovea's ordinary ops, and other
 * libraries. Nothing is consumed or changed.
 */
export interface Ops<T> {
  /** [..., M, K] x [..., K, N] with the same batch, or stored as [..., N, K] if `transposeB`. */
  matmul(a: T, b: T, transposeB?: boolean): T;
  /** With broadcasting of `b`. */
  add(a: T, b: T | number): T;
  sub(a: T, b: T): T;
  mul(a: T, b: T | number): T;
  tanh(x: T): T;
  sigmoid(x: T): T;
  /** The exact one. */
  gelu(x: T): T;
  /** Over the last axis. */
  softmax(x: T): T;
  /** Over the last axis, with epsilon 1e-5. */
  layerNorm(x: T, weight: T, bias: T): T;
  /** Scores [..., L, S] in which query i sees no key after i. */
  causal(scores: T): T;
  /** Rows of `table` [V, D] at `indices`. */
  embedding(table: T, indices: T): T;
  /** The mean of logsumexp(logits) - logits[target] over rows; `logits` [N, C], `target` [N]. */
  crossEntropy(logits: T, target: T): T;
  reshape(x: T, shape: Shape): T;
  permute(x: T, axes: readonly number[]): T;
  /** Elements from..to along an axis. */
  slice(x: T, axis: number, from: number, to: number): T;
  concat(xs: readonly T[], axis: number): T;
  shape(x: T): Shape;
}

/** A definition, whoever computes it. */
export type Definition = <T>(ops: Ops<T>, ...inputs: T[]) => T;
