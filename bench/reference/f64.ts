// The reference: `Ops` in f64 on the host, each from its definition, with a tape of its own.
import { type Shape, sizeOf } from '../../src/host.ts';
import type { Nd } from '../../src/testing/index.ts';
import { erf } from '../../tests/helpers/special.ts';
import type { HostInput } from '../bench.ts';
import type { Definition, Ops } from '../ops.ts';
import { conv2d, pool2d } from './images.ts';
import { addProduct, turned } from './product.ts';
import { get, make, type Var } from './var.ts';

/** The result of a definition, and with `dy` the gradients of <result, dy> by its first `wrt` inputs (default all). */
export function reference(
  definition: Definition,
  inputs: readonly HostInput[],
  gradient?: { readonly dy: ArrayLike<number>; readonly wrt?: number },
): readonly Nd[] {
  const tape: (() => void)[] = [];
  const vars = inputs.map(({ shape, data }) => make(shape, Float64Array.from(data)));
  const y = definition(opsOn(tape), ...vars);
  if (!gradient) return [y];
  y.grad.set(Float64Array.from(gradient.dy));
  for (const step of tape.reverse()) step();
  return [y, ...vars.slice(0, gradient.wrt).map(({ shape, grad }) => ({ shape, data: grad }))];
}

function opsOn(tape: (() => void)[]): Ops<Var> {
  /** y_i = f(x_i), with df/dx from x and y. */
  const unary = (x: Var, f: (x: number) => number, df: (x: number, y: number) => number): Var => {
    const y = make(x.shape, x.data.map(f));
    tape.push(() => {
      for (let i = 0; i < y.data.length; i++)
        x.grad[i] = get(x.grad, i) + get(y.grad, i) * df(get(x.data, i), get(y.data, i));
    });
    return y;
  };
  const sub = (a: Var, b: Var) => binary(tape, a, b, (p, q) => [p - q, 1, -1]);
  return {
    matmul: (a, b, transposeB = false) => matmul(tape, a, b, transposeB),
    add: (a, b) =>
      typeof b === 'number'
        ? unary(
            a,
            (x) => x + b,
            () => 1,
          )
        : binary(tape, a, b, (p, q) => [p + q, 1, 1]),
    sub,
    mul: (a, b) =>
      typeof b === 'number'
        ? unary(
            a,
            (x) => x * b,
            () => b,
          )
        : binary(tape, a, b, (p, q) => [p * q, q, p]),
    tanh: (x) => unary(x, Math.tanh, (_, y) => 1 - y * y),
    sigmoid: (x) =>
      unary(
        x,
        (v) => 1 / (1 + Math.exp(-v)),
        (_, y) => y * (1 - y),
      ),
    gelu: (x) =>
      unary(
        x,
        (v) => v * normal(v),
        (v) => normal(v) + (v * Math.exp(-0.5 * v * v)) / Math.sqrt(2 * Math.PI),
      ),
    softmax: (x) => softmax(tape, x),
    layerNorm: (x, weight, bias) => layerNorm(tape, x, weight, bias),
    band: (x, left, right) => band(tape, x, left, right),
    embedding: (table, indices) => {
      const width = table.shape.at(-1) as number;
      const from = (i: number) => get(indices.data, Math.floor(i / width)) * width + (i % width);
      return pick(tape, table, [...indices.shape, width], from);
    },
    crossEntropy: (logits, target) => crossEntropy(tape, logits, target),
    reshape: (x, shape) => pick(tape, x, shape, (i) => i),
    permute: (x, axes) =>
      pick(
        tape,
        x,
        axes.map((a) => x.shape[a] as number),
        permuted(x.shape, axes),
      ),
    slice: (x, axis, from, to) => {
      const [n, inner] = [x.shape[axis] as number, sizeOf(x.shape.slice(axis + 1))];
      const row = (to - from) * inner;
      const shape = x.shape.map((size, a) => (a === axis ? to - from : size));
      return pick(tape, x, shape, (i) => Math.floor(i / row) * n * inner + from * inner + (i % row));
    },
    concat: (xs, axis) => concat(tape, xs, axis),
    conv2d: (x, w, windows) => conv2d(tape, x, w, windows),
    pool2d: (kind, x, size, stride) => pool2d(tape, kind, x, size, stride),
    shape: ({ shape }) => shape,
  };
}

