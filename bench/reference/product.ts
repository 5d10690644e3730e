/** A batch of matrices: element (i, j) of matrix b lies at b stride + i row + j column. */
export interface Matrices {
  readonly data: Float64Array;
  readonly stride: number;
  readonly row: number;
  readonly column: number;
}

export const turned = (m: Matrices): Matrices => ({ ...m, row: m.column, column: m.row });

/** y += a b for each matrix of a batch, [M, K] x [K, N]; inner loops run along memory, or large rows would take minutes. */
export function addProduct(
  batch: number,
  M: number,
  N: number,
  K: number,
  a: Matrices,
  b: Matrices,
  y: Matrices,
): void {
  if (y.column !== 1) {
    addProduct(batch, N, M, K, turned(b), turned(a), turned(y));
    return;
  }
  for (let i = 0; i < batch; i++) {
    for (let m = 0; m < M; m++) {
      const [fromA, to] = [i * a.stride + m * a.row, i * y.stride + m * y.row];
      if (b.column === 1) addRows(y.data, to, N, K, a, fromA, b, i * b.stride);
      else addDots(y.data, to, N, K, a, fromA, b, i * b.stride);
    }
  }
}

type Part = (
  y: Float64Array,
  to: number,
  N: number,
  K: number,
  a: Matrices,
  fromA: number,
  b: Matrices,
  fromB: number,
) => void;

const addRows: Part = (y, to, N, K, a, fromA, b, fromB) => {
  for (let k = 0; k < K; k++) {
    const v = a.data[fromA + k * a.column] as number;
    const row = fromB + k * b.row;
    for (let n = 0; n < N; n++) y[to + n] = (y[to + n] as number) + v * (b.data[row + n] as number);
  }
};

const addDots: Part = (y, to, N, K, a, fromA, b, fromB) => {
  for (let n = 0; n < N; n++) {
    const column = fromB + n * b.column;
    let sum = 0;
    for (let k = 0; k < K; k++)
      sum += (a.data[fromA + k * a.column] as number) * (b.data[column + k * b.row] as number);
    y[to + n] = (y[to + n] as number) + sum;
  }
};
