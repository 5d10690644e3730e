import { describe, expect, it } from 'vitest';
import { type Nd, checkOp } from '../../src/testing/check.ts';
import { mean, sum, sumTo } from '../../src/ops/reduce.ts';
import { gpu } from '../helpers/gpu.ts';

it('sums', async () => {
  const ref = (x: Nd): Nd => ({ shape: [], data: Float64Array.of(x.data.reduce((a, b) => a + b, 0)) });
  await checkOp(gpu, (x) => sum(x), ref, [[3, 5]]);
  await checkOp(gpu, (x) => mean(x), (x) => ({ shape: [], data: ref(x).data.map((v) => v / 15) }), [[3, 5]]);
  await checkOp(gpu, (x) => sumTo(x, [3, 1]), (x) => ({ shape: [3, 1], data: Float64Array.of(0,1,2).map((i) => x.data.slice(5*i, 5*i+5).reduce((a, b) => a + b, 0)) }), [[3, 5]]);
});
