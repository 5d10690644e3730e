import { sizeOf } from '../../host.ts';
import { type Family, isSoftware } from '../../runtime/adapter.ts';
import { type Planning, planFor, type Sizes, type Target } from '../plans.ts';
import type { Problem } from './problem.ts';

/** The algorithms: operands read from storage into registers; tiles in workgroup memory; K shared out among the lanes of a workgroup. */
export type Variant = 'registers' | 'tiled' | 'small';

/** How a product is computed. What is left out of a forced plan is the planner's choice. */
export interface Plan {
  readonly variant: Variant;
  /**
   * Invocations of a workgroup along N, along M and (`registers` only) along the batch and the ranges of K; for `small`, x blocks of
   * columns by y parts of K.
   */
  readonly x: number;
  readonly y: number;
  readonly z: number;
  /** Blocks of 4 rows and of 4 columns an invocation: 1 or 2; `small` has 1. */
  readonly blocksM: number;
  readonly blocksN: number;
  /** `registers` only: whether four invocations along N read A together, by subgroups; x must be a multiple of 4. */
  readonly quads: boolean;
  /** `tiled` only: how much of K a tile holds, a multiple of 4; neither tile may have more blocks than the workgroup has invocations. */
  readonly depth: number;
  /** Ranges of K computed apart and added in a second pass; 1 for none. */
  readonly splits: number;
}

type Kind = 'software' | 'large' | 'modest';
type Sized = Pick<Problem, 'm' | 'n' | 'k' | 'batch'> & Partial<Pick<Problem, 'runs'>>;

/** Software; GPUs whose invocations can hold 8 x 8 sums in registers; those that would spill, and those nobody knows. */
function kindOf(family: Family): Kind {
  if (isSoftware(family)) return 'software';
  return family === 'nvidia' || family === 'apple' || family === 'amd' ? 'large' : 'modest';
}

/** Invocations of a workgroup of `registers`; invocations that fill the device; the fewest k worth a range of their own. */
const DEVICE: Readonly<Record<Kind, { readonly group: number; readonly wanted: number; readonly leastRange: number }>> =
  {
    software: { group: 16, wanted: 64, leastRange: 1024 },
    modest: { group: 64, wanted: 4096, leastRange: 256 },
    large: { group: 64, wanted: 16_384, leastRange: 256 },
  };

/** The plan for a product: what is forced of it, or a table's, or the rule's. */
export function plan(target: Device & Pick<Target, 'plans'>, p: Problem, forced?: Partial<Plan>): Plan {
  // Tables know nothing of runs.
  if (forced || p.runs.length > 0) return rule(target, p, forced);
  return planFor(target, 'matmul', sizesOf(p), () => rule(target, p));
}

type Device = Pick<Target, 'family' | 'features'>;

/** Whether subgroups are runs of neighbours, and sharing what they load pays. */
const hasQuads = ({ family, features }: Device) => family === 'swiftshader' && features.has('subgroups');

/** The plan for a product, from its shape and the adapter. */
export function rule(device: Device, p: Sized, forced: Partial<Plan> = {}): Plan {
  const kind = kindOf(device.family);
  const variant = forced.variant ?? variantFor(kind, p);
  const geometry = { ...{ registers, tiled, small }[variant](kind, p), ...forced };
  const shared = variant === 'registers' && geometry.x % 4 === 0 && p.m > 1 && hasQuads(device);
  const chosen = { ...geometry, quads: forced.quads ?? shared };
  return { ...chosen, splits: forced.splits ?? splitsFor(kind, p, chosen) };
}

/** A and B by which of their dimensions is contiguous: see `reading` in run.ts. */
const sizesOf = ({ m, n, k, batch, aM, aK, bK, bN }: Problem): Sizes => [
  m,
  n,
  k,
  batch,
  aM === 1 && aK !== 1 ? 1 : 0,
  bK === 1 && bN !== 1 ? 1 : 0,
];

