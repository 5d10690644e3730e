import { checkGuard, poison as poisonKernel } from '../generated/kernels.ts';
import { type DType, words } from '../host.ts';
import { KernelError } from '../runtime/errors.ts';
import type { Debug, Gpu } from '../runtime/gpu.ts';
import { dispatch, grid, type Kernel } from '../runtime/kernel.ts';
import type { Storage } from '../runtime/memory.ts';
import { Tensor } from '../tensor.ts';

/** What fresh memory holds: a NaN, or a large finite number, since `max` and `clamp` swallow NaN. Integers see the same bits. */
export type Poison = 'nan' | 'large';

const PATTERN: Readonly<Record<Poison, { readonly wide: number; readonly half: number }>> = {
  nan: { wide: 0x7fc00000, half: 0x7e007e00 },
  large: { wide: 0x7e967699, half: 0x78007800 },
};
const GUARD = 0x5afe5afe;
const GUARD_WORDS = 16;
const SLOTS = 4096;

/**
 * Poisons every allocation and puts guard words behind it, inside the range that kernels see (WebGPU clamps a write out of range to the
 * end of the binding). After each dispatch the guards of what it wrote are checked; `verify` throws for the first that changed.
 */
export class Guards implements Debug {
  readonly guardBytes = GUARD_WORDS * 4;
  poison: Poison = 'nan';
  readonly #gpu: Gpu;
  readonly #words = new WeakMap<Storage, number>();
  readonly #slots: string[] = [];
  readonly #slotOf = new Map<string, number>();
  readonly #flags: Tensor;
  readonly #checks: Promise<void>[] = [];

  /** Takes effect at once, for all that `gpu` allocates from here on. */
  constructor(gpu: Gpu) {
    this.#gpu = gpu;
    this.#flags = gpu.zeros([SLOTS], 'u32').alias();
    gpu.debug = this;
  }

  allocated(t: Tensor): void {
    const count = words(t.shape, t.dtype);
    this.#words.set(t.storage, count);
    const bits = PATTERN[this.poison][t.dtype === 'f16' ? 'half' : 'wide'];
    const total = count + GUARD_WORDS;
    this.#quietly(() => {
      using out = whole(t, total);
      dispatch(this.#gpu, poisonKernel, { out }, { words: count, total, poison: bits, guard: GUARD }, grid(total, 256));
    });
  }

  dispatched(kernel: Kernel, buffers: Readonly<Record<string, Tensor>>): void {
    for (const name in kernel.buffers) {
      if (kernel.buffers[name]?.access === 'read') continue;
      const t = buffers[name] as Tensor;
      const count = this.#words.get(t.storage);
      if (count === undefined) continue;
      const total = count + GUARD_WORDS;
      this.#quietly(() => {
        using x = whole(t, total);
        dispatch(
          this.#gpu,
          checkGuard,
          { x, flags: this.#flags },
          { words: count, total, guard: GUARD, slot: this.#slot(`${kernel.name}: ${name}`) },
          1,
        );
      });
    }
  }

  checking(check: Promise<void>): void {
    check.catch(() => undefined); // `verify` reports it
    this.#checks.push(check);
  }

  /**
   * Throws if a kernel wrote past the end of a buffer since the last call, or if a function that was given to one is not what it must be (a
   * score_mod_grad that is no derivative).
   */
  async verify(): Promise<void> {
    await Promise.all(this.#checks.splice(0));
    const flags = await this.#flags.data();
    const found = this.#slots.filter((_, i) => flags[i] !== 0);
    if (found.length === 0) return;
    this.#gpu.fillWords(this.#flags, 0);
    throw new KernelError(
      found[0] as string,
      `was written past its end${found.length > 1 ? ` (and so were ${found.slice(1).join(', ')})` : ''}`,
    );
  }

  #slot(name: string): number {
    let slot = this.#slotOf.get(name);
    if (slot === undefined) {
      slot = this.#slots.push(name) - 1;
      this.#slotOf.set(name, slot);
    }
    return slot;
  }

  /** Without being called back for the harness's own dispatches. */
  #quietly(f: () => void): void {
    this.#gpu.debug = null;
    try {
      f();
    } finally {
      this.#gpu.debug = this;
    }
  }
}

/** A storage from its first word, guard included. */
function whole(t: Tensor, total: number): Tensor {
  const dtype: DType = 'u32';
  return new Tensor(t.gpu, t.storage.retain(), 0, [total - GUARD_WORDS], dtype, undefined, false);
}
