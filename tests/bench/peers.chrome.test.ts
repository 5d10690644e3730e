import { describe, expect, it, vi } from 'vitest';
import { costOf } from '../../bench/cost.ts';
import { jax } from '../../bench/peers/jax.ts';
import { onnx } from '../../bench/peers/onnx.ts';
import { tensorflow } from '../../bench/peers/tensorflow.ts';
import { uniform } from '../../bench/values.ts';
import { benches, expectRight, smokeRows } from '../helpers/bench.ts';
import { gpu } from '../helpers/gpu.ts';

// SwiftShader compiles their shaders for seconds.
vi.setConfig({ testTimeout: 120_000 });

for (const bench of benches) {
  describe(bench.op, () => {
    for (const row of smokeRows(bench)) {
      for (const peer of row.contenders.filter(({ kind }) => kind === 'peer'))
        it(`${row.shape} ${row.dtype} ${row.series}: ${peer.name}`, () =>
          expectRight(row, peer, Math.max(row.tolerance, 1e-4)));
    }
  });
}

describe('on the device', () => {
  const inputs = [uniform([5, 33], 1), uniform([5, 33], 2)];
  const peers = [
    jax(inputs, (_, a, b) => a!.add(b!)),
    tensorflow(inputs, (tf, a, b) => tf.add(a!, b!)),
    onnx(inputs, ({ node }, a, b) => node('Add', [a!, b!])),
  ];
  for (const peer of peers) {
    it(`${peer.name} runs: each run is a dispatch, and nothing is read back`, async () => {
      const running = await peer.open(gpu, 1);
      await running.run(0);
      await running.finish();
      const { dispatches, bytesMoved } = await costOf(async () => {
        for (let i = 0; i < 20; i++) await running.run(i);
        await running.finish();
      });
      running.close();
      expect(dispatches).toBe(20);
      // Uniforms at most.
      expect(bytesMoved).toBeLessThan(20 * 256);
    });
  }

  it('ONNX Runtime is refused a graph that it would compute on the CPU', async () => {
    const qkv = [1, 2, 3].map((seed) => uniform([1, 2, 4, 8], seed));
    const peer = onnx(qkv, ({ node }, q, k, v) => node('Attention', [q!, k!, v!]));
    await expect(peer.open(gpu, 1)).rejects.toThrow('CPU');
  });
});