/** Rows and columns of C a workgroup computes. */
export function tileOf({
  variant,
  x,
  y,
  blocksM,
  blocksN,
}: Omit<Plan, 'splits' | 'quads'>): readonly [rows: number, columns: number] {
  return variant === 'small' ? [4, 4 * x] : [4 * y * blocksM, 4 * x * blocksN];
}

function variantFor(kind: Kind, p: Sized): Variant {
  // Workgroup memory wins nothing there, and what SwiftShader takes to compile a kernel grows with it.
  if (kind === 'software') return 'registers';
  if (p.n <= 16 && p.m <= 16 && p.batch > 16) return 'registers';
  if (p.m <= 8 && !p.runs?.length) return 'small';
  if (p.m <= 8 || p.n <= 8 || p.k < 16) return 'registers';
  return tilesOf(p, 32) <= 32 && p.k <= 512 && !p.runs?.length ? 'small' : 'tiled';
}

const tilesOf = (p: Sized, size: number) => Math.ceil(p.m / size) * Math.ceil(p.n / size) * p.batch;
/** The least power of two that is at least `n`. */
const powerOfTwo = (n: number) => 2 ** Math.ceil(Math.log2(Math.max(n, 1)));

function registers(kind: Kind, p: Sized): Omit<Plan, 'splits' | 'quads'> {
  const { group } = DEVICE[kind];
  const two = (n: number) => (n > 4 && (kind === 'software' || tilesOf(p, 8) > DEVICE[kind].wanted) ? 2 : 1);
  const [blocksM, blocksN] = [two(p.m), two(p.n)];
  // Few shapes of workgroups, since each is compiled anew.
  const x = p.n > 16 ? 8 : p.n > 8 ? 2 : 1;
  const [y, z] = p.m > 8 ? [group / x, 1] : [1, group / x];
  return { variant: 'registers', x, y, z, blocksM, blocksN, depth: 4 };
}

function tiled(kind: Kind, p: Sized): Omit<Plan, 'splits' | 'quads'> {
  const blocks = kind !== 'modest' && tilesOf(p, 64) >= 128 ? 2 : 1;
  return { variant: 'tiled', x: 8, y: 8, z: 1, blocksM: blocks, blocksN: blocks, depth: 16 };
}

function small(_: Kind, p: Sized): Omit<Plan, 'splits' | 'quads'> {
  const x = Math.min(8, powerOfTwo(p.n / 4));
  return { variant: 'small', x, y: 64 / x, z: 1, blocksM: 1, blocksN: 1, depth: 4 };
}

/** Few outputs and a long K leave most of a device idle, unless ranges of K are computed side by side. */
function splitsFor(kind: Kind, p: Sized, chosen: Omit<Plan, 'splits' | 'quads'>): number {
  const { wanted, leastRange } = DEVICE[kind];
  const { variant, x, y, blocksM, blocksN } = chosen;
  const [rows, columns] = variant === 'registers' ? [4 * blocksM, 4 * blocksN] : tileOf(chosen);
  // Invocations of `tiled` with 8 x 8 sums have enough to do for two.
  const perTile = variant === 'registers' ? 1 : x * y * Math.ceil((blocksM * blocksN) / 2);
  const invocations = Math.ceil(p.m / rows) * Math.ceil(p.n / columns) * p.batch * perTile;
  const runs = sizeOf((p.runs ?? []).map(([size]) => size));
  const ranges = Math.min(Math.floor((p.k * runs) / leastRange), p.runs?.length ? runs : Number.POSITIVE_INFINITY);
  return Math.max(1, Math.min(64, Math.floor(wanted / Math.max(invocations, 1)), ranges));
}

const problemOf = ([m = 1, n = 1, k = 1, batch = 1]: Sizes): Sized => ({ m, n, k, batch });

