import { expect, test } from 'vitest';
import { countOf } from '../../scripts/counts.mjs';

const names = { m: undefined, n: undefined, BIAS: 0 };
const flops = (...lines: string[]) => countOf('flops', lines, names, 'linalg/x');

test('a header line becomes a typed function of what it names', () => {
  expect(flops('// y = x', '// flops: 2 * m * (n + BIAS)', '// bytes: m')).toBe(
    '({ m, n, BIAS = 0 }: { m: number; n: number; BIAS?: number }) => 2 * m * (n + BIAS)',
  );
  expect(flops('// flops: m * max(n, 1.5)')).toBe('({ m, n }: { m: number; n: number }) => m * Math.max(n, 1.5)');
  expect(flops('// flops: 7')).toBe('() => 7');
  expect(flops('// y = x')).toBeNull();
});

test('what it cannot mean is an error that names the kernel', () => {
  expect(() => flops('// flops: 2 * k')).toThrow(
    "linalg/x: '// flops: 2 * k' uses k, which is none of m, n, BIAS, ceil",
  );
  expect(() => flops('// flops: 2 * (m')).toThrow('is no formula');
  expect(() => flops('// flops:')).toThrow('is no formula');
  expect(() => flops('// flops: 1 / (m - n)')).toThrow('it gives Infinity');
  expect(() => flops('// flops: m; n')).toThrow('may hold numbers, names');
  expect(() => flops('// flops: m // n')).toThrow('may hold numbers, names');
  expect(() => flops('// flops: constructor')).toThrow('uses constructor');
  expect(() => flops('// flops: m', '// flops: n')).toThrow('stands there more than once');
});
