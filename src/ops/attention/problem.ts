import { type Shape, sizeOf, words } from '../../host.ts';
import { isSoftware } from '../../runtime/adapter.ts';
import type { Tensor } from '../../tensor.ts';
import { concat } from '../concat.ts';
import { locate } from '../random.ts';
import { broadcastStrides } from '../strides.ts';
import { BlockMask, type Hooks, hooksOf, wordsOf } from './mods.ts';
import { maskShape, type ScaledDotProductAttentionOptions, type Sizes } from './options.ts';
import { FEW_ROWS, type Plan, plan, type Traits } from './plan.ts';

/** No bound on what a query sees: farther than any key, and small enough to be added to a position. */
const UNBOUNDED = 2 ** 30;
/** Not in `aux`; see lib/attention.inc.wgsl. */
const NONE = 2 ** 32 - 1;

/** Multiply-adds after which a dispatch ends and is submitted: no browser gives up a device for less. */
const LONGEST = { software: 2 ** 32, gpu: 2 ** 38 } as const;

/** A call as the kernels take it. */
export interface Problem {
  readonly sizes: Sizes;
  readonly params: ReturnType<typeof paramsOf>;
  readonly constants: Readonly<Record<'MODIFIED' | 'SCORE_MOD' | 'MASK_MOD', boolean>>;
  /** Whether every query sees every key, and no tile has rows of several heads. */
  readonly everyone: boolean;
  /** What stands in place of score_mod and its like. */
  readonly hooks: Hooks;
  readonly plan: Plan;
  /** Multiply-adds of one dispatch, at most. */
  readonly longest: number;
  /** The bits of the mask and of the arrays per head and per entry of the batch; something to bind where there are none. */
  readonly mask: Tensor;
  readonly aux: Tensor;
}

/** Lays a checked call out for the kernels: strides, bounds, and small arrays packed into one. D and Dv are multiples of 4. */
export function layOut(q: Tensor, sizes: Sizes, options: ScaledDotProductAttentionOptions): Problem {
  const { mask } = options;
  const { aux, at } = packAux(q, options);
  const params = paramsOf(q, sizes, options, at);
  const { softcap, alibi, dropout, scoreMod, maskMod } = options;
  const scored = softcap !== undefined || alibi !== undefined || scoreMod !== undefined || params.maskKind > 1;
  return {
    sizes,
    params,
    constants: {
      MODIFIED: scored || (dropout?.p ?? 0) > 0,
      SCORE_MOD: scoreMod !== undefined,
      MASK_MOD: maskMod !== undefined,
    },
    everyone: seesAll(options) && params.span === params.l,
    hooks: hooksOf(options),
    plan: plan(q.gpu, sizes, traitsOf(q, options), options.plan),
    longest: options.longest ?? LONGEST[isSoftware(q.gpu.family) ? 'software' : 'gpu'],
    mask: mask ? bitsOf(mask) : q.reinterpret('u32', [1]),
    aux,
  };
}

/** Whether every query sees every key. */
function seesAll({ mask, isCausal, window, queryLengths, keyLengths, maskMod }: ScaledDotProductAttentionOptions) {
  return (
    !isCausal && mask?.dtype !== 'bool' && [window, queryLengths, keyLengths, maskMod].every((x) => x === undefined)
  );
}

function traitsOf(q: Tensor, options: ScaledDotProductAttentionOptions): Traits {
  const { mask, softcap, alibi, sinks, dropout, scoreMod } = options;
  const isLean = seesAll(options) && [mask, softcap, alibi, dropout, scoreMod].every((x) => x === undefined);
  const isPlain = isLean && q.dtype === 'f32' && sinks === undefined && (q.rank === 3 || options.layout !== 'blhd');
  return { isPlain, isLean };
}

/** A tensor's words. */
function bitsOf(t: Tensor): Tensor {
  return t.reinterpret('u32', [words(t.shape, t.dtype)]);
}

