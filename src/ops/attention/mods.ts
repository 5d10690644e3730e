import { record } from '../../autograd/tape.ts';
import { attentionBlockMask, attentionMods } from '../../generated/kernels.ts';
import { describe, words } from '../../host.ts';
import { ArgumentError, FoveaError, ShapeError } from '../../runtime/errors.ts';
import type { Gpu } from '../../runtime/gpu.ts';
import { dispatch, grid } from '../../runtime/kernel.ts';
import { scope } from '../../runtime/scope.ts';
import type { Tensor } from '../../tensor.ts';
import { cast } from '../cast.ts';
import { greater } from '../compare.ts';
import { concat } from '../concat.ts';

/** Queries and keys of a block that a `BlockMask` classes; MASK_BLOCK in lib/attention_mods.inc.wgsl. */
export const MASK_BLOCK = 32;
/** Invocations of a workgroup. */
const WG = 64;

/** The functions of a caller's, in WGSL, and the arrays that they read. */
export interface Mods {
  readonly scoreMod?: string;
  readonly maskMod?: string | BlockMask;
  readonly extras?: readonly Tensor[];
}
export type Hooks = { readonly [N in (typeof attentionMods)['hooks'][number]]?: string };

/** A mask_mod with what it does to each block of 32 queries and 32 keys: attention passes by blocks that it hides, and asks it only where it must. */
export class BlockMask {
  /** The WGSL. */
  readonly maskMod: string;
  /** u32[B, H, ceil(L / 32), ceil(S / 32)]: 0 where all is hidden, 1 some, 2 nothing. */
  readonly classes: Tensor;
  readonly shape: Readonly<Record<'B' | 'H' | 'L' | 'S', number>>;

  /** @internal Made by `createBlockMask`. */
  constructor(maskMod: string, classes: Tensor, shape: BlockMask['shape']) {
    this.maskMod = maskMod;
    this.classes = classes;
    this.shape = shape;
  }

