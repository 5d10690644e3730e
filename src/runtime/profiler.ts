import { words } from '../host.ts';
import type { Tensor } from '../tensor.ts';
import { FoveaError } from './errors.ts';
import type { Gpu } from './gpu.ts';
import type { Kernel } from './kernel.ts';
import { innermost, path, within } from './label.ts';
import { COPY_DST, COPY_SRC, MAP_READ } from './memory.ts';
import type { Profile, ProfileEvent } from './profile.ts';
import { scope } from './scope.ts';

/** What the device can do at most, measured: a copy kernel's bytes and an FMA kernel's operations a second. */
export interface Roofline {
  readonly bytesPerSecond: number;
  readonly flopsPerSecond: number;
  /** For dispatches on f16 tensors; default as for f32. */
  readonly flopsPerSecondF16?: number;
}

export interface ProfileOptions {
  /** What kernels are measured against. */
  readonly roofline?: Roofline;
  /** A model whose modules are named in the labels, as in its `stateDict()`. */
  readonly modules?: { namedModules(): Iterable<readonly [name: string, module: object]> };
}

const QUERY_RESOLVE = 0x200;
/** Queries in a set, WebGPU's limit: two a dispatch. */
const SET = 4096;

/** What is noted of each dispatch while `gpu.profile` runs. */
export class Profiler {
  readonly events: Omit<ProfileEvent, 'start' | 'duration'>[] = [];
  readonly #gpu: Gpu;
  readonly #sets: GPUQuerySet[] = [];
  readonly #timed: boolean;

  constructor(gpu: Gpu) {
    this.#gpu = gpu;
    this.#timed = gpu.features.has('timestamp-query');
  }

  /** How the pass of the next dispatch begins. */
  pass(kernel: string): GPUComputePassDescriptor {
    const name = [...path(innermost()), kernel].join(' / ');
    if (!this.#timed) return { label: name };
    const query = 2 * this.events.length;
    const at = query % SET;
    if (at === 0) this.#sets.push(this.#gpu.device.createQuerySet({ type: 'timestamp', count: SET }));
    const querySet = this.#sets.at(-1) as GPUQuerySet;
    return { label: name, timestampWrites: { querySet, beginningOfPassWriteIndex: at, endOfPassWriteIndex: at + 1 } };
  }

  dispatched(
    kernel: Kernel,
    buffers: Readonly<Record<string, Tensor>>,
    values: object,
    workgroups: readonly [number, number, number],
  ): void {
    const sizes: Record<string, number> = {};
    const ranges: Record<string, number> = {};
    for (const name in kernel.buffers) {
      const { shape, dtype, storage, byteOffset } = buffers[name] as Tensor;
      const bytes = words(shape, dtype) * 4;
      sizes[name] = bytes;
      const range = `${storage.pooled.id}:${byteOffset}`;
      ranges[range] = Math.max(bytes, ranges[range] ?? 0);
    }
    const numbers = values as Record<string, number>;
    this.events.push({
      kernel: kernel.name,
      labels: path(innermost()),
      workgroups,
      flops: kernel.flops?.(numbers) ?? 0,
      bytes: kernel.bytes?.({ ...sizes, ...numbers }) ?? Object.values(ranges).reduce((a, b) => a + b, 0),
      half: Object.keys(kernel.buffers).some((name) => buffers[name]?.dtype === 'f16'),
      recorded: performance.now(),
    });
  }

  /** When each dispatch began and ended in turn, in nanoseconds since the first began; null where the device cannot tell. */
  async times(): Promise<Float64Array | null> {
    const { device } = this.#gpu;
    if (!this.#timed) return null;
    const queries = 2 * this.events.length;
    const size = 8 * Math.max(queries, 2);
    const resolved = device.createBuffer({ size, usage: QUERY_RESOLVE | COPY_SRC });
    const staging = device.createBuffer({ size, usage: MAP_READ | COPY_DST });
    try {
      const encoder = device.createCommandEncoder();
      for (const [i, set] of this.#sets.entries())
        encoder.resolveQuerySet(set, 0, Math.min(SET, queries - i * SET), resolved, i * SET * 8);
      encoder.copyBufferToBuffer(resolved, 0, staging, 0, size);
      device.queue.submit([encoder.finish()]);
      await this.#gpu.orLost('profile', staging.mapAsync(MAP_READ));
      const stamps = new BigUint64Array(staging.getMappedRange());
      const first = stamps[0] as bigint;
      return Float64Array.from({ length: queries }, (_, i) => Number((stamps[i] as bigint) - first));
    } finally {
      resolved.destroy();
      staging.destroy();
    }
  }

  dispose(): void {
    for (const set of this.#sets) set.destroy();
  }
}

/** `Gpu.profile`. */
export async function profile<T>(gpu: Gpu, f: () => T, { roofline, modules }: ProfileOptions): Promise<Profile<T>> {
  gpu.check('profile');
  if (gpu.profiler || gpu.prepared || gpu.queue.recording)
    throw new FoveaError('profile', 'cannot run inside profile, prepare or encodeInto');
  gpu.flush(); // what was recorded before is no part of it
  const profiler = new Profiler(gpu);
  const { batch } = gpu.queue;
  try {
    const value = run(gpu, profiler, () => scope(() => (modules ? named(modules, f) : f())));
    const batches = Array.from({ length: gpu.queue.batch - batch }, (_, i) => batch + i);
    await gpu.queue.confirm('profile', [], batches);
    const times = await profiler.times();
    const { Profile } = await import('./profile.ts');
    return new Profile(value, profiler.events, times, roofline);
  } finally {
    profiler.dispose();
  }
}

function run<T>(gpu: Gpu, profiler: Profiler, f: () => T): T {
  gpu.profiler = profiler;
  try {
    return f();
  } finally {
    gpu.profiler = null;
    gpu.flush(); // also after an error: the passes hold the queries that go now
  }
}

/** Runs `f` with every method of the modules under its module's name. */
function named<T>(modules: NonNullable<ProfileOptions['modules']>, f: () => T): T {
  const undo: (() => void)[] = [];
  for (const [name, module] of modules.namedModules()) {
    if (!name) continue;
    for (const method of methods(module)) {
      const original = Reflect.get(module, method) as (...args: unknown[]) => unknown;
      const value = (...args: unknown[]) => {
        const call = () => original.apply(module, args);
        return innermost()?.name === name ? call() : within(innermost(), name, call);
      };
      Object.defineProperty(module, method, { value, configurable: true });
      undo.push(() => Reflect.deleteProperty(module, method));
    }
  }
  try {
    return f();
  } finally {
    for (const restore of undo) restore();
  }
}

/** The methods that a module's classes give it. */
function methods(module: object): Set<string> {
  const names = new Set<string>();
  for (let at = Object.getPrototypeOf(module); at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(at))) {
      if (typeof value === 'function' && name !== 'constructor' && !Object.hasOwn(module, name)) names.add(name);
    }
  }
  return names;
}
