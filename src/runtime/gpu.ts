import { fill } from '../generated/kernels.ts';
import {
  checkDTypeName,
  checkSizes,
  type DType,
  describe,
  fromData,
  type Shape,
  type TensorData,
  words,
} from '../host.ts';
import { Tensor } from '../tensor.ts';
import { type Family, familyOf, type PlanTable } from './adapter.ts';
import { type Counters, type MemoryUse, zeroCounters } from './counters.ts';
import { DeviceLostError, FoveaError, LimitError, OutOfMemoryError, ShapeError } from './errors.ts';
import { dispatch, grid, type Kernel } from './kernel.ts';
import { Pool, Storage } from './memory.ts';
import type { Profile } from './profile.ts';
import { type ProfileOptions, type Profiler, profile } from './profiler.ts';
import { Programs } from './programs.ts';
import { lostError, Queue, type Recording } from './queue.ts';
import { scope } from './scope.ts';
import type { Suspect } from './suspect.ts';

export interface GpuOptions {
  /** Where adapters come from; default `navigator.gpu`. In Node, what `create([])` of the package `webgpu` returns. */
  readonly gpu?: GPU;
  readonly powerPreference?: GPUPowerPreference;
  /** Only these of the features Fovea can use; default all that the adapter has. */
  readonly features?: readonly GPUFeatureName[];
}

/** What the test harness hooks into: see src/testing/guard.ts. */
export interface Debug {
  /** Bytes bound after each tensor's own, in which nothing may be written. */
  readonly guardBytes: number;
  allocated(t: Tensor): void;
  dispatched(kernel: Kernel, buffers: Readonly<Record<string, Tensor>>): void;
  /** Hears of a check that is under way, and rejects if what it checks is wrong. */
  checking(check: Promise<void>): void;
}

/** Features that some kernel can use. */
const FEATURES: readonly GPUFeatureName[] = [
  'shader-f16',
  'subgroups',
  'timestamp-query',
  'chromium-experimental-subgroup-matrix' as GPUFeatureName,
];
/** Bind groups kept before all are forgotten: far more than any model's step needs. */
const MAX_BIND_GROUPS = 65_536;

/**
 * A WebGPU device with what the engine keeps for it: compiled kernels, a pool of buffers, and one open command encoder.
 * Make one with `Gpu.create()` or, on a device of your own, `Gpu.from(device)`.
 */
export class Gpu {
  readonly device: GPUDevice;
  readonly limits: GPUSupportedLimits;
  readonly features: ReadonlySet<string>;
  /** The adapter's description: vendor, architecture, device. */
  readonly info: GPUAdapterInfo | null;
  /** Which of the known kinds of adapters it is: what plans are chosen by. */
  readonly family: Family;
  /** Debug mode: tensors made from now on that are left to the garbage collector are reported on the console with the line that made them. */
  reportDropped = false;
  /** @internal Plans that go before those that are shipped; `applyTuning` of fovea/tune sets it. */ plans: PlanTable | null =
    null;
  /** @internal */ readonly pool: Pool;
  /** @internal */ readonly programs: Programs;
  /** @internal */ readonly queue: Queue;
  /** @internal */ readonly bindGroups = new Map<string, GPUBindGroup>();
  /** @internal */ count = zeroCounters();
  /** @internal */ tensors = 0;
  /** @internal The programs and buffers met in `prepare`; null when dispatches are real. */ prepared: Set<Suspect> | null =
    null;
  /** @internal */ debug: Debug | null = null;
  /** @internal */ profiler: Profiler | null = null;
  /** @internal */ lost: DeviceLostError | null = null;
  /** @internal Where the device came from. Held, for in Node no promise of its devices settles once it has been collected. */
  readonly source: GPU | null;
  readonly #owned: boolean;
  readonly #onLost: Promise<never>;

