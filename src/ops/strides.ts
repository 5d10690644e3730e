import type { Shape } from '../host.ts';

/** The steps, in elements, from one index to the next along each axis of a row-major array. */
export function contiguousStrides(shape: Shape): number[] {
  const strides = Array.from({ length: shape.length }, () => 1);
  for (let i = shape.length - 2; i >= 0; i--) strides[i] = (strides[i + 1] as number) * (shape[i + 1] as number);
  return strides;
}

/** The strides with which an array of `shape` is read as if it had the shape `out`: 0 along each axis it is repeated over. */
export function broadcastStrides(shape: Shape, out: Shape): number[] {
  const own = contiguousStrides(shape);
  const lead = out.length - shape.length;
  return out.map((_, i) => (i < lead || shape[i - lead] === 1 ? 0 : (own[i - lead] as number)));
}

/** A walk over several arrays at once: the sizes of the loops, outermost first, and each array's strides in them. */
export interface Walk {
  readonly shape: number[];
  readonly strides: number[][];
}

/** The same walk in as few loops as possible: sizes of 1 are dropped, and neighbours merged where each array steps through both as through one. */
export function collapse(shape: Shape, strides: readonly (readonly number[])[]): Walk {
  const sizes: number[] = [];
  const steps: number[][] = strides.map(() => []);
  shape.forEach((n, axis) => {
    if (n === 1) return;
    const here = strides.map((s) => s[axis] as number);
    const merges = sizes.length > 0 && here.every((s, k) => steps[k]?.at(-1) === s * n);
    if (merges) sizes.push((sizes.pop() as number) * n);
    else sizes.push(n);
    here.forEach((s, k) => {
      if (merges) steps[k]?.pop();
      steps[k]?.push(s);
    });
  });
  return { shape: sizes, strides: steps };
}

/** Up to eight sizes or strides for a uniform's `array<vec4u, 2>`: the innermost first, filled up with `rest`. */
export function innermostFirst(values: readonly number[], rest: 0 | 1): number[] {
  return Array.from({ length: 8 }, (_, i) => values.at(-1 - i) ?? rest);
}

/** How a kernel walks over operands that are broadcast together, as uniforms and constants: see shaders/lib/broadcast.inc.wgsl. */
export interface BroadcastWalk {
  /** The number of loops; 0 where every operand is as contiguous as the result, and one index serves for all. */
  readonly rank: number;
  readonly shape: number[];
  readonly strides: number[][];
}

export function broadcastWalk(out: Shape, operands: readonly Shape[]): BroadcastWalk {
  const { shape, strides } = collapse(
    out,
    operands.map((s) => broadcastStrides(s, out)),
  );
  const together = shape.length === 0 || (shape.length === 1 && strides.every(([step]) => step === 1));
  return {
    rank: together ? 0 : shape.length,
    shape: innermostFirst(shape, 1),
    strides: strides.map((s) => innermostFirst(s, 0)),
  };
}
