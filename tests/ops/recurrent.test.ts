import { describe, expect, test } from 'vitest';
import { gru } from '../../src/ops/gru.ts';
import { rnn } from '../../src/ops/rnn.ts';
import type { Tensor } from '../../src/tensor.ts';
import { checkOp, type Input, type Nd } from '../../src/testing/check.ts';
import { gpu } from '../helpers/gpu.ts';

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
type Cell = (
  gx: (gate: number, j: number) => number,
  gh: (gate: number, j: number) => number,
  h: number,
  j: number,
) => number;
const CELLS: Readonly<Record<'gru' | 'tanh' | 'relu', Cell>> = {
  gru: (gx, gh, h, j) => {
    const r = sigmoid(gx(0, j) + gh(0, j));
    const z = sigmoid(gx(1, j) + gh(1, j));
    return (1 - z) * Math.tanh(gx(2, j) + r * gh(2, j)) + z * h;
  },
  tanh: (gx, gh, _, j) => Math.tanh(gx(0, j) + gh(0, j)),
  relu: (gx, gh, _, j) => Math.max(0, gx(0, j) + gh(0, j)),
};

/** From the definitions, one step and one unit at a time, in f64. */
function reference(cell: Cell, gates: number, lengths: readonly number[] | undefined, reverse: boolean) {
  return (gx: Nd, h0: Nd, u: Nd, bias: Nd): Nd[] => {
    const [B, H] = h0.shape as [number, number];
    const T = gx.shape[1] as number;
    const y = new Float64Array(B * T * H);
    const last = Float64Array.from(h0.data);
    for (let b = 0; b < B; b++) {
      const length = lengths?.[b] ?? T;
      for (let s = 0; s < length; s++) {
        const t = reverse ? length - 1 - s : s;
        const h = last.slice(b * H, (b + 1) * H);
        const gh = (g: number, j: number) =>
          h.reduce((sum, v, k) => sum + v * (u.data[(g * H + j) * H + k] ?? 0), bias.data[g * H + j] ?? 0);
        const gxAt = (g: number, j: number) => gx.data[((b * T + t) * gates + g) * H + j] ?? 0;
        for (let j = 0; j < H; j++) y[(b * T + t) * H + j] = last[b * H + j] = cell(gxAt, gh, h[j] ?? 0, j);
      }
    }
    return [
      { shape: [B, T, H], data: y },
      { shape: [B, H], data: last },
    ];
  };
}

const inputs = (gates: number, B: number, T: number, H: number, dtype: 'f32' | 'f16' = 'f32'): Input[] =>
  [[B, T, gates * H], [B, H], [gates * H, H], [gates * H]].map((shape) => ({ shape, dtype }));

interface Case {
  readonly B: number;
  readonly T: number;
  readonly H: number;
  readonly lengths?: number[];
  readonly reverse?: boolean;
}
const cases: Case[] = [
  { B: 1, T: 1, H: 1 },
  { B: 2, T: 3, H: 3 },
  { B: 3, T: 2, H: 4, reverse: true },
  { B: 2, T: 4, H: 5, lengths: [4, 1] },
  { B: 4, T: 3, H: 6, lengths: [3, 0, 2, 1], reverse: true },
  { B: 1, T: 2, H: 17 },
  { B: 9, T: 2, H: 4, lengths: [2, 1, 2, 0, 1, 2, 2, 1, 2] },
];
const name = ({ B, T, H, lengths, reverse }: Case) =>
  `B${B} T${T} H${H}${lengths ? ` lengths ${lengths}` : ''}${reverse ? ' reverse' : ''}`;

for (const [kind, gates] of [
  ['gru', 3],
  ['tanh', 1],
  ['relu', 1],
] as const) {
  const run = (options: Omit<Case, 'B' | 'T' | 'H'>) => (gx: Tensor, h0: Tensor, u: Tensor, bias: Tensor) => {
    const lengths = options.lengths && gpu.tensor(options.lengths, undefined, { dtype: 'u32' });
    const given = { ...(lengths && { lengths }), reverse: options.reverse ?? false };
    const { y, hLast } =
      kind === 'gru' ? gru(gx, h0, u, bias, given) : rnn(gx, h0, u, bias, { ...given, nonlinearity: kind });
    return [y, hLast];
  };

  describe(kind, () => {
    test.each(cases.map((c) => [name(c), c] as const))('%s', async (_, { B, T, H, lengths, reverse = false }) => {
      const op = (...t: Tensor[]) =>
        run({ ...(lengths && { lengths }), reverse })(...(t as [Tensor, Tensor, Tensor, Tensor]));
      await checkOp(gpu, op, reference(CELLS[kind], gates, lengths, reverse) as never, inputs(gates, B, T, H));
    });

    // One unit below, at and above a whole number of vec4s in a larger workgroup; forward only, central differences would take minutes.
    test.each([127, 128, 129])('H %i', async (H) => {
      const scaled = inputs(gates, 2, 2, H).map((i) => ({ ...i, range: [-0.2, 0.2] as const }));
      await checkOp(
        gpu,
        (...t) => run({})(...(t as [Tensor, Tensor, Tensor, Tensor])),
        reference(CELLS[kind], gates, undefined, false) as never,
        scaled,
        { gradient: false },
      );
    });

    test('no sequences, and no steps', async () => {
      for (const [B, T] of [
        [0, 3],
        [2, 0],
      ] as const) {
        const [gx, h0, u, bias] = inputs(gates, B, T, 3).map(({ shape }) => gpu.zeros(shape)) as [
          Tensor,
          Tensor,
          Tensor,
          Tensor,
        ];
        const [y, hLast] = run({})(gx, h0, u, bias) as [Tensor, Tensor];
        expect([y.shape, hLast.shape]).toEqual([
          [B, T, 3],
          [B, 3],
        ]);
        expect([...(await hLast.data())]).toEqual(Array(B * 3).fill(0));
      }
    });
  });
}

test('arguments that do not fit are typed errors', () => {
  const [gx, h0, u, bias] = inputs(3, 2, 3, 4).map(({ shape }) => gpu.zeros(shape)) as [Tensor, Tensor, Tensor, Tensor];
  expect(() => gru(gx, gpu.zeros([3, 4]), u, bias)).toThrow('gru: gx must have shape [3, *, 12], got f32[2, 3, 12]');
  expect(() => gru(gx, h0, gpu.zeros([12, 5]), bias)).toThrow('gru: u must have shape [12, 4], got f32[12, 5]');
  expect(() => gru(gx, h0, u, bias, { lengths: gpu.zeros([3], 'u32') })).toThrow(
    'gru: lengths must have shape [2], got u32[3]',
  );
  expect(() => gru(gx, h0, u, bias, { lengths: gpu.zeros([2]) })).toThrow('gru: lengths must be u32 or i32, got f32');
  const { maxComputeWorkgroupSizeX, maxComputeInvocationsPerWorkgroup, maxComputeWorkgroupStorageSize } = gpu.limits;
  const H =
    4 * Math.min(maxComputeWorkgroupSizeX, maxComputeInvocationsPerWorkgroup, maxComputeWorkgroupStorageSize / 64) + 1;
  const large = [[1, 1, H], [1, H], [H, H], [H]].map((shape) => gpu.empty(shape)) as [Tensor, Tensor, Tensor, Tensor];
  expect(() => rnn(...large)).toThrow(`rnn: the hidden size may be at most ${H - 1} on this device, got ${H}`);
});
