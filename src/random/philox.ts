// Philox4x32-10 on the host: the definition that the kernels in shaders/random are held to, and the source of random numbers that are
// needed before there is a tensor.

/** Four 32-bit words. */
export type Words4 = readonly [number, number, number, number];

const M0 = 0xd2511f53;
const M1 = 0xcd9e8d57;
const W0 = 0x9e3779b9;
const W1 = 0xbb67ae85;

/**
 * One block of Philox4x32-10: a bijection of the counter for each key, ten rounds of multiplication and xor.
 *
 * @param counter four u32
 * @param key     two u32
 * @returns four u32, as good as independent and uniform
 * @see Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3 (SC 2011)
 */
export function philox4x32(counter: Words4, key: readonly [number, number]): Words4 {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const hi0 = mulHigh(M0, c0);
    const lo0 = Math.imul(M0, c0) >>> 0;
    const hi1 = mulHigh(M1, c2);
    const lo1 = Math.imul(M1, c2) >>> 0;
    [c0, c1, c2, c3] = [(hi1 ^ c1 ^ k0) >>> 0, lo1, (hi0 ^ c3 ^ k1) >>> 0, lo0];
    k0 = (k0 + W0) >>> 0;
    k1 = (k1 + W1) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** The upper 32 bits of the product of two u32; each partial product is exact in a double. */
function mulHigh(a: number, b: number): number {
  return Math.floor((a * (b >>> 16) + Math.floor((a * (b & 0xffff)) / 0x10000)) / 0x10000) >>> 0;
}

/** A whole number below 2^53 as two u32, low first. */
export function split64(n: number): [low: number, high: number] {
  return [n >>> 0, Math.floor(n / 2 ** 32)];
}

/**
 * Elements `offset` to `offset + count` of the stream of `seed`, as u32: element i is word i mod 4 of the block with the counter
 * (floor(i / 4) in 64 bits, step, 0) and the key `seed`.
 *
 * @param seed   a whole number in [0, 2^53)
 * @param offset a whole number; offset + count is at most 2^53
 * @param step   a u32, what the `state` tensor of the operators holds
 */
export function philoxWords(seed: number, offset: number, count: number, step = 0): Uint32Array<ArrayBuffer> {
  const key = split64(seed);
  const words = new Uint32Array(count);
  for (let i = 0; i < count; ) {
    const block = Math.floor((offset + i) / 4);
    const four = philox4x32([...split64(block), step, 0], key);
    for (let lane = offset + i - 4 * block; lane < 4 && i < count; lane++) words[i++] = four[lane] as number;
  }
  return words;
}

/** A word as a uniform number in [0, 1): its upper 24 bits, exact in f32. */
export const toUnit = (word: number): number => (word >>> 8) * 2 ** -24;

/**
 * Two words as two independent standard normals, by Box and Muller's transform: sqrt(-2 ln u) (cos a, sin a).
 *
 * u is the first word times 2^-32, cut to its 24 leading bits (so that it is exact in f32 and still reaches down to 2^-32), and a the
 * second word times 2^-32 turns, cut to 2^-26 of a turn.
 */
export function toNormals(word0: number, word1: number): [number, number] {
  const w = Math.max(word0, 1);
  const drop = 2 ** Math.max(0, 8 - Math.clz32(w));
  const radius = Math.sqrt(-2 * Math.log(Math.floor(w / drop) * drop * 2 ** -32));
  const angle = 2 * Math.PI * (Math.floor(word1 / 64) * 2 ** -26);
  return [radius * Math.cos(angle), radius * Math.sin(angle)];
}

/** Standard normals, elements `offset` to `offset + count` of the stream of `seed`, in doubles. */
export function philoxNormals(seed: number, offset: number, count: number, step = 0): Float64Array<ArrayBuffer> {
  const first = offset - (offset % 2);
  const words = philoxWords(seed, first, offset + count + ((offset + count) % 2) - first, step);
  const normals = new Float64Array(words.length);
  for (let i = 0; i < words.length; i += 2) normals.set(toNormals(words[i] as number, words[i + 1] as number), i);
  return normals.slice(offset - first, offset - first + count);
}
