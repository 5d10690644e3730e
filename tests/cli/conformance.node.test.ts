import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Case } from '../../src/cli/conformance/case.ts';
import { compare, ulpDistance } from '../../src/cli/conformance/compare.ts';
import { quarantine } from '../../src/cli/conformance/quarantine.ts';
import { CASES } from './conformance_cases.ts';

const script = fileURLToPath(new URL('../../src/cli/conformance.ts', import.meta.url));
const tsx = fileURLToPath(import.meta.resolve('tsx/cli'));
const folder = mkdtempSync(join(tmpdir(), 'fovea-conformance-'));

afterAll(() => rmSync(folder, { recursive: true }));

function put(path: string, content: unknown): void {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
}

function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [tsx, script, ...args], (error, out, err) =>
      resolve({ code: Number(error?.code ?? 0), out, err }),
    );
  });
}

const lastLine = (text: string): string => text.trimEnd().split('\n').at(-1) ?? '';

beforeAll(() => {
  for (const [path, content] of Object.entries(CASES)) put(join('good', path), content);
  put('bad/onnx/Neg/neg.json', { ...(CASES['onnx/Neg/wrong.json'] as object), case: 'test_neg' });
  put('bad/onnx/Abs/abs.json', CASES['onnx/Neg/wrong.json']); // not what --case asks for
  put('torn/onnx/Neg/neg.json', '{"case": ');
});

describe('the command', () => {
  it('runs cases of every format, keeps the unsupported apart and skips what is in quarantine', async () => {
    const json = join(folder, 'out', 'report.json');
    const { code, out, err } = await run(join(folder, 'good'), '--verbose', '--json', json);
    expect(lastLine(out), out + err).toBe('14 passed, 0 failed');
    expect(code).toBe(0);
    expect(out).toMatch(/^3 quarantined\n4 unsupported$/m);
    expect(out).toContain('onnx Unheard: test_unheard\n  unsupported: Unheard\n');
    expect(out).toContain('onnx Elu: test_elu_strange\n  unsupported: Elu with strange\n');
    expect(out).toContain('onnx Neg: test_wide\n  unsupported: float64 values beyond f32\n');
    expect(out).toMatch(/^ {2}tfjs +2 +- +-$/m);
    expect(err).toContain('QUARANTINE.json names what no case corresponds to: onnx: test_wrong\n');

    const report = JSON.parse(readFileSync(json, 'utf8'));
    expect(report).toMatchObject({ passed: 14, failed: 0, unsupported: 4, quarantined: 3 });
    expect(report.suites.onnx.ops.Unheard).toEqual({ passed: 0, failed: 0, unsupported: 1 });
    expect(report.cases.find((c: { name: string }) => c.name === 'double #2')).toMatchObject({
      suite: 'tfjs',
      status: 'passed',
    });
  });

  it('exits with 1 when a case that was asked for fails, and names it with its error and tolerance', async () => {
    const { code, out } = await run(join(folder, 'bad'), '--case', 'st_neg');
    expect(code).toBe(1);
    expect(out).toContain(
      'FAILED onnx Neg: test_neg\n  output 0: error 6 is over 0.0000600 at element 0 of [1]: -1, should be 5\n',
    );
    expect(lastLine(out)).toBe('0 passed, 1 failed');
  });

  it('runs only what the options ask for', async () => {
    const { out } = await run(
      join(folder, 'good'),
      '--suite',
      'webnn',
      '--suite',
      'onnx',
      '--op',
      'abs',
      '--op',
      'Add',
    );
    expect(lastLine(out)).toBe('2 passed, 0 failed');
  });

  it.each([
    ['a folder that is missing', ['nowhere'], /^conformance: the folder .*nowhere does not exist\n$/],
    ['a folder without suites', ['good/licences'], /^conformance: .*licences holds none of the suites onnx, .*\n$/],
    ['a torn file', ['torn'], /^conformance: .*neg\.json: .*JSON.*\n$/],
    ['an unknown suite', ['good', '--suite', 'nnx'], /^conformance: --suite must be one of onnx, .*, got nnx\n$/],
    [
      'options that leave nothing',
      ['good', '--op', 'Nothing'],
      /^conformance: no case in .* is what the options ask for\n$/,
    ],
  ])('exits with 2 and one sentence for %s', async (_, [dir, ...options], sentence) => {
    const { code, out, err } = await run(join(folder, dir as string), ...options);
    expect(err).toMatch(sentence);
    expect(out).toBe('');
    expect(code).toBe(2);
  });

  it('explains itself', async () => {
    const { code, out } = await run('--help');
    expect(code).toBe(0);
    for (const option of ['--suite', '--op', '--case', '--json', '--verbose']) expect(out).toContain(option);
    expect((await run()).code).toBe(2);
  });
});

