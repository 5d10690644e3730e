import { copy, multiplyAdd } from '../src/generated/kernels.ts';
import { dispatch, type Gpu, grid, type Roofline, type Tensor } from '../src/index.ts';
import { matrixUnits } from './matrix_units.ts';

/** What the device can do at best, measured with kernels that do nothing else, in the same run as the rows. */
export interface MeasuredRoofline extends Roofline {
  /** Floating-point operations a second in matrix units (f16 products), where the device offers them. */
  readonly matrixFlopsPerSecond?: number;
}

const INVOCATIONS = { software: 4096, gpu: 1 << 20 };
const COPY_BYTES = { software: 1 << 26, gpu: 1 << 28 };
/** Long enough for a GPU that what begins and ends a dispatch does not count. */
const TURNS = { software: 256, gpu: 2048 };
/** Of a turn of multiply_add.wgsl: eight vec4, two operations each. */
const FLOPS_A_TURN = 8 * 4 * 2;

/** @param samples of each kernel; the best one counts */
export async function measureRoofline(gpu: Gpu, software: boolean, samples: number): Promise<MeasuredRoofline> {
  const kind = software ? 'software' : 'gpu';
  const bytes = Math.min(COPY_BYTES[kind], gpu.limits.maxStorageBufferBindingSize, gpu.limits.maxBufferSize);
  const bytesPerSecond = await best(gpu, samples, copyBytes(gpu, bytes));
  const arithmetic = (dtype: 'f32' | 'f16') =>
    best(gpu, samples, multiplyAdds(gpu, dtype, INVOCATIONS[kind], TURNS[kind]));
  const flopsPerSecond = await arithmetic('f32');
  const half = gpu.features.has('shader-f16') ? { flopsPerSecondF16: await arithmetic('f16') } : {};
  const matrix = await matrixUnits(gpu);
  return { bytesPerSecond, flopsPerSecond, ...half, ...(matrix === null ? {} : { matrixFlopsPerSecond: matrix }) };
}

/** One run that records its work `repeats` times, and how much that is each time. */
export interface Load {
  readonly amount: number;
  record(): void;
  dispose(): void;
}

/** Amount a second of the best of several samples. */
async function best(gpu: Gpu, samples: number, load: Load): Promise<number> {
  let repeats = 1;
  let fastest = 0;
  for (let sample = 0; sample < samples; sample++) {
    const start = performance.now();
    for (let i = 0; i < repeats; i++) load.record();
    await gpu.sync();
    const elapsed = performance.now() - start;
    fastest = Math.max(fastest, (1000 * load.amount * repeats) / elapsed);
    if (elapsed < 50) {
      repeats = Math.ceil(repeats * Math.min(16, 60 / Math.max(elapsed, 1)));
      sample--;
    }
  }
  load.dispose();
  gpu.trim();
  return fastest;
}

function copyBytes(gpu: Gpu, bytes: number): Load {
  const elements = Math.floor(bytes / 16) * 4;
  const [x, y] = [gpu.zeros([elements]), gpu.empty([elements])];
  const quads = elements / 4;
  return {
    amount: 2 * 16 * quads,
    record: () => dispatch(gpu, copy, { x, y }, { quads }, grid(quads, 256)),
    dispose: () => free(x, y),
  };
}

/** Also the clock of `measure`: a load that no change of the engine makes faster or slower. */
export function multiplyAdds(gpu: Gpu, dtype: 'f32' | 'f16', invocations: number, turns = TURNS.software): Load {
  const x = gpu.tensor([...Array(4).fill(0.5), ...Array(4).fill(0.25)], [8], { dtype });
  const y = gpu.empty([4 * invocations], dtype);
  return {
    amount: invocations * turns * FLOPS_A_TURN,
    record: () => dispatch(gpu, multiplyAdd, { x, y }, {}, grid(invocations, 64), { TURNS: turns }),
    dispose: () => free(x, y),
  };
}

function free(...tensors: Tensor[]): void {
  for (const t of tensors) t.dispose();
}
