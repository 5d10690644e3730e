import { describe, expect, test } from 'vitest';
import { grad, valueAndGrad } from '../../src/autograd/tape.ts';
import { fill } from '../../src/generated/kernels.ts';
import { GRU, Linear, Module, Rng } from '../../src/nn/index.ts';
import { add, mul } from '../../src/ops/binary.ts';
import { concat, split } from '../../src/ops/concat.ts';
import { gather } from '../../src/ops/gather.ts';
import { gru } from '../../src/ops/gru.ts';
import { logsumexp } from '../../src/ops/logsumexp.ts';
import { matmul } from '../../src/ops/matmul.ts';
import { layerNorm } from '../../src/ops/norm/layer_norm.ts';
import { mean, sum } from '../../src/ops/reduce.ts';
import type { RowPlan } from '../../src/ops/row_plan.ts';
import { broadcastTo, transpose } from '../../src/ops/shape.ts';
import { slice } from '../../src/ops/slice.ts';
import { softmax } from '../../src/ops/softmax.ts';
import { square } from '../../src/ops/unary.ts';
import { SGD } from '../../src/optim/index.ts';
import { DeviceLostError, FoveaError, KernelError } from '../../src/runtime/errors.ts';
import { Gpu } from '../../src/runtime/gpu.ts';
import { dispatch, type Kernel } from '../../src/runtime/kernel.ts';
import { label } from '../../src/runtime/label.ts';
import { Profile, type ProfileEvent } from '../../src/runtime/profile.ts';
import type { Roofline } from '../../src/runtime/profiler.ts';
import { keep, scope } from '../../src/runtime/scope.ts';
import type { Tensor } from '../../src/tensor.ts';
import { bare } from '../helpers/bare.ts';

/** Without guards and poison, whose dispatches would be counted. */
const gpu = await Gpu.create();

const ramp = (...shape: number[]): Tensor => rampOn(gpu, shape);
const rampOn = (gpu: Gpu, shape: readonly number[]): Tensor =>
  gpu.tensor(
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i)),
    shape,
  );

/** FLOP and bytes of all dispatches. */
const total = ({ events }: Profile) => [
  events.reduce((n, e) => n + e.flops, 0),
  events.reduce((n, e) => n + e.bytes, 0),
];

class Classifier extends Module {
  readonly encoder: GRU;
  readonly layers: Linear[];

  constructor(gpu: Gpu) {
    super();
    this.encoder = new GRU(gpu, 3, 4, { rng: new Rng(1) });
    this.layers = [new Linear(gpu, 4, 2, { rng: new Rng(2) })];
  }

  forward(x: Tensor): Tensor {
    return (this.layers[0] as Linear).forward(this.encoder.forward(x).output);
  }
}