/** What the tuner needs of `matmul`: `aByM` and `bByK` say that A or B lies transposed. */
export const matmulPlanning: Planning<Plan> = {
  op: 'matmul',
  sizes: ['m', 'n', 'k', 'batch', 'aByM', 'bByK'],
  classes: [
    ...['64x64x64x1x0x0', '256x256x256x1x0x0', '256x256x256x1x0x1', '256x256x256x1x1x0', '1024x64x256x1x0x0'],
    ...['1x1024x1024x1x0x0', '8x512x128x1x0x0', '64x64x4096x1x1x0', '64x64x64x32x0x1', '256x64x256x8x0x0'],
  ],
  rule: (target, sizes) => rule(target, problemOf(sizes)),
  candidates: (target, sizes) => candidates(target, problemOf(sizes)),
};

/** Each geometry with one range of K, with as many as the rule gives it, and with twice and half as many. */
function candidates(device: Device, p: Sized): Plan[] {
  const kind = kindOf(device.family);
  const geometries = [
    ...registerPlans(p),
    // Workgroup memory wins nothing on a CPU, and SwiftShader compiles such kernels for seconds.
    ...(kind === 'software' || p.m <= 8 || p.n <= 8 || p.k < 16 ? [] : tiledPlans()),
    ...(kind === 'software' || p.m > 64 ? [] : smallPlans(p)),
  ];
  return geometries.flatMap((geometry) => {
    const splits = splitsFor(kind, p, geometry);
    const wanted = splits === 1 ? [1] : [...new Set([1, Math.ceil(splits / 2), splits, Math.min(2 * splits, 64)])];
    const quads = geometry.variant === 'registers' && geometry.x % 4 === 0 && p.m > 1 && hasQuads(device);
    return wanted.flatMap((splits) =>
      (quads ? [true, false] : [false]).map((quads) => ({ ...geometry, quads, splits })),
    );
  });
}

type Geometry = Omit<Plan, 'splits' | 'quads'>;

function registerPlans({ m, n }: Sized): Geometry[] {
  const blocks = [
    [1, 1],
    [1, 2],
    [2, 1],
    [2, 2],
  ].filter(([bm = 1, bn = 1]) => (bm === 1 || m > 4) && (bn === 1 || n > 4));
  const groups = [
    [16, 2],
    [16, 8],
    [64, 2],
    [64, 8],
    [64, 16],
  ].filter(([, x = 1]) => x === 2 || 4 * x <= n);
  return groups.flatMap(([group = 16, x = 1]) =>
    blocks.map(([blocksM = 1, blocksN = 1]) => {
      const [y, z] = m > 8 ? [group / x, 1] : [1, group / x];
      return { variant: 'registers', x, y, z, blocksM, blocksN, depth: 4 } as const;
    }),
  );
}

/** Within 16 KB of workgroup memory, and each with an invocation for every block of a tile. */
function tiledPlans(): Geometry[] {
  const plans = [
    [8, 8, 1, 1, 8],
    [8, 8, 1, 1, 16],
    [8, 8, 1, 2, 16],
    [8, 8, 2, 2, 8],
    [8, 8, 2, 2, 16],
    [16, 8, 1, 1, 16],
    [16, 16, 1, 1, 16],
    [16, 16, 2, 2, 8],
    [16, 16, 2, 2, 16],
  ];
  return plans.map(([x = 8, y = 8, blocksM = 1, blocksN = 1, depth = 16]) => {
    return { variant: 'tiled', x, y, z: 1, blocksM, blocksN, depth } as const;
  });
}

function smallPlans({ n }: Sized): Geometry[] {
  return [1, 4, 8, 16]
    .filter((x) => x === 1 || 4 * x <= n)
    .flatMap((x) =>
      [64, 256].map(
        (group) => ({ variant: 'small', x, y: group / x, z: 1, blocksM: 1, blocksN: 1, depth: 4 }) as const,
      ),
    );
}
