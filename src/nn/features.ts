import { describe } from '../host.ts';
import { ShapeError } from '../runtime/errors.ts';
import type { Tensor } from '../tensor.ts';

/** Throws unless x is [N, features, ...] with one of these numbers of axes behind the channels. */
export function checkFeatures(name: string, x: Tensor, features: number, axes: readonly number[]): void {
  if (x.shape[1] === features && axes.includes(x.rank - 2)) return;
  const shapes = axes.map((n) => `[N, ${[features, ...['D', 'H', 'W'].slice(3 - n)].join(', ')}]`);
  throw new ShapeError(name, `x must have shape ${shapes.join(' or ')}, got ${describe(x)}`);
}