describe('counts', () => {
  test('of matrix products, by hand', async () => {
    const [a, b, bias] = [ramp(5, 7), ramp(7, 3), ramp(3)];
    const plain = await gpu.profile(() => matmul(a, b));
    expect(total(plain)).toEqual([2 * 5 * 7 * 3, 4 * (5 * 7 + 7 * 3 + 5 * 3)]);
    const full = await gpu.profile(() => matmul(a, b, { bias, activation: 'relu' }));
    expect(total(full)).toEqual([2 * 5 * 7 * 3 + 2 * 5 * 3, 4 * (5 * 7 + 7 * 3 + 5 * 3 + 3)]);
    const s = ramp(8, 8);
    const squared = await gpu.profile(() => [matmul(s, s), matmul(s, s, { transposeA: true })]);
    expect(squared.events.map((e) => e.bytes)).toEqual([2 * 4 * 64, 2 * 4 * 64]); // one operand, read once
  });

  test('of softmax, by hand, whatever the plan', async () => {
    for (const cols of [10, 12]) {
      const x = ramp(6, cols);
      const { events } = await gpu.profile(() => softmax(x, { plan: { lanes: 1, splits: 1, vec4: true } }));
      expect(events.map((e) => [e.flops, e.bytes])).toEqual([[4 * 6 * cols, 2 * 4 * 6 * cols]]);
    }
  });

  test('of normalisation and of a recurrence, by hand', async () => {
    const norm = await gpu.profile(() => layerNorm(ramp(6, 12), { weight: ramp(12), bias: ramp(12) }));
    // the mean; differences, their squares and the sum of those; times 1 / deviation and the weight, plus the bias
    expect(total(norm)).toEqual([6 * 12 * (1 + 3 + 4), 4 * (2 * 6 * 12 + 2 * 12 + 2 * 6)]);
    const [gx, h0, u, bias] = [ramp(2, 3, 12), ramp(2, 4), ramp(12, 4), ramp(12)];
    const sequence = (await gpu.profile(() => gru(gx, h0, u, bias))).events.filter((e) =>
      e.kernel.startsWith('recurrent/'),
    );
    expect(sequence.map((e) => e.flops)).toEqual([2 * 3 * 4 * (3 * 2 * 4 + 14)]);
  });

  test('are the same whether elements are taken one by one or by four', async () => {
    const x = ramp(8, 12);
    const options = { weight: ramp(12), bias: ramp(12) };
    const ops: ((plan: RowPlan) => Tensor)[] = [
      (plan) => softmax(x, { plan }),
      (plan) => logsumexp(x, { axis: 1, plan }),
      (plan) => sum(x, { axis: 0, plan }),
      (plan) => mean(x, { axis: 1, plan }),
      (plan) => layerNorm(x, { ...options, plan, weightPlan: plan }),
    ];
    for (const op of ops) {
      const count = async (vec4: boolean) => {
        const plan = { lanes: 1, splits: 1, vec4 };
        return total(await gpu.profile(() => grad(() => sum(mul(op(plan), 2)), [x, options.weight])));
      };
      expect(await count(true)).toEqual(await count(false));
    }
  });

  test('of kernels that read a part of what is bound', async () => {
    const table = ramp(100, 8);
    const rows = gpu.tensor([3, 5], [2], { dtype: 'i32' });
    const bytes = async (f: () => unknown) => total(await gpu.profile(f))[1];
    expect(await bytes(() => gather(table, rows, { axis: 0 }))).toBe(2 * 4 * 2 * 8 + 2 * 4);
    expect(await bytes(() => slice(table, [[10, 13]]))).toBe(2 * 4 * 3 * 8);
    expect(await bytes(() => transpose(table))).toBe(2 * 4 * 800);
    expect(await bytes(() => broadcastTo(ramp(1, 4), [8, 4]))).toBe(4 * (4 + 32));
    expect(
      await bytes(() =>
        concat(
          Array.from({ length: 9 }, () => ramp(2, 3)),
          { axis: 1 },
        ),
      ),
    ).toBe(2 * 4 * 9 * 6);
    expect(await bytes(() => split(ramp(2, 9), 3, { axis: 1 }))).toBe(2 * 4 * 18);
  });

  test('of a training step, by hand', async () => {
    using model = new Linear(gpu, 8, 2, { rng: new Rng(3) });
    const x = ramp(4, 8);
    const optimizer = new SGD(model.parameters(), { lr: 0.1 });
    const step = () => {
      const { value, grads } = valueAndGrad(() => mean(square(model.forward(x))), model.parameters());
      optimizer.step(grads);
      return value;
    };
    const rows = (await gpu.profile(step)).by((e) => e.kernel.split('/')[0] as string);
    expect(Object.fromEntries(rows.map(({ name, calls, flops, bytes }) => [name, [calls, flops, bytes]]))).toEqual({
      // y = x W^T + bias; dW = dy^T x
      linalg: [2, 4 * 2 * (2 * 8 + 1) + 2 * 2 * 8 * 4, 4 * (4 * 8 + 2 * 8 + 2 + 4 * 2) + 4 * (4 * 2 + 4 * 8 + 2 * 8)],
      // y^2 and 2 y dy
      elementwise: [2, 8 + 2 * 8, 4 * (8 + 8) + 4 * (8 + 8 + 8)],
      // the mean of 8, its gradient for them, and the bias's: sums of 4
      reduction: [3, 8 + 1 + 8, 4 * (8 + 1) + 4 * (1 + 8) + 4 * (8 + 2)],
      // two parameters of at most 64 elements, 256 bytes apart: packed, one step counted, p -= lr (clip g + decay p)
      optim: [3, 5 * 128, 4 * 2 * 128 + 4 * (1 + 8) + 4 * 3 * 128],
      // the 1 that the backward pass begins with
      runtime: [1, 0, 4],
    });
  });

  test('without touching results or counters', async () => {
    await bare(async (own) => {
      const x = rampOn(own, [3, 4]);
      using model = new Linear(own, 4, 2, { rng: new Rng(4) });
      const run = () => {
        const { value, grads } = valueAndGrad(() => sum(square(model.forward(x))), model.parameters());
        return [value, ...Object.values(grads)];
      };
      const results = async (tensors: readonly Tensor[]) => {
        const data = await Promise.all(tensors.map((t) => t.data()));
        for (const t of tensors) t.dispose();
        return data;
      };
      for (let i = 0; i < 3; i++) await results(scope(run)); // until the bind groups are found again
      own.resetCounters();
      const want = scope(run);
      await own.sync();
      const counters = own.counters();
      const bits = await results(want);
      own.resetCounters();
      const { value, events } = await own.profile(run, { modules: model });
      expect(own.counters()).toEqual(counters);
      expect(events.length).toBe(counters.dispatches);
      expect(await results(value)).toEqual(bits);
    });
  });
});

