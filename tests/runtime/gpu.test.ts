import { afterEach, describe, expect, test } from 'vitest';
import { fill, sumN } from '../../src/generated/kernels.ts';
import {
  DeviceLostError,
  DisposedError,
  DTypeError,
  KernelError,
  LimitError,
  ShapeError,
} from '../../src/runtime/errors.ts';
import { Gpu } from '../../src/runtime/gpu.ts';
import { dispatch, type Kernel } from '../../src/runtime/kernel.ts';
import { keep, scope } from '../../src/runtime/scope.ts';
import type { Tensor } from '../../src/tensor.ts';

/** Without guards and poison, whose dispatches would be counted. */
const gpu = await Gpu.create();

function double(x: Tensor): Tensor {
  const out = x.gpu.empty(x.shape);
  const rest = { x2: x, x3: x, x4: x, x5: x, x6: x };
  dispatch(x.gpu, sumN, { x0: x, x1: x, ...rest, out }, { size: x.size }, 1, { COUNT: 2 });
  return out;
}

/** A kernel as the generator would make it, but wrong. */
const broken: Kernel = {
  ...fill,
  name: 'broken',
  sources: [[0, 'shaders/broken.wgsl', 0]],
  code: '@group(0) @binding(1) var<storage, read_write> out: array<u32>;\n@compute @workgroup_size(1) fn main() { out[0] = nonsense; }',
};

describe('tensors', () => {
  test('host data of every kind comes back', async () => {
    expect(
      await gpu
        .tensor([
          [1, 2],
          [3, 4],
        ])
        .array(),
    ).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(await gpu.tensor(7).item()).toBe(7);
    expect(gpu.tensor(7).shape).toEqual([]);
    expect(await gpu.tensor(new Float64Array([1, 2])).data()).toEqual(new Float32Array([1, 2]));
    expect(await gpu.tensor(new Int32Array([-1, 2])).data()).toEqual(new Int32Array([-1, 2]));
    expect(await gpu.tensor(new Uint8Array([200])).data()).toEqual(new Uint32Array([200]));
    expect(await gpu.tensor([true, false, true]).data()).toEqual(new Uint8Array([1, 0, 1]));
    expect(await gpu.tensor([1, 0, 0, 1, 1], [5], { dtype: 'bool' }).array()).toEqual([true, false, false, true, true]);
    expect(await gpu.tensor([1, 2, 3], undefined, { dtype: 'i32' }).data()).toEqual(new Int32Array([1, 2, 3]));
    expect(await gpu.tensor([], [0, 3]).array()).toEqual([]);
    expect(await gpu.zeros([5], 'bool').data()).toEqual(new Uint8Array(5));
  });

  test('bad data is a typed error that says what was wrong', () => {
    expect(() => gpu.tensor([1, 2, 3], [2, 2])).toThrow(
      new ShapeError('tensor', 'shape [2, 2] holds 4 elements, data has 3'),
    );
    expect(() => gpu.tensor([[1, 2], [3]])).toThrow('tensor: data must not be ragged, got rows of shape [2] and [1]');
    expect(() => gpu.tensor([1.5], [1], { dtype: 'i32' })).toThrow(DTypeError);
    expect(() => gpu.tensor([2], [1], { dtype: 'bool' })).toThrow(
      'tensor: data must hold booleans, 0 or 1, got 2 at element 0',
    );
    expect(() => gpu.empty([-1])).toThrow(ShapeError);
    expect(() => gpu.empty([2 ** 33])).toThrow(LimitError);
    const t = gpu.tensor([1]);
    t.dispose();
    t.dispose();
    expect(() => t.storage).toThrow(DisposedError);
  });

  test('f16 rounds to nearest even, or is refused where the device has none', async () => {
    if (!gpu.features.has('shader-f16')) {
      expect(() => gpu.tensor([1], [1], { dtype: 'f16' })).toThrow('needs the device feature shader-f16');
      return;
    }
    const t = gpu.tensor([1, 1 + 2 ** -11, 1 + 3 * 2 ** -11, 65504, 65520, 2 ** -24, -0.1], [7], { dtype: 'f16' });
    expect([...(await t.data())]).toEqual([
      1,
      1,
      1 + 2 ** -9,
      65504,
      Number.POSITIVE_INFINITY,
      2 ** -24,
      -0.0999755859375,
    ]);
  });
});