  private constructor(device: GPUDevice, owned: boolean, info: GPUAdapterInfo | null, source: GPU | null) {
    this.device = device;
    this.source = source;
    this.limits = device.limits;
    this.features = device.features as ReadonlySet<string>;
    this.info = info;
    this.family = familyOf(info);
    this.#owned = owned;
    this.pool = new Pool(this);
    this.programs = new Programs(this);
    this.queue = new Queue(this);
    this.#onLost = device.lost.then((lost) => {
      this.lost ??= lostError('gpu', lost);
      throw this.lost;
    });
    this.#onLost.catch(() => undefined); // who waits sees it through orLost
  }

  /**
   * Asks for an adapter and a device with its best limits and the features that kernels can use.
   *
   * @throws FoveaError when there is no WebGPU or no adapter
   */
  static async create(options: GpuOptions = {}): Promise<Gpu> {
    const source = options.gpu ?? globalThis.navigator?.gpu;
    if (!source)
      throw new FoveaError(
        'Gpu.create',
        'this host has no WebGPU (navigator.gpu); in Node, pass { gpu: create([]) } of the package webgpu',
      );
    const adapter = await source.requestAdapter(
      options.powerPreference ? { powerPreference: options.powerPreference } : {},
    );
    if (!adapter) throw new FoveaError('Gpu.create', 'no WebGPU adapter was found; in Chrome, see chrome://gpu');
    const requiredLimits: Record<string, number> = {};
    for (const name in adapter.limits) {
      const value = adapter.limits[name as keyof GPUSupportedLimits];
      if (typeof value === 'number') requiredLimits[name] = value;
    }
    const requiredFeatures = (options.features ?? FEATURES).filter((f) => adapter.features.has(f));
    const device = await adapter.requestDevice({ requiredLimits, requiredFeatures });
    return new Gpu(device, true, adapter.info ?? null, source);
  }

  /** Adopts the application's device: it is never destroyed, and its error handlers and queue order stay as they are. */
  static from(device: GPUDevice): Gpu {
    return new Gpu(device, false, device.adapterInfo ?? null, null);
  }

  /**
   * A tensor with `data` in it.
   *
   * @param data  a number, a boolean, nested arrays of them, or a typed array
   * @param shape its shape; default that of the nesting, or `[length]`
   * @param dtype default by the array's type: f32 for plain numbers and floats, i32 and u32 for integers, bool for booleans
   * @throws ShapeError when data and shape disagree or the nesting is ragged; DTypeError for values that the dtype cannot hold
   */
  tensor(data: TensorData, shape?: Shape, options: { readonly dtype?: DType } = {}): Tensor {
    const host = fromData('tensor', data, shape, options.dtype);
    const t = this.empty(host.shape, host.dtype, 'tensor');
    this.write(t.storage, t.byteOffset, host.bytes);
    return t;
  }

  /** A tensor whose contents are yet to be written: whatever was in the memory. */
  empty(shape: Shape, dtype: DType = 'f32', op = 'empty'): Tensor {
    this.#checkLayout(op, shape, dtype);
    const bytes = words(shape, dtype) * 4 + (this.debug?.guardBytes ?? 0);
    const storage = new Storage(this, this.pool.take(op, bytes));
    const t = new Tensor(this, storage, 0, shape, dtype);
    for (const s of storage.suspects ?? []) this.prepared?.add(s);
    if (!this.prepared) this.debug?.allocated(t);
    return t;
  }

  /** A tensor of zeros (false for bool). */
  zeros(shape: Shape, dtype: DType = 'f32'): Tensor {
    const t = this.empty(shape, dtype, 'zeros');
    this.fillWords(t, 0);
    return t;
  }

  /**
   * A tensor over a buffer of the application's, without a copy. The buffer needs the usages STORAGE, COPY_SRC and COPY_DST; it is
   * never pooled or destroyed. Whoever writes it elsewhere must submit that work before Fovea's next flush.
   *
   * @param offset in bytes, a multiple of 256; from there the buffer must reach to a whole number of 16 bytes, which kernels read at a time
   * @throws ShapeError when the buffer is too small, its offset odd, or a usage missing
   */
  wrap(
    buffer: GPUBuffer,
    options: { readonly shape: Shape; readonly dtype?: DType; readonly offset?: number },
  ): Tensor {
    const { shape, dtype = 'f32', offset = 0 } = options;
    this.#checkLayout('wrap', shape, dtype);
    if (!(offset >= 0 && offset % 256 === 0))
      throw new ShapeError('wrap', `offset must be a multiple of 256 bytes, got ${offset}`);
    const end = offset + Math.max(16, Math.ceil(words(shape, dtype) / 4) * 16);
    if (end > buffer.size) {
      throw new ShapeError(
        'wrap',
        `${describe({ dtype, shape })} at offset ${offset} needs ${end} bytes, in units of 16, the buffer has ${buffer.size}`,
      );
    }
    const missing = [
      [0x80, 'STORAGE'],
      [0x4, 'COPY_SRC'],
      [0x8, 'COPY_DST'],
    ] as const;
    for (const [flag, name] of missing) {
      if (!(buffer.usage & flag)) throw new ShapeError('wrap', `the buffer lacks the usage ${name}`);
    }
    return new Tensor(this, new Storage(this, this.pool.adopt(buffer), true), offset, shape, dtype);
  }

  /** Submits what has been recorded. */
  flush(): void {
    this.queue.flush();
  }

  /** Submits what has been recorded and waits for the device; rejects with the first error it reports. */
  async sync(): Promise<void> {
    this.check('sync');
    await this.queue.sync();
  }

  /**
   * Compiles all that `f` needs and makes its buffers, without running it: the first real run then does not wait. Out of memory, it
   * empties the pool and tries once more.
   *
   * @param f a synchronous function of tensor operations; what it makes is freed
   * @throws KernelError, OutOfMemoryError
   */
  async prepare(f: () => unknown): Promise<void> {
    this.check('prepare');
    for (let attempt = 0; ; attempt++) {
      const met = this.#dryRun(f);
      await this.orLost('prepare', Promise.all([...met].map((s) => s.done)));
      const error = [...met].find((s) => s.error)?.error;
      if (!error) return;
      if (!(error instanceof OutOfMemoryError) || attempt > 0) throw error;
      this.trim();
    }
  }

  /**
   * Records the work of `f` into the caller's encoder instead of Fovea's own. Its uniforms and the buffers it frees stay out of use
   * until `release()`, which the caller calls once the encoder was submitted (or dropped).
   *
   * @param f synchronous; reading tensors inside is an error
   */
  encodeInto<T>(encoder: GPUCommandEncoder, f: () => T): { readonly value: T; release(): void } {
    this.check('encodeInto');
    if (this.queue.recording) throw new FoveaError('encodeInto', 'recordings cannot be nested');
    if (this.profiler)
      throw new FoveaError(
        'encodeInto',
        'cannot run inside profile, which reads its times before the encoder is submitted',
      );
    this.queue.flush();
    const recording: Recording = { encoder, arenas: [], freed: [] };
    this.queue.recording = recording;
    let value: T;
    try {
      value = scope(f);
    } finally {
      this.queue.endPass();
      this.queue.recording = null;
      for (const arena of recording.arenas) arena.write(this);
    }
    const release = () => {
      for (const storage of recording.freed.splice(0)) this.pool.give(storage.pooled);
      for (const arena of recording.arenas.splice(0)) this.queue.retire(arena);
    };
    return { value, release };
  }

  /**
   * Runs `f` and measures every kernel that it dispatches: calls, GPU time, bytes, floating-point operations. Results and counters are as
   * without, time on the host is longer. GPU times need the device's `timestamp-query` and are null where it lacks it.
   *
   * ```ts
   * const profile = await gpu.profile(() => step(), { modules: model });
   * console.log(profile.table());
   * ```
   *
   * @param f a synchronous function of tensor operations, run at once; everything made in it is freed but its result, as in `scope`
   * @returns a `Profile`: `value` (what `f` returned), `events`, `kernels`, `gpuTime`, `table()`, `trace()`
   * @throws FoveaError inside `profile`, `prepare` or `encodeInto`; whatever `f` throws; what the device refuses
   */
  profile<T>(f: () => T, options: ProfileOptions = {}): Promise<Profile<T>> {
    return profile(this, f, options);
  }

  counters(): Counters {
    return { ...this.count };
  }

  /** Sets the counters to zero and the peak of `memory()` to what is live. */
  resetCounters(): void {
    this.count = zeroCounters();
    this.pool.peak = this.pool.live;
  }

  memory(): MemoryUse {
    const { live, peak, pooled } = this.pool;
    return { live, peak, pooled, tensors: this.tensors };
  }

  /** Gives the pool's free buffers back to the device. */
  trim(): void {
    this.queue.flush();
    this.pool.trim();
  }

  /** Frees the pool and, if `Gpu.create` made the device, the device; every later use is a `DeviceLostError`. */
  destroy(): void {
    if (this.lost) return;
    this.trim();
    this.lost = new DeviceLostError('gpu', 'this Gpu was destroyed; create a new one');
    if (this.#owned) this.device.destroy();
  }

  /** @internal Throws when the device is gone. */
  check(op: string): void {
    if (this.lost) throw new DeviceLostError(op, this.lost.message.replace(/^\w+: /, ''));
  }

  #checkLayout(op: string, shape: Shape, dtype: DType): void {
    this.check(op);
    checkDTypeName(op, dtype);
    if (dtype === 'f16' && !this.features.has('shader-f16'))
      throw new LimitError(op, 'dtype f16 needs the device feature shader-f16, which this device lacks');
    checkSizes(op, shape);
  }

  /** @internal `work`, or the loss of the device, whichever comes first. */
  async orLost<T>(op: string, work: Promise<T>): Promise<T> {
    try {
      return await Promise.race([work, this.#onLost]);
    } catch (error) {
      // What a lost device refuses may be heard of before the loss itself.
      if (!this.lost)
        await Promise.race([this.#onLost.catch(() => undefined), new Promise((resolve) => setTimeout(resolve))]);
      if (this.lost) throw new DeviceLostError(op, this.lost.message.replace(/^\w+: /, ''), { cause: error });
      throw error;
    }
  }

  /** @internal Writes host bytes (a multiple of 4) into a storage, after whatever was recorded to use it. */
  write(storage: Storage, offset: number, bytes: Uint8Array<ArrayBuffer>): void {
    if (bytes.byteLength === 0) return;
    if (storage.pooled.usedIn === this.queue.batch && !this.queue.recording) this.queue.flush();
    this.device.queue.writeBuffer(storage.pooled.buffer, offset, bytes);
    this.count.writes++;
  }

  /** @internal Copies the elements of `source` into the memory of `target`; sizes and dtypes are equal. */
  copyInto(target: Tensor, source: Tensor): void {
    if (target.storage === source.storage && target.byteOffset === source.byteOffset) return;
    this.queue.copy(source, target, words(source.shape, source.dtype) * 4);
  }

  /** @internal Fills a tensor's memory with a word's bits. */
  fillWords(t: Tensor, bits: number): void {
    const size = words(t.shape, t.dtype);
    using raw = t.reinterpret('u32', [size]);
    dispatch(this, fill, { out: raw }, { words: size, bits }, grid(size, 256));
  }

  /** @internal A storage nobody refers to any more. */
  recycle(storage: Storage): void {
    if (this.lost) return;
    if (this.queue.recording) this.queue.recording.freed.push(storage);
    else this.pool.give(storage.pooled);
  }

  /** @internal */
  rememberBindGroup(key: string, group: GPUBindGroup): void {
    if (this.bindGroups.size >= MAX_BIND_GROUPS) this.bindGroups.clear();
    this.bindGroups.set(key, group);
  }

  #dryRun(f: () => unknown): Set<Suspect> {
    if (this.prepared) throw new FoveaError('prepare', 'calls cannot be nested');
    const met = new Set<Suspect>();
    this.prepared = met;
    try {
      scope(() => void f());
    } finally {
      this.prepared = null;
    }
    return met;
  }
}