/** The cumulative normal distribution. */
const normal = (x: number) => 0.5 * (1 + erf(x / Math.SQRT2));

/** `f` gives the value and its derivatives; the operands are broadcast together. */
function binary(tape: (() => void)[], a: Var, b: Var, f: (a: number, b: number) => [number, number, number]): Var {
  const rank = Math.max(a.shape.length, b.shape.length);
  const size = ({ shape }: Var, axis: number) => shape[axis - rank + shape.length] ?? 1;
  const y = make(Array.from({ length: rank }, (_, axis) => (size(a, axis) === 1 ? size(b, axis) : size(a, axis))));
  const [inA, inB] = [broadcast(y.shape, a.shape), broadcast(y.shape, b.shape)];
  for (let i = 0; i < y.data.length; i++) [y.data[i]] = f(get(a.data, inA(i)), get(b.data, inB(i)));
  tape.push(() => {
    for (let i = 0; i < y.data.length; i++) {
      const [j, k] = [inA(i), inB(i)];
      const [, da, db] = f(get(a.data, j), get(b.data, k));
      a.grad[j] = get(a.grad, j) + get(y.grad, i) * da;
      b.grad[k] = get(b.grad, k) + get(y.grad, i) * db;
    }
  });
  return y;
}

/** Where element i of an array of `shape` lies in one of shape `from` that is broadcast to it. */
function broadcast(shape: Shape, from: Shape): (i: number) => number {
  const lead = shape.length - from.length;
  if (from.every((n, axis) => n === shape[axis + lead])) {
    const size = sizeOf(from);
    return (i) => i % size;
  }
  return (i) => {
    let [rest, at, stride] = [i, 0, 1];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const n = shape[axis] as number;
      const own = axis < lead ? 1 : (from[axis - lead] as number);
      if (own !== 1) at += (rest % n) * stride;
      stride *= own;
      rest = Math.floor(rest / n);
    }
    return at;
  };
}

/** y_i = x_from(i). */
function pick(tape: (() => void)[], x: Var, shape: Shape, from: (i: number) => number): Var {
  const y = make(shape);
  for (let i = 0; i < y.data.length; i++) y.data[i] = get(x.data, from(i));
  tape.push(() => {
    for (let i = 0; i < y.data.length; i++) x.grad[from(i)] = get(x.grad, from(i)) + get(y.grad, i);
  });
  return y;
}

function permuted(shape: Shape, axes: readonly number[]): (i: number) => number {
  const strides = shape.map((_, a) => sizeOf(shape.slice(a + 1)));
  return (i) => {
    let [rest, at] = [i, 0];
    for (let k = axes.length - 1; k >= 0; k--) {
      const axis = axes[k] as number;
      const n = shape[axis] as number;
      at += (rest % n) * (strides[axis] as number);
      rest = Math.floor(rest / n);
    }
    return at;
  };
}

function concat(tape: (() => void)[], xs: readonly Var[], axis: number): Var {
  const first = (xs[0] as Var).shape;
  const total = xs.reduce((sum, x) => sum + (x.shape[axis] as number), 0);
  const inner = sizeOf(first.slice(axis + 1));
  const y = make(first.map((n, a) => (a === axis ? total : n)));
  let offset = 0;
  for (const x of xs) {
    const row = (x.shape[axis] as number) * inner;
    const start = offset;
    const to = (i: number) => Math.floor(i / row) * total * inner + start + (i % row);
    for (let i = 0; i < x.data.length; i++) y.data[to(i)] = get(x.data, i);
    tape.push(() => {
      for (let i = 0; i < x.data.length; i++) x.grad[i] = get(x.grad, i) + get(y.grad, to(i));
    });
    offset += row;
  }
  return y;
}

function matmul(tape: (() => void)[], a: Var, b: Var, transposeB: boolean): Var {
  const [M, K] = a.shape.slice(-2) as [number, number];
  const N = b.shape.at(transposeB ? -2 : -1) as number;
  const batch = sizeOf(a.shape.slice(0, -2));
  const y = make([...a.shape.slice(0, -1), N]);
  const ma = { data: a.data, stride: M * K, row: K, column: 1 };
  const mb = { data: b.data, stride: K * N, row: transposeB ? 1 : N, column: transposeB ? K : 1 };
  const my = { data: y.data, stride: M * N, row: N, column: 1 };
  addProduct(batch, M, N, K, ma, mb, my);
  tape.push(() => {
    const dy = { ...my, data: y.grad };
    addProduct(batch, M, K, N, dy, turned(mb), { ...ma, data: a.grad });
    addProduct(batch, K, N, M, turned(ma), dy, { ...mb, data: b.grad });
  });
  return y;
}