describe('ulpDistance', () => {
  it.each([
    [1, 1, 0],
    [1, 1 + 2 ** -23, 1],
    [1, 1 - 2 ** -24, 1],
    [2, 2 - 2 ** -23, 1],
    [0, -0, 0],
    [2 ** -149, 0, 1],
    [2 ** -149, -(2 ** -149), 2],
    [-1, -1 - 2 ** -23, 1],
    [3.4028234663852886e38, Number.POSITIVE_INFINITY, 1],
    [Number.NaN, Number.NaN, 0],
    [Number.NaN, 1, Number.POSITIVE_INFINITY],
    [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, 0],
  ])('from %s to %s are %s f32 numbers', (a, b, distance) => {
    expect(ulpDistance(a, b, 'f32')).toBe(distance);
    expect(ulpDistance(b, a, 'f32')).toBe(distance);
  });

  it('knows halves and integers', () => {
    expect(ulpDistance(1, 1 + 2 ** -10, 'f16')).toBe(1);
    expect(ulpDistance(65504, Number.POSITIVE_INFINITY, 'f16')).toBe(1);
    expect(ulpDistance(2 ** -24, -(2 ** -24), 'f16')).toBe(2);
    expect(ulpDistance(-3, 4, 'i32')).toBe(7);
  });
});

describe('compare', () => {
  const result = (data: number[], dtype: 'f32' | 'i32' | 'bool' = 'f32') => ({ shape: [data.length], dtype, data });
  const close = { metric: 'close', atol: 0.1, rtol: 0 } as const;

  it('holds shape and dtype', () => {
    expect(compare('y', result([1]), { dims: [1, 1], data: [1] }, close)?.message).toBe(
      'shape is [1], should be [1, 1]',
    );
    expect(compare('y', result([1]), { dtype: 'int64', dims: [1], data: [1] }, close)?.message).toBe(
      'dtype is f32, should be i32 (for int64)',
    );
    expect(compare('y', result([7], 'i32'), { dtype: 'int64', dims: [1], data: ['7'] }, close)).toBeNull();
  });

  it('names the element that is farthest beyond its tolerance', () => {
    const mismatch = compare('y', result([1.05, 2.5, 3.2]), { dims: [3], data: [1, 2, 3] }, close);
    expect(mismatch).toMatchObject({ result: 'y', error: 0.5 });
    expect(mismatch?.message).toContain('at element 1 of [3]: 2.5, should be 2 (2 of 3 elements are wrong)');
  });

  it('has no tolerance for integers, NaN and infinities', () => {
    const wide = { metric: 'close', atol: 1e9, rtol: 1e9 } as const;
    expect(compare('y', result([1], 'i32'), { dims: [1], data: [2] }, wide)).not.toBeNull();
    expect(compare('y', result([Number.NaN]), { dims: [1], data: [0] }, wide)).not.toBeNull();
    expect(compare('y', result([0]), { dims: [1], data: ['NaN'] }, wide)).not.toBeNull();
    expect(compare('y', result([1e30]), { dims: [1], data: ['Infinity'] }, wide)).not.toBeNull();
    expect(compare('y', result([Number.POSITIVE_INFINITY]), { dims: [1], data: ['-Infinity'] }, wide)).not.toBeNull();
    expect(
      compare('y', result([Number.NaN, Number.POSITIVE_INFINITY]), { dims: [2], data: ['NaN', 'Infinity'] }, close),
    ).toBeNull();
  });

  it('measures in units of the last place, of larger terms where these are named', () => {
    const want = { dims: [1], data: [2 ** -10] };
    const got = result([2 ** -10 + 2 ** -24]);
    expect(compare('y', got, want, { metric: 'ulp', value: 511 })?.error).toBe(512);
    expect(compare('y', got, want, { metric: 'ulp', value: 512 })).toBeNull();
    expect(compare('y', got, want, { metric: 'ulp', value: 1, scale: 1 })).toBeNull();
    const odd = { dims: [2], data: ['NaN', '-Infinity'] };
    expect(compare('y', result([Number.NaN, Number.NEGATIVE_INFINITY]), odd, { metric: 'ulp', value: 0 })).toBeNull();
    expect(
      compare('y', result([1, Number.NEGATIVE_INFINITY]), odd, { metric: 'ulp', value: 9, scale: 1 }),
    ).not.toBeNull();
  });
});

