import fc from 'fast-check';
import { describe, test } from 'vitest';
import * as fovea from '../../../src/index.ts';
import type { PerDimension } from '../../../src/ops/windows.ts';
import type { Tensor } from '../../../src/tensor.ts';
import { checkOp } from '../../../src/testing/check.ts';
import { gpu } from '../../helpers/gpu.ts';
import { adaptiveWindowsOf, axisWindows, type PoolReference, pool } from '../../helpers/pool.ts';

type Kind = PoolReference['kind'];
interface Windows {
  readonly kernelSize: PerDimension;
  readonly stride: PerDimension;
  readonly padding: PerDimension;
  readonly ceilMode: boolean;
  readonly layout: 'nchw' | 'nhwc';
  readonly p: number;
}
type Pool = (x: Tensor, options: Windows) => Tensor;
type Adaptive = (x: Tensor, outputSize: number[], options: { layout: 'nchw' | 'nhwc' }) => Tensor;

const ops = fovea as unknown as Record<string, Pool & Adaptive>;
const op = (name: string, dims: number) => ops[`${name}${dims}d`] as Pool & Adaptive;
const layouts = fc.constantFrom('nchw' as const, 'nhwc' as const);
const shapeOf = (sizes: readonly number[], layout: string) => (layout === 'nhwc' ? [2, ...sizes, 3] : [2, 3, ...sizes]);

/** Sizes with windows that none lies in the padding altogether, so that every output has a gradient. */
const axis = fc
  .record({ n: fc.integer({ min: 1, max: 6 }), k: fc.integer({ min: 1, max: 4 }), s: fc.integer({ min: 1, max: 4 }) })
  .chain((a) =>
    fc.record({
      n: fc.constant(a.n),
      k: fc.constant(a.k),
      s: fc.constant(a.s),
      pad: fc.integer({ min: 0, max: Math.floor(a.k / 2) }),
    }),
  )
  .filter(({ n, k, pad }) => n + 2 * pad >= k);

describe('random geometry, with gradients', () => {
  test.each<Kind>(['max', 'avg', 'lp'])('%s', (kind) =>
    fc.assert(
      fc.asyncProperty(
        fc.array(axis, { minLength: 1, maxLength: 2 }),
        fc.boolean(),
        layouts,
        async (axes, ceilMode, layout) => {
          const list = (f: (a: (typeof axes)[number]) => number) => axes.map(f);
          const options: Windows = {
            kernelSize: list(({ k }) => k),
            stride: list(({ s }) => s),
            padding: list(({ pad }) => pad),
            ceilMode,
            layout,
            p: 3,
          };
          const windows = axes.map(({ n, k, s, pad }) => axisWindows(n, k, s, pad, pad, 1, ceilMode));
          await checkOp(
            gpu,
            (x) => op(`${kind}Pool`, axes.length)(x, options),
            (x) => pool(x, { kind, windows, layout, p: 3 }).output,
            [
              shapeOf(
                list(({ n }) => n),
                layout,
              ),
            ],
          );
        },
      ),
      { numRuns: 15, seed: 2 },
    ),
  );

  test.each<[Kind, string]>([
    ['max', 'adaptiveMaxPool'],
    ['avg', 'adaptiveAvgPool'],
  ])('adaptive %s', (kind, name) =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ n: fc.integer({ min: 1, max: 7 }), outputs: fc.integer({ min: 1, max: 9 }) }), {
          minLength: 1,
          maxLength: 2,
        }),
        layouts,
        async (axes, layout) => {
          const windows = axes.map(({ n, outputs }) => adaptiveWindowsOf(n, outputs));
          const outputSize = axes.map(({ outputs }) => outputs);
          await checkOp(
            gpu,
            (x) => op(name, axes.length)(x, outputSize, { layout }),
            (x) => pool(x, { kind, windows, layout }).output,
            [
              shapeOf(
                axes.map(({ n }) => n),
                layout,
              ),
            ],
          );
        },
      ),
      { numRuns: 15, seed: 3 },
    ),
  );
});
