import {
  matmulQuads,
  matmulQuadsVec4,
  matmulRegisters,
  matmulSmall,
  matmulSum,
  matmulTiled,
  matmulTiledVec4,
} from '../../generated/kernels.ts';
import { sizeOf } from '../../host.ts';
import { dispatch, grid } from '../../runtime/kernel.ts';
import type { Tensor } from '../../tensor.ts';
import { type Plan, plan, tileOf } from './plan.ts';
import type { Problem } from './problem.ts';

/** What happens to A B before it is written. */
export interface Epilogue {
  readonly bias: Tensor | undefined;
  readonly activation: keyof typeof matmulSum.ops;
  /** Whether A B + bias is wanted too, as `pre`. */
  readonly keepsPre: boolean;
}

/** Computes a laid out product in one dispatch, or in two where K is split. */
export function run(
  a: Tensor,
  b: Tensor,
  p: Problem,
  epilogue: Epilogue,
  forced?: Partial<Plan>,
): { y: Tensor; pre: Tensor | null } {
  const { gpu, dtype } = a;
  const { keepsPre } = epilogue;
  const chosen = plan(gpu, p, forced);
  const size = sizeOf(p.shape);
  // `pre` lies behind the result in the same buffer, aligned to 256 bytes: no kernel needs a second output.
  const saveAt = keepsPre ? Math.ceil(size / 128) * 128 : 0;
  const c = gpu.empty(keepsPre ? [saveAt + size] : p.shape, dtype, 'matmul');
  const [left, right] = p.swapped ? [b, a] : [a, b];
  if (chosen.splits === 1) product(left, right, c, p, chosen, epilogue, saveAt);
  else splitProduct(left, right, c, p, chosen, epilogue, saveAt);
  if (!keepsPre) return { y: c, pre: null };
  const views = {
    y: c.reinterpret(dtype, p.shape),
    pre: c.reinterpret(dtype, p.shape, c.byteOffset + saveAt * (dtype === 'f16' ? 2 : 4)),
  };
  c.dispose();
  return views;
}

/** Each range of K apart, then their sum. */
function splitProduct(
  a: Tensor,
  b: Tensor,
  c: Tensor,
  p: Problem,
  chosen: Plan,
  epilogue: Epilogue,
  saveAt: number,
): void {
  const { bias, activation, keepsPre } = epilogue;
  const size = p.batch * p.m * p.n;
  const { splits } = chosen;
  using partial = a.gpu.empty([splits, size], 'f32', 'matmul');
  product(a, b, partial, p, chosen, { bias: undefined, activation: 'NONE', keepsPre: false }, 0);
  const params = {
    size,
    m: p.m,
    n: p.n,
    splits,
    biasM: p.biasM,
    biasN: p.biasN,
    saveAt,
    rank: p.dims.length,
    dims: p.dims.flat(),
  };
  const constants = { BIAS: bias !== undefined, SAVE: keepsPre, ACTIVATION: matmulSum.ops[activation] };
  dispatch(a.gpu, matmulSum, { partial, bias: bias ?? a, c }, params, grid(size, 64), constants);
}

const NO_RUNS = [1, 0, 0, 0];

function product(
  a: Tensor,
  b: Tensor,
  c: Tensor,
  p: Problem,
  chosen: Plan,
  { bias, activation, keepsPre }: Epilogue,
  saveAt: number,
): void {
  const { variant, x, y, z, blocksM, blocksN, quads, depth, splits } = chosen;
  const [rows, columns] = tileOf(chosen);
  const tilesM = Math.ceil(p.m / rows);
  const tilesN = Math.ceil(p.n / columns);
  const runs = sizeOf(p.runs.map(([size]) => size));
  const range = p.runs.length > 0 ? Math.ceil(runs / splits) : 4 * Math.ceil(p.k / (4 * splits));
  const { m, n, k, batch, aM, aK, bK, bN, biasM, biasN, dims } = p;
  const params = {
    m,
    n,
    k,
    batch,
    tilesM,
    tilesN,
    splits,
    range,
    aM,
    aK,
    bK,
    bN,
    biasM,
    biasN,
    saveAt,
    rank: dims.length,
    dims: dims.flat(),
    runs,
    runDims: [NO_RUNS, NO_RUNS, NO_RUNS, ...p.runs.map((run) => [...run, 0])].slice(-3).flat(),
  };
  const buffers = { a, a4: a, b, b4: b, bias: bias ?? a, c };
  const constants = {
    ...reading(p),
    RUNS: p.runs.length > 0,
    PARTIAL: splits > 1,
    BIAS: bias !== undefined,
    SAVE: keepsPre,
    ACTIVATION: matmulSum.ops[activation],
  };
  const groups = grid(tilesM * tilesN * Math.ceil((splits * batch) / z));
  const shape = { WX: x, WY: y, MB: blocksM, NB: blocksN };
  if (variant === 'registers') {
    const kernel = quads ? (n % 4 === 0 ? matmulQuadsVec4 : matmulQuads) : matmulRegisters;
    dispatch(a.gpu, kernel, buffers, params, groups, { ...constants, ...shape, WZ: z });
  } else if (variant === 'small') dispatch(a.gpu, matmulSmall, buffers, params, groups, { ...constants, WN: x, WK: y });
  else
    dispatch(a.gpu, n % 4 === 0 ? matmulTiledVec4 : matmulTiled, buffers, params, groups, {
      ...constants,
      ...shape,
      BK: depth,
    });
}

/** Along which dimension each operand is contiguous, and whether all of it can be read by vec4. */
function reading({ m, n, k, aM, aK, bK, bN, dims, runs }: Problem) {
  const fours = (...sizes: number[]) => sizes.every((s) => s % 4 === 0);
  const byM = aM === 1 && aK !== 1;
  const byK = bK === 1 && bN !== 1;
  const outerA = [...dims, ...runs].map((d) => d[1]);
  const outerB = [...dims, ...runs].map((d) => d[2]);
  return {
    ONE_ROW: m === 1,
    TAIL: k % 4 !== 0,
    A_BY_M: byM,
    B_BY_K: byK,
    A_VEC4: byM ? fours(m, aK, ...outerA) : fours(k, m === 1 ? 0 : aM, ...outerA) && (aK === 1 || k === 1),
    B_VEC4: byK ? fours(k, n === 1 ? 0 : bN, ...outerB) : fours(n, bK, ...outerB) && bN === 1,
  };
}
