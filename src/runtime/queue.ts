import type { Tensor } from '../tensor.ts';
import { DeviceLostError, FoveaError } from './errors.ts';
import type { Gpu } from './gpu.ts';
import { COPY_DST, MAP_READ, type PooledBuffer, type Storage, sizeClass, UNIFORM } from './memory.ts';
import { type Suspect, watch } from './suspect.ts';

/** Uniform offsets are multiples of this (WebGPU's default limit, which every device honours). */
const SLOT = 256;
/** Bytes of uniforms a batch may hold: 4,096 dispatches, after which it is submitted. */
const ARENA_BYTES = 1 << 20;

/** A uniform buffer filled on the host and written in one go just before the work that reads it is submitted. */
class Arena {
  readonly pooled: PooledBuffer;
  readonly #bytes = new ArrayBuffer(ARENA_BYTES);
  readonly view = new DataView(this.#bytes);
  used = 0;

  constructor(gpu: Gpu) {
    this.pooled = gpu.pool.adopt(
      gpu.device.createBuffer({ label: 'fovea uniforms', size: ARENA_BYTES, usage: UNIFORM | COPY_DST }),
    );
    gpu.count.buffers++;
    gpu.count.bytesAllocated += ARENA_BYTES;
  }

  get full(): boolean {
    return this.used + SLOT > ARENA_BYTES;
  }

  /** The offset of a fresh slot for `bytes` of parameters. */
  take(bytes: number): number {
    const offset = this.used;
    this.used += Math.ceil(bytes / SLOT) * SLOT;
    return offset;
  }

  write(gpu: Gpu): void {
    if (this.used === 0) return;
    gpu.device.queue.writeBuffer(this.pooled.buffer, 0, this.#bytes, 0, this.used);
    gpu.count.writes++;
    this.used = 0;
  }
}

/** Work encoded into the caller's command encoder, with uniforms and freed storages that stay out of use until it is released. */
export interface Recording {
  readonly encoder: GPUCommandEncoder;
  readonly arenas: Arena[];
  readonly freed: Storage[];
}

/**
 * One open encoder with one open pass. Dispatches are appended and nothing is submitted until a read, an explicit `flush`, the end of
 * the JavaScript task, or a full uniform arena.
 */
export class Queue {
  readonly #gpu: Gpu;
  /** The number of the open batch. */
  batch = 0;
  recording: Recording | null = null;
  #encoder: GPUCommandEncoder | null = null;
  #pass: GPUComputePassEncoder | null = null;
  #arena: Arena | null = null;
  /** Arenas of released recordings, for the next recording. */
  readonly #spare: Arena[] = [];
  #suspects = new Set<Suspect>();
  /** Submitted batches that the device has not confirmed, or has refused. */
  readonly #submitted = new Map<number, Suspect>();
  readonly #staging = new Map<number, GPUBuffer[]>();

  constructor(gpu: Gpu) {
    this.#gpu = gpu;
  }

  /** The arena with room for one more dispatch. */
  arena(): Arena {
    if (this.recording) {
      const { arenas } = this.recording;
      if (arenas.length === 0 || arenas.at(-1)?.full) arenas.push(this.#spare.shift() ?? new Arena(this.#gpu));
      return arenas.at(-1) as Arena;
    }
    if (this.#arena?.full) this.flush();
    this.#arena ??= new Arena(this.#gpu);
    return this.#arena;
  }

  /** Takes back the arena of a recording whose encoder has been submitted. */
  retire(arena: Arena): void {
    this.#spare.push(arena);
  }

  /** The open pass, for a dispatch of `kernel`; while profiling each has a pass of its own, of which the counters hear nothing. */
  pass(kernel: string): GPUComputePassEncoder {
    const { profiler, count } = this.#gpu;
    if (!this.#pass) count.passes++;
    else if (!profiler) return this.#pass;
    this.#pass?.end();
    this.#pass = this.#open().beginComputePass(profiler?.pass(kernel) ?? { label: 'fovea' });
    return this.#pass;
  }

  /** Remembers that the open batch uses something the device has yet to confirm, to name it should the batch fail. */
  suspect(suspect: Suspect): void {
    this.#suspects.add(suspect);
  }

  flush(): void {
    if (this.recording)
      throw new FoveaError(
        'flush',
        'inside encodeInto nothing can be submitted or read; do it after the encoder was submitted',
      );
    if (!this.#encoder) return;
    const encoder = this.#encoder;
    this.endPass();
    this.#encoder = null;
    this.#arena?.write(this.#gpu);
    const inBatch = this.#suspects;
    this.#suspects = new Set();
    const batch = this.batch++;
    const { suspect } = watch(
      this.#gpu,
      'submit',
      'validation',
      () => this.#gpu.device.queue.submit([encoder.finish()]),
      (message) => blame(message, inBatch),
    );
    this.#submitted.set(batch, suspect);
    void suspect.done.then(() => {
      if (!suspect.error) this.#submitted.delete(batch);
    });
    this.#gpu.count.submits++;
  }

  endPass(): void {
    this.#pass?.end();
    this.#pass = null;
  }

  /** Copies the memory of one tensor to another. */
  copy(source: Tensor, target: Tensor, bytes: number): void {
    if (bytes === 0) return;
    const encoder = this.#open();
    this.endPass();
    encoder.copyBufferToBuffer(
      source.storage.pooled.buffer,
      source.byteOffset,
      target.storage.pooled.buffer,
      target.byteOffset,
      bytes,
    );
    this.#gpu.count.copies++;
    source.storage.pooled.usedIn = this.batch;
    target.storage.pooled.usedIn = this.batch;
    target.storage.writtenIn = this.batch;
  }

  /** Copies `bytes` of a storage to the host. Reads started in one JavaScript task share a submit. */
  async read(op: string, storage: Storage, offset: number, bytes: number): Promise<ArrayBuffer> {
    const gpu = this.#gpu;
    if (this.recording) throw new FoveaError(op, 'a tensor cannot be read inside encodeInto');
    gpu.check(op);
    const size = sizeClass(bytes);
    const staging = this.#staging.get(size)?.pop() ?? gpu.device.createBuffer({ size, usage: MAP_READ | COPY_DST });
    const encoder = this.#open();
    this.endPass();
    encoder.copyBufferToBuffer(storage.pooled.buffer, offset, staging, 0, Math.ceil(bytes / 4) * 4);
    gpu.count.copies++;
    gpu.count.reads++;
    const batch = this.batch;
    storage.pooled.usedIn = batch;
    const suspects = [...(storage.suspects ?? [])];
    await Promise.resolve(); // other reads of this task join the batch
    if (this.batch === batch) this.flush();
    try {
      await this.confirm(op, suspects, [storage.writtenIn, batch]);
      await gpu.orLost(op, staging.mapAsync(MAP_READ, 0, size));
    } catch (error) {
      staging.destroy();
      throw error;
    }
    const copy = staging.getMappedRange(0, size).slice(0, bytes);
    staging.unmap();
    const bucket = this.#staging.get(size) ?? [];
    bucket.push(staging);
    this.#staging.set(size, bucket);
    return copy;
  }

  /** Waits for the device's word on `suspects` and on the batches named; throws the first refusal. */
  async confirm(op: string, suspects: readonly Suspect[], batches: readonly number[]): Promise<void> {
    const all = [...suspects, ...batches.map((b) => this.#submitted.get(b)).filter((s) => s !== undefined)];
    await this.#gpu.orLost(op, Promise.all(all.map((s) => s.done)));
    for (const s of all) if (s.error) throw s.error;
  }

  /** Waits until all submitted work is done and confirmed; throws the first refusal since the last call, and forgets them. */
  async sync(): Promise<void> {
    this.flush();
    await this.#gpu.orLost('sync', this.#gpu.device.queue.onSubmittedWorkDone());
    const submitted = [...this.#submitted];
    await this.#gpu.orLost('sync', Promise.all(submitted.map(([, s]) => s.done)));
    for (const [batch] of submitted) this.#submitted.delete(batch);
    for (const [, s] of submitted) if (s.error) throw s.error;
  }

  #open(): GPUCommandEncoder {
    if (this.recording) return this.recording.encoder;
    if (!this.#encoder) {
      this.#gpu.check('dispatch');
      this.#encoder = this.#gpu.device.createCommandEncoder({ label: 'fovea' });
      queueMicrotask(() => {
        if (!this.#gpu.lost && !this.recording) this.flush();
      });
    }
    return this.#encoder;
  }
}

/** A batch fails because of something in it: that error says more than the batch's own. */
async function blame(message: string, inBatch: ReadonlySet<Suspect>): Promise<Error> {
  await Promise.all([...inBatch].map((s) => s.done));
  return [...inBatch].find((s) => s.error)?.error ?? new FoveaError('submit', message);
}

/** The error for work that was pending when the device went away. */
export function lostError(op: string, info: GPUDeviceLostInfo): DeviceLostError {
  return new DeviceLostError(
    op,
    `the GPU device was lost (${info.reason || 'unknown'}${info.message ? `: ${info.message}` : ''}); create a new Gpu`,
  );
}