function softmax(tape: (() => void)[], x: Var): Var {
  const cols = x.shape.at(-1) as number;
  const y = make(x.shape);
  for (let r = 0; r < y.data.length; r += cols) {
    const row = x.data.subarray(r, r + cols);
    const most = row.reduce((a, v) => Math.max(a, v), Number.NEGATIVE_INFINITY);
    const e = row.map((v) => Math.exp(v - most));
    const total = e.reduce((a, v) => a + v, 0);
    y.data.set(
      e.map((v) => v / total),
      r,
    );
  }
  tape.push(() => {
    for (let r = 0; r < y.data.length; r += cols) {
      let dot = 0;
      for (let i = r; i < r + cols; i++) dot += get(y.grad, i) * get(y.data, i);
      for (let i = r; i < r + cols; i++) x.grad[i] = get(x.grad, i) + get(y.data, i) * (get(y.grad, i) - dot);
    }
  });
  return y;
}

function layerNorm(tape: (() => void)[], x: Var, weight: Var, bias: Var): Var {
  const cols = x.shape.at(-1) as number;
  const y = make(x.shape);
  const normal = new Float64Array(x.data.length);
  const scale = new Float64Array(x.data.length / cols);
  for (let r = 0; r < scale.length; r++) {
    const row = x.data.subarray(r * cols, (r + 1) * cols);
    const mean = row.reduce((a, v) => a + v, 0) / cols;
    const variance = row.reduce((a, v) => a + (v - mean) ** 2, 0) / cols;
    scale[r] = 1 / Math.sqrt(variance + 1e-5);
    row.forEach((v, i) => {
      normal[r * cols + i] = (v - mean) * get(scale, r);
      y.data[r * cols + i] = get(normal, r * cols + i) * get(weight.data, i) + get(bias.data, i);
    });
  }
  tape.push(() => {
    for (let r = 0; r < scale.length; r++) {
      let [sum, dot] = [0, 0];
      for (let c = 0; c < cols; c++) {
        const [i, dy] = [r * cols + c, get(y.grad, r * cols + c)];
        weight.grad[c] = get(weight.grad, c) + dy * get(normal, i);
        bias.grad[c] = get(bias.grad, c) + dy;
        sum += dy * get(weight.data, c);
        dot += dy * get(weight.data, c) * get(normal, i);
      }
      for (let c = 0; c < cols; c++) {
        const i = r * cols + c;
        const d = get(y.grad, i) * get(weight.data, c) - sum / cols - (get(normal, i) * dot) / cols;
        x.grad[i] = get(x.grad, i) + d * get(scale, r);
      }
    }
  });
  return y;
}

function band(tape: (() => void)[], x: Var, left: number, right: number): Var {
  const [L, S] = x.shape.slice(-2) as [number, number];
  const seen = (i: number) => {
    const ahead = (i % S) - (Math.floor(i / S) % L);
    return -left <= ahead && ahead <= right;
  };
  const y = make(
    x.shape,
    x.data.map((v, i) => (seen(i) ? v : Number.NEGATIVE_INFINITY)),
  );
  tape.push(() => {
    for (let i = 0; i < y.data.length; i++) if (seen(i)) x.grad[i] = get(x.grad, i) + get(y.grad, i);
  });
  return y;
}

function crossEntropy(tape: (() => void)[], logits: Var, target: Var): Var {
  const [rows, C] = logits.shape as [number, number];
  const p = softmax([], logits).data;
  const at = (r: number) => r * C + get(target.data, r);
  const y = make([]);
  for (let r = 0; r < rows; r++) y.data[0] = get(y.data, 0) - Math.log(get(p, at(r))) / rows;
  tape.push(() => {
    const dy = get(y.grad, 0) / rows;
    for (let i = 0; i < p.length; i++) logits.grad[i] = get(logits.grad, i) + dy * get(p, i);
    for (let r = 0; r < rows; r++) logits.grad[at(r)] = get(logits.grad, at(r)) - dy;
  });
  return y;
}
