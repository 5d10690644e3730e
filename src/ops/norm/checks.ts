import { describe, type Shape } from '../../host.ts';
import { ArgumentError, ShapeError } from '../../runtime/errors.ts';
import type { Tensor } from '../../tensor.ts';
import { checkFloat, checkSameDType, checkShape } from '../check.ts';

/** Throws unless eps can be added to a variance. */
export function checkEps(op: string, eps: number): void {
  if (!(eps >= 0)) throw new ArgumentError(op, `eps must be at least 0, got ${eps}`);
}

/** Throws unless each of these is given as nothing or as a tensor of this shape, of x's dtype. */
export function checkAffine(
  op: string,
  x: Tensor,
  affine: Readonly<Record<string, Tensor | null | undefined>>,
  shape: Shape,
): void {
  for (const [name, t] of Object.entries(affine)) {
    if (!t) continue;
    checkSameDType(op, { x, [name]: t });
    checkShape(op, name, t, shape);
  }
}

/** The last axes of x that are normalised together: those named, or those of the weight or bias, or the last one. */
export function checkLastAxes(
  op: string,
  x: Tensor,
  normalizedShape: Shape | undefined,
  affine: Readonly<Record<string, Tensor | null | undefined>>,
): Shape {
  checkFloat(op, 'x', x);
  const shape = normalizedShape ?? Object.values(affine).find((t) => t)?.shape ?? x.shape.slice(-1);
  if (shape.length === 0 || shape.length > x.rank || shape.some((n, i) => n !== x.shape[i + x.rank - shape.length])) {
    throw new ShapeError(
      op,
      `normalizedShape must be the last axes of x, got [${shape.join(', ')}] (x: ${describe(x)})`,
    );
  }
  checkAffine(op, x, affine, shape);
  return shape;
}
