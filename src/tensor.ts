import {
  type DataOf,
  type DType,
  decode,
  describe,
  type NestedArray,
  nest,
  type Shape,
  sizeOf,
  words,
} from './host.ts';
import { DisposedError, ShapeError } from './runtime/errors.ts';
import type { Gpu } from './runtime/gpu.ts';
import type { Storage } from './runtime/memory.ts';
import { enter } from './runtime/scope.ts';

export type { DataOf, DType, NestedArray, Shape };

let nextId = 1;

/** The net below `scope` and `dispose`: frees the storage of handles that were dropped and, where asked, says where they were made. */
const dropped = new FinalizationRegistry<Held>((held) => {
  if (held.site) console.warn(`fovea: a tensor was left to the garbage collector, made\n${held.site}`);
  held.release();
});

/** A tensor's share of its storage, apart from the handle, so that the finalizer can give it back. */
interface Held {
  release(): void;
  readonly site: string | undefined;
}

/**
 * A row-major array on the GPU: a handle on (a part of) a storage. Operators are functions (`add(a, b)`) and never consume their
 * arguments; memory is freed by `scope`, `using`, `dispose()`, or at last by garbage collection.
 */
export class Tensor {
  readonly gpu: Gpu;
  readonly shape: Shape;
  readonly dtype: DType;
  /** @internal Equal for handles of one value, by which the tape knows it. */
  readonly id: number;
  #storage: Storage | null;
  #byteOffset: number;
  readonly #registered: boolean;

  /** @internal Takes over one reference to `storage`. Aliases (`registered` false) are in no scope and not counted. */
  constructor(
    gpu: Gpu,
    storage: Storage,
    byteOffset: number,
    shape: Shape,
    dtype: DType,
    id = nextId++,
    registered = true,
  ) {
    this.gpu = gpu;
    this.shape = shape;
    this.dtype = dtype;
    this.id = id;
    this.#storage = storage;
    this.#byteOffset = byteOffset;
    this.#registered = registered;
    if (!registered) return;
    gpu.tensors++;
    enter(this);
    this.#watch(storage);
  }

  get rank(): number {
    return this.shape.length;
  }

  /** The number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  get disposed(): boolean {
    return this.#storage === null;
  }

  /** The buffer the tensor lies in, at `byteOffset`, after submitting the work that writes it. */
  get buffer(): GPUBuffer {
    this.gpu.flush();
    return this.storage.pooled.buffer;
  }

  get byteOffset(): number {
    return this.#byteOffset;
  }

  /** @internal */
  get storage(): Storage {
    if (!this.#storage)
      throw new DisposedError('tensor', `${describe(this)} was used after it was disposed (or its scope ended)`);
    return this.#storage;
  }

  /** @internal Bytes a kernel may see: whole vec4s, and the guard words of the test harness. */
  get boundBytes(): number {
    const bytes = words(this.shape, this.dtype) * 4 + this.storage.guardBytes;
    return Math.min(Math.max(16, Math.ceil(bytes / 16) * 16), this.storage.pooled.size - this.#byteOffset);
  }

  /** The elements as a typed array: Float32Array for f32 and f16, Int32Array, Uint32Array, and Uint8Array of 0 and 1 for bool. */
  async data(): Promise<DataOf[DType]> {
    const bytes = words(this.shape, this.dtype) * 4;
    if (bytes === 0) return decode(new ArrayBuffer(0), this.dtype, 0);
    return decode(await this.gpu.queue.read('data', this.storage, this.#byteOffset, bytes), this.dtype, this.size);
  }

  /** The elements as nested arrays; booleans for bool. */
  async array(): Promise<NestedArray<number | boolean>> {
    const data = await this.data();
    return nest<number | boolean>(this.dtype === 'bool' ? Array.from(data, Boolean) : data, this.shape);
  }

  /** The value of a tensor of one element. */
  async item(): Promise<number> {
    if (this.size !== 1) throw new ShapeError('item', `the tensor must have one element, got ${describe(this)}`);
    return (await this.data())[0] as number;
  }

  /** Gives the memory back once nothing else (a view, a tape) needs it. Twice is no error. */
  dispose(): void {
    const storage = this.#storage;
    if (!storage) return;
    this.#storage = null;
    if (this.#registered) {
      this.gpu.tensors--;
      dropped.unregister(this);
    }
    storage.release();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** @internal Another handle on the same value; unless `registered` it is in no scope: what the tape saves. */
  alias(registered = false): Tensor {
    return new Tensor(this.gpu, this.storage.retain(), this.#byteOffset, this.shape, this.dtype, this.id, registered);
  }

  /** @internal A new tensor over the same memory; unlike `reshape` no tape hears of it. */
  reinterpret(dtype: DType, shape: Shape, byteOffset = this.#byteOffset): Tensor {
    return new Tensor(this.gpu, this.storage.retain(), byteOffset, shape, dtype);
  }

  /** @internal Moves the handle to other memory of the same size, which holds its value; it takes over one reference. */
  rebase(storage: Storage, byteOffset: number): void {
    this.storage.release();
    this.#storage = storage;
    this.#byteOffset = byteOffset;
    dropped.unregister(this);
    if (this.#registered) this.#watch(storage);
  }

  #watch(storage: Storage): void {
    const { gpu } = this;
    const release = () => {
      gpu.tensors--;
      storage.release();
    };
    const site = gpu.reportDropped ? new Error().stack?.split('\n').slice(4).join('\n') : undefined;
    dropped.register(this, { release, site }, this);
  }
}