describe('times', () => {
  test('are positive, in order, and no longer than the clock on the wall', async () => {
    const x = ramp(128, 128);
    await gpu.prepare(() => matmul(x, x));
    const before = performance.now();
    const { events, gpuTime, kernels } = await gpu.profile(() => {
      for (let i = 0; i < 20; i++) matmul(x, x);
    });
    const wall = (performance.now() - before) * 1e6;
    expect(gpuTime).toBeGreaterThan(0);
    expect(gpuTime).toBeLessThan(1.5 * wall);
    expect(kernels.reduce((n, k) => n + (k.gpuTime as number), 0)).toBeCloseTo(gpuTime as number);
    events.slice(1).forEach((e, i) => {
      const before = events[i] as ProfileEvent;
      expect(e.start).toBeGreaterThanOrEqual((before.start as number) + (before.duration as number));
    });
  });

  test('of more dispatches than one set of queries holds', async () => {
    const x = gpu.zeros([4]);
    const { events, gpuTime } = await gpu.profile(() => {
      for (let i = 0; i < 2500; i++) gpu.fillWords(x, i);
    });
    expect(events.length).toBe(2500);
    const total = events.reduce((n, e) => n + (e.duration as number), 0);
    expect(total).toBe(gpuTime);
    expect(events.slice(2048).some((e) => (e.duration as number) > 0)).toBe(true);
    expect(new Uint32Array((await x.data()).buffer)).toEqual(new Uint32Array(4).fill(2499));
  });

  test('where the device has none are absent, and the table says so', async () => {
    const plain = await Gpu.create({ features: [] });
    const profile = await plain.profile(() => plain.zeros([8]));
    expect(profile.gpuTime).toBeNull();
    expect(profile.kernels).toMatchObject([
      { name: 'runtime/fill', calls: 1, bytes: 32, gpuTime: null, roofline: null },
    ]);
    expect(profile.table()).toContain('No GPU times: the device has no timestamp-query.');
    expect(JSON.parse(profile.trace()).traceEvents).toMatchObject([
      { name: 'thread_name', args: { name: 'host: the device has no timestamp-query' } },
      { name: 'runtime/fill', ts: 0, dur: 0 },
    ]);
    expect(await profile.value.data()).toEqual(new Float32Array(8));
    plain.destroy();
  });
});

