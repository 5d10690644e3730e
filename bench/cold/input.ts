/** What every cold page takes the softmax of, along rows. */
export const SHAPE: [number, number] = [64, 64];
export const DATA = Float32Array.from({ length: SHAPE[0] * SHAPE[1] }, (_, i) => Math.sin(i));
