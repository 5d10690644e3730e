import { type Shape, sizeOf } from '../src/host.ts';

/**
 * The operations in which definitions of several ops are written, once for all who compute them: the f64 reference, Fovea's ordinary ops, and other
 * libraries. Nothing is consumed or changed.
 */
export interface Ops<T> {
  /** [..., M, K] x [..., K, N] with the same batch, or stored as [..., N, K] if `transposeB`. */
  matmul(a: T, b: T, transposeB?: boolean): T;
  /** Shapes are broadcast together, here and below. */
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
  /** Scores [..., L, S] in which query i sees the keys i - left..i + right; `left` may be Infinity. */
  band(scores: T, left: number, right: number): T;
  /** Rows of `table` [V, D] at `indices`. */
  embedding(table: T, indices: T): T;
  /** The mean of logsumexp(logits) - logits[target] over rows; `logits` [N, C], `target` [N]. */
  crossEntropy(logits: T, target: T): T;
  reshape(x: T, shape: Shape): T;
  permute(x: T, axes: readonly number[]): T;
  /** Elements from..to along an axis. */
  slice(x: T, axis: number, from: number, to: number): T;
  concat(xs: readonly T[], axis: number): T;
  /** Images [N, C, H, W] and weights [K, C / groups, taps, taps]. */
  conv2d(x: T, w: T, windows: ConvWindows): T;
  /** The maxima or means of windows of `size` x `size` whose first is at 0. */
  pool2d(kind: 'max' | 'mean', x: T, size: number, stride: number): T;
  shape(x: T): Shape;
}

export interface ConvWindows {
  readonly stride: number;
  /** Zeros on each side. */
  readonly padding: number;
  readonly groups: number;
}

/** A definition, whoever computes it. */
export type Definition = <T>(ops: Ops<T>, ...inputs: T[]) => T;

/** x [..., K] times w [N, K], and bias [N]. */
export function linear<T>(ops: Ops<T>, x: T, w: T, bias?: T): T {
  const [lead, K] = [ops.shape(x).slice(0, -1), ops.shape(x).at(-1) as number];
  const y = ops.matmul(ops.reshape(x, [sizeOf(lead), K]), w, true);
  return ops.reshape(bias === undefined ? y : ops.add(y, bias), [...lead, ops.shape(w)[0] as number]);
}

/** Additive attention from queries and keys that are projected already: softmax_s(v . tanh(q_l + k_s)) values_s. */
export function additive<T>(ops: Ops<T>, queries: T, keys: T, values: T, v: T): T {
  const [[B, L, A], S] = [ops.shape(queries) as [number, number, number], ops.shape(keys)[1] as number];
  const sums = ops.add(ops.reshape(queries, [B, L, 1, A]), ops.reshape(keys, [B, 1, S, A]));
  const scores = ops.matmul(ops.reshape(ops.tanh(sums), [B * L * S, A]), ops.reshape(v, [A, 1]));
  return ops.matmul(ops.softmax(ops.reshape(scores, [B, L, S])), values);
}

/** One step of a GRU from x's part of the gates [B, 3 H] and the state [B, H]; u [3 H, H]. */
export function gruStep<T>(ops: Ops<T>, gx: T, h: T, u: T, bias: T): T {
  const H = ops.shape(h)[1] as number;
  const gh = linear(ops, h, u, bias);
  const part = (x: T, gate: number) => ops.slice(x, 1, gate * H, (gate + 1) * H);
  const r = ops.sigmoid(ops.add(part(gx, 0), part(gh, 0)));
  const z = ops.sigmoid(ops.add(part(gx, 1), part(gh, 1)));
  const n = ops.tanh(ops.add(part(gx, 2), ops.mul(r, part(gh, 2))));
  return ops.add(n, ops.mul(z, ops.sub(h, n)));
}
