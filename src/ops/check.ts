import { type DType, describe, type Shape } from '../host.ts';
import { ArgumentError, DisposedError, DTypeError, ShapeError } from '../runtime/errors.ts';
import { Tensor } from '../tensor.ts';

/** Throws unless `t` is a tensor that has not been disposed. */
export function checkTensor(op: string, name: string, t: Tensor): void {
  if (!(t instanceof Tensor)) throw new ArgumentError(op, `${name} must be a tensor, got ${String(t) || typeof t}`);
  if (t.disposed) throw new DisposedError(op, `${name} was disposed (or its scope ended): ${describe(t)}`);
}

/** Throws unless there are options, where some have no default: `needed` names them. */
export function checkOptions(op: string, options: object, needed: string): void {
  if (typeof options !== 'object' || options === null)
    throw new ArgumentError(op, `options must be an object with ${needed}, got ${String(options)}`);
}

/** Throws unless `t` is f32 or f16. */
export function checkFloat(op: string, name: string, t: Tensor): void {
  checkTensor(op, name, t);
  if (t.dtype !== 'f32' && t.dtype !== 'f16')
    throw new DTypeError(op, `${name} must be f32 or f16, got ${describe(t)}`);
}

/** Throws unless `t` has one of `dtypes`. */
export function checkDType(op: string, name: string, t: Tensor, ...dtypes: DType[]): void {
  checkTensor(op, name, t);
  if (!dtypes.includes(t.dtype)) throw new DTypeError(op, `${name} must be ${dtypes.join(' or ')}, got ${describe(t)}`);
}

/** Throws unless all tensors have one dtype, and lie on one device. */
export function checkSameDType(op: string, tensors: Readonly<Record<string, Tensor>>): void {
  const entries = Object.entries(tensors);
  for (const [name, t] of entries) checkTensor(op, name, t);
  if (new Set(entries.map(([, t]) => t.gpu)).size > 1)
    throw new ArgumentError(op, `${entries.map(([n]) => n).join(' and ')} must be of one Gpu`);
  if (new Set(entries.map(([, t]) => t.dtype)).size > 1) {
    throw new DTypeError(
      op,
      `${entries.map(([n]) => n).join(' and ')} must have the same dtype, got ${entries.map(([, t]) => describe(t)).join(' and ')}`,
    );
  }
}

/** Throws unless `t` has `shape`; -1 matches any size. */
export function checkShape(op: string, name: string, t: Tensor, shape: Shape): void {
  const ok = t.shape.length === shape.length && shape.every((n, i) => n === -1 || n === t.shape[i]);
  if (!ok)
    throw new ShapeError(op, `${name} must have shape [${shape.join(', ').replaceAll('-1', '*')}], got ${describe(t)}`);
}

/** `axis` counted from 0; throws unless it is a whole number in [-rank, rank). */
export function checkAxis(op: string, axis: number, x: Tensor, name = 'axis'): number {
  checkTensor(op, 'x', x);
  const { rank } = x;
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank) {
    throw new ArgumentError(op, `${name} must be in [${-rank}, ${rank}), got ${axis} (x: ${describe(x)})`);
  }
  return axis < 0 ? axis + rank : axis;
}

/** Axes counted from 0, in order; all of them by default. Throws when one is out of range or named twice. */
export function checkAxes(op: string, axes: number | readonly number[] | undefined, x: Tensor): number[] {
  checkTensor(op, 'x', x);
  if (axes === undefined) return x.shape.map((_, i) => i);
  const found = [axes].flat().map((a) => checkAxis(op, a, x, 'axes'));
  if (new Set(found).size < found.length)
    throw new ArgumentError(op, `axes must be different, got [${[axes].flat().join(', ')}] (x: ${describe(x)})`);
  return found.sort((a, b) => a - b);
}

/** NumPy's broadcasting: aligned at the last axis, sizes equal or 1. Throws naming all shapes when they do not fit. */
export function broadcastShapes(op: string, tensors: Readonly<Record<string, Tensor>>): number[] {
  const shapes = Object.values(tensors).map((t) => t.shape);
  const rank = Math.max(...shapes.map((s) => s.length));
  const out = Array.from({ length: rank }, () => 1);
  for (const shape of shapes) {
    shape.forEach((n, i) => {
      const axis = i + rank - shape.length;
      if (out[axis] === 1) out[axis] = n;
      else if (n !== 1 && n !== out[axis]) {
        const named = Object.entries(tensors).map(([name, t]) => `${name} ${describe(t)}`);
        throw new ShapeError(op, `shapes do not broadcast: ${named.join(', ')}`);
      }
    });
  }
  return out;
}

const RANGE = { i32: [-(2 ** 31), 2 ** 31 - 1], u32: [0, 2 ** 32 - 1], bool: [0, 1] } as const;

/** Throws unless a tensor of `dtype` can hold `value`: any number for floats, whole numbers in range for integers, 0 and 1 for bool. */
export function checkNumber(op: string, value: number, dtype: DType, name = 'a number'): void {
  if (dtype === 'f32' || dtype === 'f16') return;
  const [lo, hi] = RANGE[dtype];
  if (!Number.isInteger(value) || value < lo || value > hi)
    throw new ArgumentError(op, `${name} must be a value of ${dtype}, got ${value}`);
}