describe('scope', () => {
  test('frees what is made in it but results and what is kept', () => {
    const before = gpu.memory().tensors;
    let kept: Tensor | undefined;
    const { list } = scope(() => {
      kept = keep(gpu.zeros([2]));
      gpu.zeros([3]);
      return { list: [gpu.zeros([4])] };
    });
    expect(gpu.memory().tensors).toBe(before + 2);
    expect(list[0]?.disposed).toBe(false);
    list[0]?.dispose();
    kept?.dispose();
  });

  test('results of an inner scope belong to the outer one', () => {
    const before = gpu.memory();
    scope(() => {
      scope(() => gpu.zeros([5]));
      expect(gpu.memory().tensors).toBe(before.tensors + 1);
    });
    expect(gpu.memory().tensors).toBe(before.tensors);
    expect(gpu.memory().live).toBe(before.live);
  });

  test('frees everything when it throws, and refuses async functions', () => {
    const before = gpu.memory().tensors;
    expect(() =>
      scope(() => {
        gpu.zeros([2]);
        throw new Error('no');
      }),
    ).toThrow('no');
    expect(() => scope(async () => gpu.zeros([2]))).toThrow('scope: f must be synchronous');
    expect(gpu.memory().tensors).toBe(before);
  });

  test('using disposes', () => {
    const before = gpu.memory().tensors;
    {
      using t = gpu.zeros([2]);
      expect(t.disposed).toBe(false);
    }
    expect(gpu.memory().tensors).toBe(before);
  });
});

describe('queue', () => {
  test('many dispatches are one pass and one submit', async () => {
    await gpu.sync();
    gpu.resetCounters();
    const y = scope(() => {
      let x = gpu.tensor([1, 2, 3]);
      for (let i = 0; i < 20; i++) x = double(x);
      return x;
    });
    expect([...(await y.data())]).toEqual([1, 2, 3].map((v) => v * 2 ** 20));
    const { dispatches, passes, submits, copies, reads, writes } = gpu.counters();
    expect({ dispatches, passes, submits, copies, reads, writes }).toEqual({
      dispatches: 20,
      passes: 1,
      submits: 1,
      copies: 1,
      reads: 1,
      writes: 2,
    });
    y.dispose();
  });

  test('a repeated step creates nothing new, and memory is flat', async () => {
    const step = () =>
      scope(() => {
        const x = gpu.tensor([1, 2, 3]);
        const y = double(double(x));
        return double(y);
      });
    for (let i = 0; i < 2; i++) step().dispose();
    await gpu.sync();
    gpu.resetCounters();
    const before = gpu.memory();
    for (let i = 0; i < 50; i++) {
      step().dispose();
      gpu.flush();
    }
    const { buffers, bindGroups, pipelines, submits } = gpu.counters();
    expect({ buffers, bindGroups, pipelines, submits }).toEqual({
      buffers: 0,
      bindGroups: 0,
      pipelines: 0,
      submits: 50,
    });
    expect(gpu.memory()).toEqual({ ...before, peak: gpu.memory().peak });
  });

  test('each dispatch of a batch has its own parameters', async () => {
    const filled = [3, 5, 7].map((bits) => {
      const out = gpu.empty([2], 'u32');
      dispatch(gpu, fill, { out }, { words: 2, bits }, 1);
      return out;
    });
    expect(await Promise.all(filled.map(async (t) => [...(await t.data())]))).toEqual([
      [3, 3],
      [5, 5],
      [7, 7],
    ]);
  });

  test('a host write does not overtake recorded work on the same memory', async () => {
    const x = gpu.tensor([1, 2, 3]);
    const y = double(x);
    x.dispose(); // its buffer is the next one of its size
    const z = gpu.tensor([10, 20, 30]);
    expect([...(await y.data())]).toEqual([2, 4, 6]);
    expect([...(await z.data())]).toEqual([10, 20, 30]);
  });

  test('reads started together share a submit', async () => {
    const a = double(gpu.tensor([1]));
    const b = double(gpu.tensor([2]));
    await gpu.sync();
    gpu.resetCounters();
    expect(await Promise.all([a.item(), b.item()])).toEqual([2, 4]);
    expect(gpu.counters().submits).toBe(1);
  });

  test('work is submitted at the end of the task without being asked', async () => {
    await gpu.sync();
    gpu.resetCounters();
    double(gpu.tensor([1]));
    expect(gpu.counters().submits).toBe(0);
    await Promise.resolve();
    expect(gpu.counters().submits).toBe(1);
  });

  test('more uniforms than the arena holds', async () => {
    const y = scope(() => {
      let x = gpu.tensor([0]);
      for (let i = 0; i < 5000; i++) {
        const next = double(x);
        x.dispose();
        x = next;
      }
      return x;
    });
    expect(await y.item()).toBe(0);
  });
});

