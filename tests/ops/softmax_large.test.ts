import { afterAll, describe, expect, test } from 'vitest';
import { vjp } from '../../src/autograd/tape.ts';
import type { Shape } from '../../src/host.ts';
import { crossEntropy } from '../../src/ops/cross_entropy.ts';
import { logsumexp } from '../../src/ops/logsumexp.ts';
import { planRows, type RowPlan, rowView } from '../../src/ops/row_plan.ts';
import { logSoftmax, maskedSoftmax, softmax } from '../../src/ops/softmax.ts';
import { sparsemax } from '../../src/ops/sparsemax.ts';
import { Gpu } from '../../src/runtime/gpu.ts';
import type { Tensor } from '../../src/tensor.ts';

// Without guards: their copies of so much would take longer than the tests.
const gpu = await Gpu.create();
afterAll(() => gpu.destroy());

const value = (i: number): number => Math.fround(Math.sin(i * 0.37) * 4 + ((i * 7919) % 13) / 3);

/** The rows' softmax in f64, [rows, cols]. */
function reference(rows: number, cols: number, hidden = (_: number) => false): Float64Array {
  const y = new Float64Array(rows * cols);
  for (let r = 0; r < rows; r++) {
    let total = 0;
    for (let j = 0; j < cols; j++) {
      const e = hidden(j) ? 0 : Math.exp(value(r * cols + j));
      y[r * cols + j] = e;
      total += e;
    }
    for (let j = 0; j < cols; j++) y[r * cols + j] = (y[r * cols + j] as number) / total;
  }
  return y;
}

/** The largest error, relative to the largest element. */
function worst(got: ArrayLike<number>, want: ArrayLike<number>): number {
  let [error, largest] = [0, 0];
  for (let i = 0; i < want.length; i++) {
    error = Math.max(error, Math.abs((got[i] as number) - (want[i] as number)));
    largest = Math.max(largest, Math.abs(want[i] as number));
  }
  return error / largest;
}

const counted = <T>(f: () => T): readonly [T, number] => {
  gpu.resetCounters();
  const result = f();
  return [result, gpu.counters().dispatches];
};

describe.each([
  [3, 50_257],
  [1, 1_000_000],
  [5, 65_537],
])('%i rows of %i', (rows, cols) => {
  const shape: Shape = [rows, cols];
  const x = gpu.tensor(
    Float32Array.from({ length: rows * cols }, (_, i) => value(i)),
    shape,
  );
  const p = reference(rows, cols);
  // What GPUs would be given, too.
  const plans: [string, RowPlan | undefined][] = [
    ['the plan of this adapter', undefined],
    ['that of GPUs', planRows({ family: 'nvidia' }, rowView(shape, 1))],
  ];

  test.each(plans)('at most three dispatches, forward and backward: %s', async (_, plan) => {
    const options = plan ? { plan } : {};
    const dy = Float32Array.from({ length: rows * cols }, (_, i) => Math.cos(i));
    const ops = [
      [softmax, Float64Array.from(p)],
      [logSoftmax, p.map(Math.log)],
    ] as const;
    for (const [op, want] of ops) {
      const [forward, dispatches] = counted(() => op(x, options));
      expect(dispatches).toBeLessThanOrEqual(3);
      expect(worst(await forward.data(), want)).toBeLessThan(3e-6);
      const [{ grads }, both] = counted(() => vjp(() => op(x, options), [x], [gpu.tensor(dy, shape)]));
      expect(both - dispatches).toBeLessThanOrEqual(3);
      const slopes = new Float64Array(p.length);
      for (let r = 0; r < rows; r++) {
        const at = (j: number) => r * cols + j;
        const term = (j: number) => (op === softmax ? (p[at(j)] as number) : 1) * (dy[at(j)] as number);
        let total = 0;
        for (let j = 0; j < cols; j++) total += term(j);
        for (let j = 0; j < cols; j++) slopes[at(j)] = term(j) - (p[at(j)] as number) * total;
      }
      expect(worst(await (grads[0] as Tensor).data(), slopes)).toBeLessThan(1e-5);
    }
  });

  test('masked', async () => {
    const mask = gpu.tensor(
      Uint8Array.from({ length: cols }, (_, j) => (j % 3 ? 1 : 0)),
      [cols],
      { dtype: 'bool' },
    );
    const [y, dispatches] = counted(() => maskedSoftmax(x, mask));
    expect(dispatches).toBeLessThanOrEqual(3);
    expect(
      worst(
        await y.data(),
        reference(rows, cols, (j) => j % 3 === 0),
      ),
    ).toBeLessThan(3e-6);
  });

  test('logsumexp and cross entropy', async () => {
    const target = gpu.tensor(Int32Array.from({ length: rows }, (_, r) => cols - 1 - r));
    const [y, dispatches] = counted(() => logsumexp(x, { axis: 1 }));
    expect(dispatches).toBeLessThanOrEqual(3);
    const want = Array.from({ length: rows }, (_, r) => value(r * cols) - Math.log(p[r * cols] as number));
    expect(worst(await y.data(), want)).toBeLessThan(3e-6);
    const [loss, more] = counted(() => crossEntropy(x, target, { reduction: 'none' }));
    expect(more).toBeLessThanOrEqual(3);
    const losses = Array.from({ length: rows }, (_, r) => -Math.log(p[r * cols + cols - 1 - r] as number));
    expect(worst(await loss.data(), losses)).toBeLessThan(3e-6);
  });

  test('sparsemax', async () => {
    const [y, dispatches] = counted(() => sparsemax(x));
    expect(dispatches).toBe(1);
    const data = await y.data();
    for (let r = 0; r < rows; r++) {
      const row = Array.from(data.subarray(r * cols, (r + 1) * cols));
      expect(row.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 4);
      // x - y is the same wherever y > 0, and x no larger than that elsewhere.
      const thresholds = row.map((v, j) => ({ v, t: value(r * cols + j) - v }));
      const support = thresholds.filter(({ v }) => v > 0).map(({ t }) => t);
      const t = support[0] as number;
      for (const s of support) expect(Math.abs(s - t)).toBeLessThan(2e-6);
      expect(thresholds.every((e) => e.v > 0 || e.t <= t + 2e-6)).toBe(true);
    }
  });
});

describe('ten million rows of three', () => {
  const rows = 10_000_000;
  const y = (a: number, b: number) => 1 / (1 + Math.exp(b - a));

  test.each([
    ['last axis', [rows, 3], -1, (r: number, j: number) => 3 * r + j],
    ['first axis', [3, rows], 0, (r: number, j: number) => j * rows + r],
  ] as const)('%s', async (_, shape, axis, place) => {
    const data = new Float32Array(3 * rows);
    // The third is masked, so that two elements say what is right.
    for (let r = 0; r < rows; r++) {
      data[place(r, 0)] = (r % 1000) / 500;
      data[place(r, 1)] = (r % 7) / 3;
      data[place(r, 2)] = Number.NEGATIVE_INFINITY;
    }
    using x = gpu.tensor(data, shape);
    const [result, dispatches] = counted(() => softmax(x, { axis }));
    using t = result;
    expect(dispatches).toBe(1);
    const got = await t.data();
    let error = 0;
    for (let r = 0; r < rows; r++) {
      const p = y(data[place(r, 0)] as number, data[place(r, 1)] as number);
      error = Math.max(
        error,
        Math.abs((got[place(r, 0)] as number) - p),
        Math.abs((got[place(r, 1)] as number) - (1 - p)),
        Math.abs(got[place(r, 2)] as number),
      );
    }
    expect(error).toBeLessThan(1e-6);
  });
});
