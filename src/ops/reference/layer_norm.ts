import type { Shape } from '../../host.ts';
import type { Tensor } from '../../tensor.ts';
import { add, div, mul, sub } from '../binary.ts';
import { mean } from '../reduce.ts';
import { sqrt, square } from '../unary.ts';

/** The definition of `layerNorm`. */
export function layerNormPlain(
  x: Tensor,
  weight: Tensor | undefined,
  bias: Tensor | undefined,
  shape: Shape,
  eps: number,
): Tensor {
  const options = { axis: shape.map((_, i) => i - shape.length), keepDims: true };
  const centred = sub(x, mean(x, options));
  const normal = div(centred, sqrt(add(mean(square(centred), options), eps)));
  const scaled = weight ? mul(normal, weight) : normal;
  return bias ? add(scaled, bias) : scaled;
}