describe('errors from the device', () => {
  test('a kernel that does not compile rejects the read with file and line, and the engine goes on', async () => {
    const out = gpu.empty([4], 'u32');
    dispatch(gpu, broken, { out }, { words: 4, bits: 0 }, 1);
    await expect(out.data()).rejects.toThrow(/^broken: shaders\/broken\.wgsl:2:\d+: .*nonsense/s);
    expect(() => dispatch(gpu, broken, { out }, { words: 4, bits: 0 }, 1)).toThrow(KernelError);
    await expect(gpu.sync()).rejects.toThrow(KernelError);
    await gpu.sync();
    expect(await double(gpu.tensor([4])).item()).toBe(8);
  });

  test('doubt travels through later work', async () => {
    const bad: Kernel = { ...broken, name: 'bad' };
    const x = gpu.empty([1], 'u32');
    dispatch(gpu, bad, { out: x }, { words: 1, bits: 0 }, 1);
    gpu.flush();
    const z = double(x.reinterpret('f32', [1]));
    await expect(z.data()).rejects.toThrow(/^bad: /);
    await gpu.sync().catch(() => undefined);
  });

  test('prepare compiles without dispatching, and reports what does not compile', async () => {
    await gpu.sync();
    gpu.resetCounters();
    await gpu.prepare(() => double(gpu.zeros([3])));
    expect(gpu.counters().dispatches).toBe(0);
    const refused: Kernel = { ...broken, name: 'refused' };
    await expect(
      gpu.prepare(() => dispatch(gpu, refused, { out: gpu.empty([1], 'u32') }, { words: 1, bits: 0 }, 1)),
    ).rejects.toThrow(KernelError);
    expect(await double(gpu.tensor([4])).item()).toBe(8);
  });

  test('a buffer read and written in one dispatch is named before WebGPU sees it', () => {
    const x = gpu.zeros([4]);
    const rest = { x1: x, x2: x, x3: x, x4: x, x5: x, x6: x };
    expect(() => dispatch(gpu, sumN, { x0: x, ...rest, out: x }, { size: 4 }, 1)).toThrow(
      'out is written, so x0 may not lie in the same buffer',
    );
  });
});

describe("the application's own objects", () => {
  afterEach(() => gpu.sync());

  test('wrap computes on a foreign buffer and buffer hands ours out', async () => {
    const mine = gpu.device.createBuffer({ size: 512, usage: 0x80 | 0x4 | 0x8 });
    gpu.device.queue.writeBuffer(mine, 256, new Float32Array([1, 2, 3]));
    const x = gpu.wrap(mine, { shape: [3], offset: 256 });
    const y = double(x);
    expect([...(await y.data())]).toEqual([2, 4, 6]);
    const target = gpu.device.createBuffer({ size: 16, usage: 0x1 | 0x8 });
    const encoder = gpu.device.createCommandEncoder();
    encoder.copyBufferToBuffer(y.buffer, y.byteOffset, target, 0, 12);
    gpu.device.queue.submit([encoder.finish()]);
    await target.mapAsync(1);
    expect([...new Float32Array(target.getMappedRange(0, 12))]).toEqual([2, 4, 6]);
    x.dispose();
    gpu.trim();
    gpu.device.queue.writeBuffer(mine, 256, new Float32Array([5])); // still alive
    expect(() => gpu.wrap(mine, { shape: [200] })).toThrow(
      'wrap: f32[200] at offset 0 needs 800 bytes, in units of 16, the buffer has 512',
    );
    const small = gpu.device.createBuffer({ size: 12, usage: 0x80 | 0x4 | 0x8 });
    expect(() => gpu.wrap(small, { shape: [3] })).toThrow(
      'f32[3] at offset 0 needs 16 bytes, in units of 16, the buffer has 12',
    );
    expect(() => gpu.wrap(mine, { shape: [1], offset: 4 })).toThrow('offset must be a multiple of 256');
    expect(() => gpu.wrap(target, { shape: [1] })).toThrow('lacks the usage STORAGE');
  });

  test('encodeInto records into the encoder of the caller, and its memory waits for release', async () => {
    const encoder = gpu.device.createCommandEncoder();
    const x = gpu.tensor([1, 2]);
    const submits = gpu.counters().submits;
    const { value, release } = gpu.encodeInto(encoder, () => double(double(x)));
    const other = double(x); // uses neither the memory nor the uniforms of the recording
    expect([...(await other.data())]).toEqual([2, 4]);
    expect(gpu.counters().submits).toBe(submits + 1);
    gpu.device.queue.submit([encoder.finish()]);
    release();
    expect([...(await value.data())]).toEqual([4, 8]);
    expect(() => gpu.encodeInto(gpu.device.createCommandEncoder(), () => gpu.flush())).toThrow(
      'inside encodeInto nothing can be submitted',
    );
  });
});

describe('losing the device', () => {
  test('what is pending rejects with DeviceLostError, and so does all later use', async () => {
    const lost = await Gpu.create();
    const x = double(lost.tensor([1]));
    await lost.sync();
    const pending = x.data();
    lost.device.destroy();
    await expect(pending).rejects.toThrow(DeviceLostError);
    await expect(lost.sync()).rejects.toThrow(DeviceLostError);
    expect(() => lost.tensor([1])).toThrow(DeviceLostError);
  });

  test('Gpu.from adopts a device and never destroys it', async () => {
    const owner = await Gpu.create();
    const guest = Gpu.from(owner.device);
    expect(await double(guest.tensor([3])).item()).toBe(6);
    guest.destroy();
    expect(() => guest.tensor([1])).toThrow(DeviceLostError);
    expect(await double(owner.tensor([3])).item()).toBe(6);
    owner.destroy();
  });
});