  dispose(): void {
    this.classes.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/**
 * Evaluates a mask_mod once for all pairs of a query and a key, for any number of calls of `scaledDotProductAttention` to take as `maskMod`.
 *
 * @param maskMod WGSL, `fn mask_mod(b: u32, h: u32, q: u32, k: u32) -> bool`: true where query q sees key k
 * @param shape   L queries, S keys; B and H, 1 if not given: a mask_mod that does not look at b, or at h, needs no more
 * @param options `extras`: the arrays that it reads; attention must be given them as well
 * @throws ArgumentError when the text declares no mask_mod, or a size is no whole number of at least 1
 */
export function createBlockMask(
  gpu: Gpu,
  maskMod: string,
  shape: { readonly B?: number; readonly H?: number; readonly L: number; readonly S: number },
  options: { readonly extras?: readonly Tensor[] } = {},
): BlockMask {
  const op = 'createBlockMask';
  const { B = 1, H = 1, L, S } = shape;
  for (const [name, n] of Object.entries({ B, H, L, S })) {
    if (!Number.isInteger(n) || n < 1)
      throw new ArgumentError(op, `shape.${name} must be a whole number of at least 1, got ${n}`);
  }
  const mods = { ...options, maskMod };
  checkMods(op, mods);
  const classes = scope(() => {
    const y = gpu.empty([B, H, Math.ceil(L / MASK_BLOCK), Math.ceil(S / MASK_BLOCK)], 'u32', op);
    const { aux, extras } = packExtras(y, options.extras ?? []);
    const params = { h: H, l: L, s: S, items: y.size, extras };
    dispatch(
      gpu,
      attentionBlockMask,
      { aux, classes: y },
      params,
      grid(y.size, WG),
      { WG, MASK_MOD: true },
      hooksOf(mods),
    );
    return y;
  });
  return new BlockMask(maskMod, classes, { B, H, L, S });
}

/** Throws for text that does not declare what it must, and for arrays that a kernel cannot read. */
export function checkMods(op: string, { scoreMod, maskMod, extras = [] }: Mods): void {
  const declares = (option: string, text: unknown, name: string, signature: string) => {
    if (typeof text !== 'string' || !new RegExp(`^fn ${name}\\(`, 'm').test(text))
      throw new ArgumentError(op, `${option} must be WGSL that declares fn ${name}(${signature}, got ${shown(text)}`);
  };
  const scored = 'score: f32, b: u32, h: u32, q: u32, k: u32) -> f32';
  if (scoreMod !== undefined) {
    declares('scoreMod', scoreMod, 'score_mod', scored);
    declares('scoreMod', scoreMod, 'score_mod_grad', scored);
  }
  if (maskMod !== undefined && !(maskMod instanceof BlockMask))
    declares('maskMod', maskMod, 'mask_mod', 'b: u32, h: u32, q: u32, k: u32) -> bool');
  if (extras.length > 2) throw new ArgumentError(op, `extras may be two arrays at most, got ${extras.length}`);
  extras.forEach((t, i) => {
    if (t.dtype === 'bool' || t.size === 0)
      throw new ArgumentError(op, `extras[${i}] must have elements, f32, f16, i32 or u32, got ${describe(t)}`);
  });
}

const shown = (text: unknown) => (typeof text === 'string' ? JSON.stringify(text.slice(0, 60)) : String(text));

/** Throws where a block mask does not belong to these scores. */
export function checkBlockMask(op: string, mask: BlockMask, [B, H, L, S]: readonly number[]): void {
  const { shape } = mask;
  const fits = (n: number, all: number | undefined) => n === 1 || n === all;
  if (shape.L === L && shape.S === S && fits(shape.B, B) && fits(shape.H, H)) return;
  const made = `B ${shape.B}, H ${shape.H}, L ${shape.L}, S ${shape.S}`;
  throw new ShapeError(op, `maskMod must be a block mask for the scores [${B}, ${H}, ${L}, ${S}], got one for ${made}`);
}

/** What stands in place of the kernels' hooks. The order matters: the text of scoreMod brings a score_mod_grad of its own. */
export function hooksOf({ scoreMod, maskMod, extras = [] }: Mods): Hooks {
  const mask = maskMod instanceof BlockMask ? maskMod.maskMod : maskMod;
  const typed = Object.entries(extras).flatMap(([i, { dtype }]) => {
    const type = dtype === 'f16' ? 'f32' : dtype;
    const array = i === '0' ? 'params.extras.xy' : 'params.extras.zw';
    return [[`extra${i}`, `fn extra${i}(i: u32) -> ${type} { return bitcast<${type}>(extraWord(${array}, i)); }`]];
  });
  return {
    ...(scoreMod !== undefined && { score_mod_grad: '', score_mod: scoreMod }),
    ...(mask !== undefined && { mask_mod: mask }),
    ...Object.fromEntries(typed),
  };
}

/** An extra array as words. */
export function wordsOf(t: Tensor): Tensor {
  const wide = t.dtype === 'f16' ? cast(t, 'f32') : t;
  return wide.reinterpret('u32', [words(wide.shape, wide.dtype)]);
}

/** The arrays one after the other, and where each begins with its size; `other` is bound where there are none. */
function packExtras(other: Tensor, extras: readonly Tensor[]) {
  const parts = extras.map(wordsOf);
  const [a = 0, b = 0] = parts.map((t) => t.size);
  const [first] = parts;
  const aux = parts.length > 1 ? concat(parts) : (first ?? other.gpu.zeros([1], 'u32'));
  return { aux, extras: [0, a, a, b] };
}

interface Scores {
  readonly H: number;
  readonly L: number;
  readonly S: number;
}

/** Runs one of the ops of attention_mods.wgsl on x, [B, H, L, S]. */
function evaluate(op: keyof typeof attentionMods.ops, x: Tensor, at: Tensor, { H, L, S }: Scores, mods: Mods): Tensor {
  const y = x.gpu.empty(x.shape, 'f32', 'attention');
  const { aux, extras } = packExtras(y, mods.extras ?? []);
  const params = { h: H, l: L, s: S, items: x.size, extras };
  const constants = { WG, OP: attentionMods.ops[op] };
  dispatch(x.gpu, attentionMods, { aux, x, at, y }, params, grid(x.size, WG), constants, hooksOf(mods));
  return y;
}

/** score_mod of all scores, with the gradient that its author gave. */
export function modified(x: Tensor, sizes: Scores, mods: Mods): Tensor {
  return scope(() => {
    const y = evaluate('SCORE', x, x, sizes, mods);
    record({
      op: 'scoreMod',
      inputs: [x],
      outputs: [y],
      saved: [x, ...(mods.extras ?? [])],
      backward: ([dy], [x, ...extras]) => [evaluate('GRADIENT', dy as Tensor, x as Tensor, sizes, { ...mods, extras })],
      plain: () => {
        throw new FoveaError(
          'scaledDotProductAttention',
          'scoreMod has no second derivative: only score_mod_grad is known',
        );
      },
    });
    return y;
  });
}

/** Where mask_mod shows the key, bool[B, H, L, S]. */
export function shownBy(like: Tensor, sizes: Scores, mods: Mods): Tensor {
  return scope(() => greater(evaluate('SHOWN', like, like, sizes, mods), 0.5));
}

/** The texts that were checked, by device. */
const checked = new WeakMap<Gpu, Set<string>>();
const POINTS = 512;
/** Half the distance of two scores whose difference is held against the derivative. */
const STEP = 2 ** -6;

/** In debug mode, before the first use of a scoreMod: whether its score_mod_grad is the derivative of its score_mod. */
export function checkScoreMod(gpu: Gpu, sizes: Scores & { readonly B: number }, mods: Mods): void {
  const { scoreMod } = mods;
  const before = checked.get(gpu) ?? new Set();
  if (!gpu.debug || scoreMod === undefined || before.has(scoreMod)) return;
  checked.set(gpu, before.add(scoreMod));
  const count = Math.min(POINTS, sizes.B * sizes.H * sizes.L * sizes.S);
  const at = (shift: number) => gpu.tensor(Float32Array.from({ length: count }, (_, i) => 4 * Math.sin(i + 1) + shift));
  const [low, high, slope] = scope(() => {
    const middle = at(0);
    const ones = gpu.tensor(new Float32Array(count).fill(1));
    return [
      evaluate('SCORE', at(-STEP), middle, sizes, mods),
      evaluate('SCORE', at(STEP), middle, sizes, mods),
      evaluate('GRADIENT', ones, middle, sizes, mods),
    ];
  }) as [Tensor, Tensor, Tensor];
  gpu.debug.checking(compare(low, high, slope));
}

async function compare(low: Tensor, high: Tensor, slope: Tensor): Promise<void> {
  const read = Promise.all([low.data(), high.data(), slope.data()]);
  for (const t of [low, high, slope]) t.dispose();
  const [below, above, given] = (await read) as [Float32Array, Float32Array, Float32Array];
  const differences = Array.from(given, (g, i) => {
    const difference = ((above[i] as number) - (below[i] as number)) / (2 * STEP);
    return { g, difference };
  });
  // A few may lie at a kink, or be hidden by an infinity.
  const wrong = differences.filter(
    ({ g, difference: d }) => Number.isFinite(d) && !(Math.abs(g - d) <= 0.02 * Math.max(1, Math.abs(d))),
  );
  const [first] = wrong;
  if (first && wrong.length > given.length / 10)
    throw new ArgumentError(
      'scaledDotProductAttention',
      `scoreMod's score_mod_grad must be the derivative of score_mod, got ${first.g} where differences give ${first.difference}`,
    );
}
