import { philoxWords } from '../../src/random/philox.ts';
import type { Nd } from '../../src/testing/check.ts';
import { at, nd } from './nd.ts';

/** The options of `scaledDotProductAttention` with arrays in place of tensors. */
export interface ReferenceOptions {
  readonly layout?: 'bhld' | 'blhd';
  readonly mask?: Nd;
  /** Whether `mask` says what may be seen instead of being added. */
  readonly isBool?: boolean;
  readonly isCausal?: boolean;
  readonly window?: readonly [number, number];
  readonly alignment?: 'upper-left' | 'lower-right';
  readonly queryLengths?: ArrayLike<number>;
  readonly keyLengths?: ArrayLike<number>;
  readonly scale?: number;
  readonly softcap?: number;
  readonly alibi?: Nd;
  readonly sinks?: Nd;
  readonly dropout?: { readonly p: number; readonly seed: number; readonly offset?: number };
  readonly scoreMod?: (score: number, b: number, h: number, q: number, k: number) => number;
  readonly maskMod?: (b: number, h: number, q: number, k: number) => boolean;
}

/** Element [b, h, row, d] whatever the layout; 3-D arrays have one head. */
function element({ shape, data }: Nd, layout: string, b: number, h: number, row: number, d: number): number {
  const n = shape.at(-1) as number;
  if (shape.length === 3) return data[(b * (shape[1] as number) + row) * n + d] as number;
  const [i, j] = layout === 'blhd' ? [row, h] : [h, row];
  return data[((b * (shape[1] as number) + i) * (shape[2] as number) + j) * n + d] as number;
}

/** Attention from its definition, in f64, a score at a time. */
export function attention(q: Nd, k: Nd, v: Nd, o: ReferenceOptions = {}): { output: Nd; lse: Nd; weights: Nd } {
  const layout = o.layout ?? 'bhld';
  const sizes = (x: Nd): number[] => {
    const [a, b, c, d] = x.shape as [number, number, number, number];
    if (x.shape.length === 3) return [a, 1, b, c];
    return layout === 'blhd' ? [a, c, b, d] : [a, b, c, d];
  };
  const [B, H, L, D] = sizes(q) as [number, number, number, number];
  const [, Hkv, S] = sizes(k) as [number, number, number];
  const Dv = v.shape.at(-1) as number;
  const words = o.dropout && philoxWords(o.dropout.seed, o.dropout.offset ?? 0, B * H * L * S);
  const output = new Float64Array(B * H * L * Dv);
  const lse = new Float64Array(B * H * L);
  const weights = new Float64Array(B * H * L * S);
  for (let b = 0; b < B; b++)
    for (let h = 0; h < H; h++)
      for (let i = 0; i < L; i++) {
        const row = (b * H + h) * L + i;
        const g = Math.floor(h / (H / Hkv));
        const scores = Array.from({ length: S }, (_, j) => {
          if (!isSeen(o, b, h, i, j, L, S)) return Number.NEGATIVE_INFINITY;
          let dots = 0;
          for (let d = 0; d < D; d++) dots += element(q, layout, b, h, i, d) * element(k, layout, b, g, j, d);
          return score(o, dots, D, b, h, i, j, L, S);
        });
        const there = i < (o.queryLengths?.[b] ?? L);
        const all = o.sinks && there ? [...scores, at(o.sinks, [h])] : scores;
        const most = Math.max(Number.NEGATIVE_INFINITY, ...all);
        const total = all.reduce((t, s) => t + (s === Number.NEGATIVE_INFINITY ? 0 : Math.exp(s - most)), 0);
        lse[row] = total === 0 ? Math.fround(-3.4e38) : most + Math.log(total);
        for (let j = 0; j < S; j++) {
          const s = scores[j] as number;
          const w = s === Number.NEGATIVE_INFINITY ? 0 : Math.exp(s - most) / total;
          weights[row * S + j] = w;
          const { p } = o.dropout ?? { p: 0 };
          const kept = !words || (words[row * S + j] as number) >= Math.round(p * 2 ** 32) ? w / (1 - p) : 0;
          if (kept === 0) continue;
          for (let d = 0; d < Dv; d++) {
            const to = q.shape.length === 3 || layout === 'bhld' ? row : (b * L + i) * H + h;
            output[to * Dv + d] = (output[to * Dv + d] as number) + kept * element(v, layout, b, g, j, d);
          }
        }
      }
  const lead = q.shape.length === 3 ? [B, L] : [B, H, L];
  return { output: nd(q.shape.with(-1, Dv), output), lse: nd(lead, lse), weights: nd([...lead, S], weights) };
}