describe('a profile', () => {
  const event = (kernel: string, labels: string[], rest: Partial<ProfileEvent> = {}) => ({
    kernel,
    labels,
    workgroups: [1, 1, 1] as const,
    flops: 0,
    bytes: 0,
    half: false,
    recorded: 0,
    ...rest,
  });

  test('counts what overlaps once, and takes clocks that stand still or go back', () => {
    const events = ['a', 'b', 'c', 'd'].map((kernel) => event(kernel, [], { bytes: 100, flops: 10 }));
    const profile = new Profile(null, events, new Float64Array([0, 100, 50, 150, 150, 150, 120, 90]), undefined);
    expect(profile.events.map((e) => e.duration)).toEqual([100, 50, 0, 0]);
    expect(profile.gpuTime).toBe(150);
    expect(profile.kernels.map((k) => k.bytesPerSecond)).toEqual([1e9, 2e9, null, null]);
    expect(profile.table()).not.toMatch(/NaN|Infinity/);
    const still = new Profile(null, events, new Float64Array(8), { bytesPerSecond: 1, flopsPerSecond: 1 });
    expect(still.gpuTime).toBe(0);
    expect(still.table()).not.toMatch(/NaN|Infinity/);
  });

  test('holds each kernel to what bounds it: memory, arithmetic, arithmetic in f16', () => {
    const events = [
      event('memory', [], { bytes: 1000, flops: 10 }),
      event('arithmetic', [], { bytes: 10, flops: 1000 }),
      event('half', [], { bytes: 10, flops: 1000, half: true }),
    ];
    const times = new Float64Array([0, 2000, 2000, 4000, 4000, 6000]);
    const f32 = { bytesPerSecond: 1e9, flopsPerSecond: 2e9 };
    const fractions = (r: Roofline) => new Profile(null, events, times, r).kernels.map((k) => k.roofline?.toFixed(9));
    expect(fractions({ ...f32, flopsPerSecondF16: 4e9 })).toEqual(['0.500000000', '0.250000000', '0.125000000']);
    expect(fractions(f32)).toEqual(['0.500000000', '0.250000000', '0.250000000']);
  });

  test('prints a table, what took longest first', () => {
    const events = [
      event('x/short', ['a']),
      event('x/long', ['b'], { bytes: 4e6, flops: 1e6 }),
      event('x/short', ['a']),
    ];
    const profile = new Profile(null, events, new Float64Array([0, 1e3, 1e3, 9e3, 9e3, 1e4]), {
      bytesPerSecond: 1e12,
      flopsPerSecond: 1e12,
    });
    expect(profile.table().split('\n')).toEqual([
      'kernel   calls  GPU us      %    bytes     FLOP    GB/s  GFLOP/s  % of roofline',
      'x/long       1     8.0   80.0  4000000  1000000  500.00   125.00           50.0',
      'x/short      2     2.0   20.0        0        0    0.00     0.00            0.0',
      'total        3    10.0  100.0  4000000  1000000  400.00   100.00           40.0',
    ]);
    expect(profile.by((e) => e.labels.join()).map((r) => [r.name, r.calls])).toEqual([
      ['b', 1],
      ['a', 2],
    ]);
  });

  test('traces spans around the dispatches that share a name', () => {
    const events = [
      event('k0', []),
      event('k1', ['a', 'b'], { bytes: 8, flops: 2 }),
      event('k2', ['a', 'b']),
      event('k3', ['a', 'c']),
      event('k4', ['b']),
      event('k5', ['a']),
    ];
    const times = Float64Array.from({ length: 12 }, (_, i) => i * 1000);
    const [thread, ...spans] = JSON.parse(new Profile(null, events, times, undefined).trace()).traceEvents;
    expect(thread).toMatchObject({ ph: 'M', args: { name: 'GPU' } });
    expect(spans.map(({ name, ts, dur }: Record<string, unknown>) => [name, ts, dur])).toEqual([
      ['k0', 0, 1],
      ['a', 2, 5],
      ['b', 2, 3],
      ['k1', 2, 1],
      ['k2', 4, 1],
      ['c', 6, 1],
      ['k3', 6, 1],
      ['b', 8, 1],
      ['k4', 8, 1],
      ['a', 10, 1],
      ['k5', 10, 1],
    ]);
    expect(spans[3]).toMatchObject({ ph: 'X', pid: 1, tid: 1, args: { bytes: 8, flop: 2, workgroups: [1, 1, 1] } });
  });
});

