// Work that would keep a device busy for seconds is cut into several dispatches.
import { expect, test } from 'vitest';
import { vjp } from '../../../src/autograd/tape.ts';
import { scaledDotProductAttention } from '../../../src/ops/attention/scaled_dot_product.ts';
import { randn } from '../../../src/ops/random.ts';
import type { Tensor } from '../../../src/tensor.ts';
import { gpu } from '../../helpers/gpu.ts';

// Enough blocks, in every kernel, for two workgroups of 64 invocations; the last workgroup is not full.
const shapes = [[3, 8, 21, 4], [3, 4, 49, 4], [3, 4, 49, 4], [8, 21, 49], [8]];
const chunked = {
  registers: ['forward', 'weights', 'backward_q', 'backward_kv', 'backward_mask'],
  tiled: ['forward_tiled', 'weights', 'backward_q_tiled', 'backward_kv_tiled', 'backward_mask'],
} as const;

test.each([
  ['registers', 1],
  ['registers', 3],
  ['tiled', 1],
  ['tiled', 3],
] as const)(
  '%s, keys in %i ranges: the same bits as in one dispatch',

  async (variant, splits) => {
    const inputs = shapes.map((shape, i) => randn(gpu, shape, { seed: i + 1 }));
    const [q, k, v, mask, sinks] = inputs as [Tensor, Tensor, Tensor, Tensor, Tensor];
    const dy = randn(gpu, [3, 8, 21, 4], { seed: 9 });
    const run = async (longest?: number) => {
      const options = { mask, sinks, plan: { variant, rows: 4, splits }, ...(longest && { longest }) } as const;
      const profile = await gpu.profile(() => {
        const { weights } = scaledDotProductAttention(q, k, v, { ...options, returnWeights: true });
        const { outputs, grads } = vjp(() => scaledDotProductAttention(q, k, v, options), inputs, [dy]);
        return [weights, ...outputs, ...grads.filter((t) => t !== null)];
      });
      const results = profile.value;
      const data = await Promise.all(results.map((t) => t.data()));
      for (const t of results) t.dispose();
      const times = (name: string) => profile.events.filter((e) => e.kernel === `attention/attention_${name}`).length;
      // The weights' own call has a forward pass too.
      return { data, times: chunked[variant].map((name) => times(name) / (name.startsWith('forward') ? 2 : 1)) };
    };
    const whole = await run();
    expect(whole.times).toEqual([1, 1, 1, 1, 1]);
    expect(whole.data.length).toBe(7);
    const parts = await run(1);
    for (const n of parts.times) expect(n).toBeGreaterThan(1);
    // The first difference: a diff of so many numbers takes minutes to print.
    const differs = parts.data.map((some, i) => some.findIndex((x, at) => !Object.is(x, whole.data[i]?.[at])));
    expect(differs).toEqual(Array(7).fill(-1));
  },
);