function offsetOf(o: ReferenceOptions, b: number, L: number, S: number): number {
  return o.alignment === 'lower-right' ? (o.keyLengths?.[b] ?? S) - (o.queryLengths?.[b] ?? L) : 0;
}

const maskAt = (mask: Nd, at4: readonly number[], rank: number): number => {
  // A mask of rank 3 beside inputs of rank 3 has no axis of heads.
  const place = rank === 3 && mask.shape.length < 4 ? [at4[0], at4[2], at4[3]] : at4;
  const lead = place.length - mask.shape.length;
  return at(
    mask,
    mask.shape.map((n, axis) => (n === 1 ? 0 : (place[axis + lead] as number))),
  );
};

function isSeen(
  o: ReferenceOptions,
  b: number,
  h: number,
  i: number,
  j: number,
  L: number,
  S: number,
  rank = 4,
): boolean {
  const center = i + offsetOf(o, b, L, S);
  const [left, right] = o.window ?? [-1, -1];
  return (
    i < (o.queryLengths?.[b] ?? L) &&
    j < (o.keyLengths?.[b] ?? S) &&
    !(o.isCausal && j > center) &&
    !(left >= 0 && j < center - left) &&
    !(right >= 0 && j > center + right) &&
    !(o.mask && o.isBool && maskAt(o.mask, [b, h, i, j], rank) === 0) &&
    (o.maskMod?.(b, h, i, j) ?? true)
  );
}

function score(
  o: ReferenceOptions,
  dots: number,
  D: number,
  b: number,
  h: number,
  i: number,
  j: number,
  L: number,
  S: number,
): number {
  let s = dots * (o.scale ?? 1 / Math.sqrt(D));
  if (o.softcap) s = o.softcap * Math.tanh(s / o.softcap);
  if (o.alibi) s -= at(o.alibi, [h]) * Math.abs(i + offsetOf(o, b, L, S) - j);
  if (o.mask && !o.isBool) s += maskAt(o.mask, [b, h, i, j], 4);
  return o.scoreMod ? o.scoreMod(s, b, h, i, j) : s;
}

/**
 * Rows in which every pair of values of two factors occurs at least once: a covering array of strength 2, by taking for each row, factor by factor, the value
 * that covers most pairs not yet covered.
 */
export function pairwise<F extends Readonly<Record<string, readonly unknown[]>>>(
  factors: F,
): { [K in keyof F]: F[K][number] }[] {
  const names = Object.keys(factors);
  const open = new Set<string>();
  const key = (a: number, i: number, b: number, j: number) => (a < b ? `${a}:${i},${b}:${j}` : `${b}:${j},${a}:${i}`);
  names.forEach((nameA, a) => {
    for (let b = a + 1; b < names.length; b++)
      factors[nameA]?.forEach((_, i) => {
        factors[names[b] as string]?.forEach((_, j) => open.add(key(a, i, b, j)));
      });
  });
  const rows: { [K in keyof F]: F[K][number] }[] = [];
  while (open.size > 0) {
    const chosen = new Map<number, number>();
    const [first] = open;
    for (const part of (first as string).split(',')) {
      const [a, i] = part.split(':').map(Number) as [number, number];
      chosen.set(a, i);
    }
    names.forEach((name, a) => {
      if (chosen.has(a)) return;
      const gains = (factors[name] as readonly unknown[]).map(
        (_, i) => [...chosen].filter(([b, j]) => open.has(key(a, i, b, j))).length,
      );
      chosen.set(a, gains.indexOf(Math.max(...gains)));
    });
    for (const [a, i] of chosen) for (const [b, j] of chosen) if (a < b) open.delete(key(a, i, b, j));
    rows.push(
      Object.fromEntries(
        names.map((name, a) => [name, factors[name]?.[chosen.get(a) as number]]),
      ) as (typeof rows)[number],
    );
  }
  return rows;
}
