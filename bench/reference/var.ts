import { type Shape, sizeOf } from '../../src/host.ts';

/** An array and what the result changes with each of its elements. */
export interface Var {
  readonly shape: Shape;
  readonly data: Float64Array;
  readonly grad: Float64Array;
}

export const make = (shape: Shape, data = new Float64Array(sizeOf(shape))): Var => ({
  shape,
  data,
  grad: new Float64Array(data.length),
});

export const get = (x: Float64Array, i: number): number => x[i] as number;
