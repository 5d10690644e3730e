import fc from 'fast-check';
import { test } from 'vitest';
import { type Case, checkCase } from '../../helpers/attention_case.ts';

const upTo = (max: number, min = 0) => fc.integer({ min, max });
const rare = <T>(values: fc.Arbitrary<T>) => fc.option(values, { freq: 3, nil: undefined });
const flag = fc.boolean();

// Few kernels: heads of one or two vec4s, widths in between filled up.
const sizes = fc
  .record({
    B: upTo(2, 1),
    Hkv: upTo(2, 1),
    group: upTo(3, 1),
    L: fc.oneof(upTo(3, 1), upTo(12, 4), fc.constant(33)),
    S: fc.oneof(upTo(3, 1), upTo(12, 4), fc.constant(33)),
    D: upTo(8, 1),
    Dv: upTo(8, 1),
  })
  // The reference is evaluated twice for each element of each input; with one key the gradients of q and k are zeros, and many rows add up what is rounded.
  .filter(({ B, Hkv, group, L, S, D, Dv }) => B * Hkv * group * L * S * (D + Dv) <= 2000 && (S > 1 || L < 4))
  .chain((all) =>
    fc.constantFrom({}, {}, {}, {}, {}, { B: 0 }, { L: 0 }, { S: 0 }).map((empty) => ({ ...all, ...empty })),
  );

/** The planner's variant (matrix products too, on CPUs), or one of them, with several ranges; blocks of four rows only, for their few kernels. */
const plans = fc.constantFrom(
  { rows: 4 } as const,
  { variant: 'registers', rows: 4, splits: 4 } as const,
  { variant: 'tiled', rows: 4, splits: 2, rowSplits: 2 } as const,
);

const calls = sizes.chain(({ B, Hkv, group, L, S, D, Dv }) => {
  const H = Hkv * group;
  const lengths = (most: number) => fc.array(upTo(most), { minLength: B, maxLength: B });
  const broadcast = fc.tuple(flag, flag, flag, flag).map((kept) => kept.map((k, i) => (k ? [B, H, L, S][i] : 1)));
  const mask = fc
    .tuple(fc.constantFrom('bool' as const, 'float' as const), broadcast, upTo(3))
    .map(([kind, shape, axes]) => [kind, ...shape.slice(axes)]);
  const bound = fc.oneof(fc.constant(-1), upTo(12));
  return fc.record({
    sizes: fc.constant([B, H, Hkv, L, S, D, Dv] as const),
    seed: upTo(1e6),
    layout: fc.constantFrom('bhld' as const, 'blhd' as const),
    mask: rare(mask),
    isCausal: flag,
    window: rare(fc.tuple(bound, bound)),
    alignment: fc.constantFrom('upper-left' as const, 'lower-right' as const),
    queryLengths: rare(lengths(L)),
    keyLengths: rare(lengths(S)),
    scale: rare(fc.constantFrom(0, -0.5, 1.3)),
    softcap: rare(fc.constantFrom(0.5, 3)),
    alibi: flag,
    sinks: flag,
    dropout: rare(fc.record({ p: fc.constantFrom(0, 0.4), seed: upTo(1e6), offset: upTo(9) })),
    returnLse: flag,
    returnWeights: rare(fc.constant(true)),
    plan: plans,
  });
});

/** A quarter of the calls have nothing but their shapes. */
const anyCall = fc.tuple(calls, fc.constantFrom(true, false, false, false)).map(([call, bare]) => {
  const kept = bare ? { sizes: call.sizes, seed: call.seed, plan: call.plan } : call;
  return Object.fromEntries(Object.entries(kept).filter(([, v]) => v !== undefined)) as unknown as Case;
});

test('random shapes and options, forward and backward', () =>
  fc.assert(fc.asyncProperty(anyCall, checkCase), { numRuns: 24, seed: 1 }));