describe('labels', () => {
  test('nest, and come back after an error', async () => {
    const { events } = await gpu.profile(() => {
      label('a', () => {
        gpu.zeros([1]);
        label('b', () => gpu.zeros([1]));
        expect(() =>
          label('c', () => {
            throw new Error('no');
          }),
        ).toThrow('no');
        return gpu.zeros([1]);
      });
      gpu.zeros([1]);
    });
    expect(events.map((e) => e.labels)).toEqual([['a'], ['a', 'b'], ['a'], []]);
  });

  test('name modules as stateDict does, and the op whose gradient it is inside them', async () => {
    using model = new Classifier(gpu);
    const x = ramp(2, 3, 3);
    const forward = model.encoder.forward;
    const { events } = await gpu.profile(
      () => valueAndGrad(() => label('loss', () => sum(square(model.forward(x)))), model.parameters()),
      { modules: model },
    );
    const paths = new Set(events.map((e) => e.labels.join(' / ')));
    for (const path of [
      'loss',
      'loss / encoder',
      'loss / layers.0',
      'loss / backward of square',
      'loss / layers.0 / backward of matmul',
      'loss / encoder / backward of gru',
    ])
      expect(paths).toContain(path);
    expect(events.find((e) => e.kernel === 'recurrent/gru_forward')?.labels).toEqual(['loss', 'encoder']);
    expect(Object.getOwnPropertyNames(model.encoder)).not.toContain('forward');
    expect(model.encoder.forward).toBe(forward);
  });
});

describe('bad use', () => {
  test('nesting is refused and leaves nothing behind', async () => {
    const refused: Promise<unknown>[] = [];
    const inner = () => {
      const message = 'profile: cannot run inside profile, prepare or encodeInto';
      refused.push(expect(gpu.profile(() => 1)).rejects.toThrow(message));
    };
    await gpu.profile(inner);
    const encoder = gpu.device.createCommandEncoder();
    gpu.encodeInto(encoder, inner).release();
    await gpu.prepare(inner);
    expect(refused.length).toBe(3);
    await Promise.all(refused);
    await expect(gpu.profile(() => gpu.encodeInto(encoder, () => 1))).rejects.toThrow('encodeInto: cannot run inside');
    expect((await gpu.profile(() => 1)).value).toBe(1);
  });

  test('what f throws comes through, and the engine goes on', async () => {
    const failing = gpu.profile(() => {
      gpu.zeros([4]);
      throw new RangeError('mine');
    });
    await expect(failing).rejects.toThrow(new RangeError('mine'));
    await expect(gpu.profile(async () => 1)).rejects.toThrow(FoveaError);
    await gpu.sync();
    expect((await gpu.profile(() => gpu.zeros([4]))).events.length).toBe(1);
  });

  test('a refused kernel rejects by its name, and the engine goes on', async () => {
    const broken: Kernel = { ...fill, name: 'broken', code: '@compute @workgroup_size(1) fn main() { nonsense(); }' };
    const out = gpu.empty([4], 'u32');
    const failing = gpu.profile(() => dispatch(gpu, broken, { out }, { words: 4, bits: 0 }, 1));
    await expect(failing).rejects.toThrow(KernelError);
    await gpu.sync().catch(() => undefined);
    const x = gpu.tensor([1, 2]);
    expect(await (await gpu.profile(() => add(x, x))).value.data()).toEqual(new Float32Array([2, 4]));
  });

  test('values survive, and what else was made is freed', async () => {
    await bare(async (own) => {
      let kept: Tensor | undefined;
      const { value } = await own.profile(() => {
        own.zeros([4]);
        kept = keep(own.zeros([1]));
        return { y: mul(own.tensor([3]), 2) };
      });
      expect(own.memory().tensors).toBe(2);
      expect(await value.y.item()).toBe(6);
      expect(await kept?.item()).toBe(0);
    });
  });

  test('a lost device rejects', async () => {
    const own = await Gpu.create();
    const profile = own.profile(() => own.zeros([4]));
    own.device.destroy();
    await expect(profile).rejects.toThrow(DeviceLostError);
    const gone = await Gpu.create();
    gone.destroy();
    await expect(gone.profile(() => 1)).rejects.toThrow(DeviceLostError);
  });
});