/** The small arrays one after the other, and where each begins. */
function packAux(q: Tensor, options: ScaledDotProductAttentionOptions) {
  const { alibi, sinks, queryLengths, keyLengths, maskMod, extras: [extra0, extra1] = [] } = options;
  const parts: Tensor[] = [];
  let next = 0;
  const place = (t: Tensor | undefined): number => {
    if (!t) return NONE;
    parts.push(wordsOf(t));
    next += t.size;
    return next - t.size;
  };
  const blocks = maskMod instanceof BlockMask ? maskMod.classes : undefined;
  const at = {
    alibiAt: place(alibi),
    sinksAt: place(sinks),
    queriesAt: place(queryLengths),
    keysAt: place(keyLengths),
    extras: [place(extra0), extra0?.size ?? 0, place(extra1), extra1?.size ?? 0],
    maskBlocks: [place(blocks), ...(blocks ? blockStrides(blocks.shape) : [0, 0, 0])],
  };
  const [first = q.reinterpret('u32', [1])] = parts;
  return { at, aux: parts.length > 1 ? concat(parts) : first };
}

/** The strides of batch, head and blocks of queries in the classes of a block mask. */
function blockStrides([B, H, down, across]: Shape): number[] {
  const [all, each] = [(down as number) * (across as number), across as number];
  return [B === 1 ? 0 : (H as number) * all, H === 1 ? 0 : all, each];
}

/** The strides of [B, H, rows, width / 4] vec4s in a tensor that has them in the order of `layout`. */
function strides(heads: number, rows: number, width: number, layout: string): number[] {
  const w = width / 4;
  return layout === 'blhd' ? [rows * heads * w, w, heads * w, 0] : [heads * rows * w, rows * w, w, 0];
}

function paramsOf(
  q: Tensor,
  { B, H, Hkv, L, S, D, Dv }: Sizes,
  options: ScaledDotProductAttentionOptions,
  at: ReturnType<typeof packAux>['at'],
) {
  const { layout = 'bhld', mask, isCausal = false, window = [-1, -1], dropout } = options;
  const [left, right] = window.map((n) => (n === -1 ? UNBOUNDED : Math.min(n, UNBOUNDED))) as [number, number];
  const stream = locate('scaledDotProductAttention', dropout ?? { seed: 0 }, B * H * L * S);
  const p = dropout?.p ?? 0;
  const keys = sizeOf([B, Hkv, S, D]);
  return {
    h: H,
    hkv: Hkv,
    l: L,
    s: S,
    d4: D / 4,
    dv4: Dv / 4,
    rows: B * H * L,
    part: 0,
    ...sharing(H / Hkv, L),
    qAt: strides(H, L, D, layout),
    kAt: strides(Hkv, S, D, layout),
    vAt: strides(Hkv, S, Dv, layout),
    oAt: strides(H, L, Dv, layout),
    maskAt: mask ? broadcastStrides(maskShape(mask, q.rank), [B, H, L, S] as Shape) : [0, 0, 0, 0],
    maskKind: mask ? { bool: 1, f32: 2, f16: 3, i32: 0, u32: 0 }[mask.dtype] : 0,
    scale: options.scale ?? 1 / Math.sqrt(D),
    softcap: options.softcap ?? 0,
    left,
    right: isCausal ? Math.min(right, 0) : right,
    lowerRight: options.alignment === 'lower-right' ? 1 : 0,
    ...at,
    threshold: Math.min(Math.round(p * 2 ** 32), 2 ** 32 - 1),
    kept: 1 / (1 - p),
    // dV begins at the next 256 bytes behind dK, whatever the dtype.
    dvAt: Math.ceil(keys / 128) * 32,
    keyLow: stream.key[0] as number,
    keyHigh: stream.key[1] as number,
    offset: [stream.first[0] as number, stream.first[1] as number, stream.shift, 0],
  };
}

/** Rows of heads that share keys: loops of L rows, or one of all of them. */
function sharing(group: number, L: number) {
  return L < FEW_ROWS ? { loops: 1, span: group * L } : { loops: group, span: L };
}