describe('quarantine', () => {
  const make = (suite: string, name: string, body: object = {}, op = 'Op', file = `${suite}/file.json`): Case => ({
    suite,
    op,
    name,
    file,
    body: { case: name, ...body } as Case['body'],
  });
  const skipped = (entry: string, cases: readonly Case[]) => {
    const { has, unused } = quarantine([{ suite: 'a', case: entry, why: '' }], cases);
    return { skipped: cases.filter(has).map((c) => c.name), unused };
  };

  it('takes a name as it stands, of its own suite only, and every case of that name', () => {
    const cases = [
      make('a', 'x, y'),
      { ...make('a', 'x, y'), name: 'x, y #2' },
      make('b', 'x, y'),
      make('a', 'x, y and more'),
    ];
    expect(skipped('x, y', cases)).toEqual({ skipped: ['x, y', 'x, y #2'], unused: [] });
  });

  it('takes endings and alternatives', () => {
    const cases = ['t_a', 't_a_m', 't_b', 't_c_z', 't_d_z'].map((name) => make('a', name));
    expect(skipped('t_a, _m, t_{c,d}_z', cases)).toEqual({ skipped: ['t_a', 't_a_m', 't_c_z', 't_d_z'], unused: [] });
  });

  it('takes operators of an operator set', () => {
    const cases = [
      make('a', '1', { opset: { ai: 6 } }, 'S'),
      make('a', '2', { opset: { ai: 13 } }, 'S'),
      make('a', '3', { opset: { ai: 6 } }, 'T'),
    ];
    expect(skipped('R/S (opset 6)', cases).skipped).toEqual(['1']);
  });

  it('takes cases that expect NaN or an infinity', () => {
    const cases = [
      make('a', '1', { expected: [1, 'NaN'] }),
      make('a', '2', { expected: [[1], ['-Infinity']] }),
      make('a', '3', { expected: [1, '-0'] }),
    ];
    expect(skipped('any case with NaN/Infinity in expected', cases).skipped).toEqual(['1', '2']);
  });

  it('takes beginnings of names in a kind of files, and layers of cells that are not the library’s own', () => {
    const cell = (module: string) => ({ config: { cell: { module, class_name: 'OneCell' } } });
    const cases = [
      make('a', 'test_ema_1', {}, 'Op', 'a/optimizers.json'),
      make('a', 'test_ema_2', {}, 'Op', 'a/other.json'),
      make('a', 'own', cell('keras.layers'), 'RNN'),
      make('a', 'custom', cell('keras.src.some_test'), 'RNN'),
    ];
    expect(skipped('optimizers test_ema*, Bidirectional/RNN with custom cells', cases).skipped).toEqual([
      'test_ema_1',
      'custom',
    ]);
  });

  it('says which entries correspond to nothing', () => {
    expect(skipped('some prose nobody can follow', [make('a', 'x')])).toEqual({
      skipped: [],
      unused: ['a: some prose nobody can follow'],
    });
  });
});
