import { LimitError } from './errors.ts';
import type { Gpu } from './gpu.ts';
import { type Suspect, watch } from './suspect.ts';

// The WebGPU usage flags, spelled out: Node's WebGPU defines no GPUBufferUsage global.
export const MAP_READ = 0x1;
export const COPY_SRC = 0x4;
export const COPY_DST = 0x8;
export const UNIFORM = 0x40;
export const STORAGE = 0x80;

/** A GPUBuffer with its number; numbers order the pool and key the bind groups. */
export interface PooledBuffer {
  readonly id: number;
  readonly buffer: GPUBuffer;
  readonly size: number;
  /** The batch (see queue.ts) that last used this buffer: the host must not write it before that is submitted. */
  usedIn: number;
  /** The creation of the buffer, until the device has confirmed it. */
  suspect: Suspect | null;
}

/** Smallest allocation; also the alignment of tensors inside a flat storage. */
export const ALIGNMENT = 256;

/** The size of the buffer that serves `bytes`: multiples of 256 up to 2 KiB, then eight sizes an octave. */
export function sizeClass(bytes: number): number {
  const need = Math.max(bytes, 16);
  const step = need <= 2048 ? ALIGNMENT : Math.max(ALIGNMENT, 2 ** Math.floor(Math.log2(need - 1)) / 8);
  return Math.ceil(need / step) * step;
}

/** Free buffers by size. The lowest-numbered one that fits goes out first, so that a repeated step meets the same buffers. */
export class Pool {
  readonly #gpu: Gpu;
  readonly #free = new Map<number, PooledBuffer[]>();
  #nextId = 1;
  readonly #foreign = new WeakMap<GPUBuffer, PooledBuffer>();
  live = 0;
  peak = 0;
  pooled = 0;

  constructor(gpu: Gpu) {
    this.#gpu = gpu;
  }

  take(op: string, bytes: number): PooledBuffer {
    const size = sizeClass(bytes);
    const { maxBufferSize, maxStorageBufferBindingSize } = this.#gpu.limits;
    const limit = Math.min(maxBufferSize, maxStorageBufferBindingSize);
    if (size > limit)
      throw new LimitError(op, `a tensor of ${bytes} bytes is over the device's limit of ${limit} bytes a buffer`);
    const found = this.#free.get(size)?.shift();
    if (found) this.pooled -= size;
    this.live += size;
    this.peak = Math.max(this.peak, this.live);
    return found ?? this.#create(op, size);
  }

  give(buffer: PooledBuffer): void {
    this.live -= buffer.size;
    if (buffer.suspect?.error) return;
    this.pooled += buffer.size;
    const bucket = this.#free.get(buffer.size);
    if (!bucket) {
      this.#free.set(buffer.size, [buffer]);
      return;
    }
    let lo = 0;
    let hi = bucket.length;
    while (lo < hi) {
      const mid = (lo + hi) >> 1;
      if ((bucket[mid] as PooledBuffer).id < buffer.id) lo = mid + 1;
      else hi = mid;
    }
    bucket.splice(lo, 0, buffer);
  }

  /** The number of a buffer that is not ours; the same buffer keeps the same number, so that its bind groups are found again. */
  adopt(buffer: GPUBuffer): PooledBuffer {
    let known = this.#foreign.get(buffer);
    if (!known) {
      known = { id: this.#nextId++, buffer, size: buffer.size, usedIn: -1, suspect: null };
      this.#foreign.set(buffer, known);
    }
    return known;
  }

  /** Destroys every free buffer. Work already recorded on them must have been submitted. */
  trim(): void {
    for (const bucket of this.#free.values()) for (const { buffer } of bucket) buffer.destroy();
    this.#gpu.bindGroups.clear();
    this.#free.clear();
    this.pooled = 0;
  }

  #create(op: string, size: number): PooledBuffer {
    const { device, count } = this.#gpu;
    const { value, suspect } = watch(this.#gpu, op, 'out-of-memory', () =>
      device.createBuffer({ size, usage: STORAGE | COPY_SRC | COPY_DST }),
    );
    count.buffers++;
    count.bytesAllocated += size;
    return { id: this.#nextId++, buffer: value, size, usedIn: -1, suspect };
  }
}

/** Bytes on the device, shared by tensors and counted: the last release gives the buffer back to the pool. */
export class Storage {
  readonly gpu: Gpu;
  readonly pooled: PooledBuffer;
  /** Bytes bound after the data in which nothing may be written; 0 outside of tests. */
  readonly guardBytes: number;
  /** The batch (see queue.ts) that last wrote this storage. */
  writtenIn = -1;
  /** Unconfirmed pipelines and buffers that the contents depend on. */
  suspects: Set<Suspect> | null = null;
  readonly #foreign: boolean;
  #references = 1;

  constructor(gpu: Gpu, pooled: PooledBuffer, foreign = false) {
    this.gpu = gpu;
    this.pooled = pooled;
    this.#foreign = foreign;
    this.guardBytes = foreign ? 0 : (gpu.debug?.guardBytes ?? 0);
    if (pooled.suspect) {
      if (pooled.suspect.settled && !pooled.suspect.error) pooled.suspect = null;
      else this.suspects = new Set([pooled.suspect]);
    }
  }

  retain(): this {
    this.#references++;
    return this;
  }

  release(): void {
    if (--this.#references === 0 && !this.#foreign) this.gpu.recycle(this);
  }
}
