import { Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DEFAULTS, parseOptions, UsageError } from '../../examples/translate/options.ts';
import { showProgress } from '../../examples/translate/progress.ts';

const parse = (line: string) => parseOptions(line.split(' ').filter(Boolean));

describe('parseOptions', () => {
  it('has defaults for everything', () => {
    expect(parse('')).toEqual({
      ...DEFAULTS.attention,
      ...{ model: 'attention', pairs: undefined, translate: undefined, seed: 1, load: undefined, out: 'out' },
      ...{ json: false, given: new Set() },
    });
    expect(parse('--model plain')).toMatchObject({ ...DEFAULTS.plain, model: 'plain', given: new Set(['model']) });
  });

  it('takes every option', () => {
    const line = '--model plain --pairs p.tsv --translate a b --steps 7 --hidden 5 --lr 1e-2 --seed 0 --out d --json';
    expect(parse(line)).toMatchObject({
      ...{ model: 'plain', pairs: 'p.tsv', translate: ['a', 'b'], steps: 7, hidden: 5, lr: 0.01, seed: 0, out: 'd' },
      json: true,
    });
    expect(parse('--translate a --seed 3 --translate b').translate).toEqual(['a', 'b']);
    expect(parseOptions(['--translate', ' cafe\u0301 ', '--translate=-x']).translate).toEqual(['caf\u00e9', '-x']);
    expect(parse('--lr .5').lr).toBe(0.5);
  });

  it('does not train a loaded model unless asked to', () => {
    expect(parse('--load m.safetensors')).toMatchObject({ load: 'm.safetensors', steps: 0 });
    expect(parse('--load m.safetensors --steps 5').steps).toBe(5);
    expect(parse('--load m.safetensors --steps 0').steps).toBe(0);
  });

  const cases: [line: string | string[], message: string][] = [
    ['--steps 0', '--steps must be at least 1, unless --load names a model'],
    ['--model rnn', '--model must be attention or plain, got "rnn"'],
    ['--steps 1.5', '--steps must be a whole number of 0 or more, got "1.5"'],
    ['--steps -1', '--steps must be a whole number of 0 or more, got "-1"'],
    ['--steps 1e3', '--steps must be a whole number of 0 or more, got "1e3"'],
    ['--hidden 0', '--hidden must be a whole number from 1 to 4096, got "0"'],
    ['--hidden 5000', '--hidden must be a whole number from 1 to 4096, got "5000"'],
    ['--seed 4294967296', '--seed must be a whole number from 0 to 4294967295, got "4294967296"'],
    ['--seed x', '--seed must be a whole number from 0 to 4294967295, got "x"'],
    ['--lr 0', '--lr must be a number above 0, got "0"'],
    ['--lr 1e999', '--lr must be a number above 0, got "1e999"'],
    ['--lr 0x1', '--lr must be a number above 0, got "0x1"'],
    [['--lr', ''], '--lr must be a number above 0, got ""'],
    [['--out', ''], '--out must not be empty'],
    [['--translate', 'a', ' '], '--translate must not have an empty word'],
    ['word', 'unexpected argument "word", see --help'],
    ['--step 3', "unknown option '--step' (Did you mean --steps?)"],
    ['-x', "unknown option '-x'"],
    ['--seed', "option '--seed <n>' argument missing"],
    ['--translate', "option '--translate <word...>' argument missing"],
  ];
  for (const [line, message] of cases) {
    it(`rejects ${Array.isArray(line) ? JSON.stringify(line) : line}`, () => {
      const argv = Array.isArray(line) ? line : line.split(' ');
      expect(() => parseOptions(argv)).toThrow(new UsageError(message));
    });
  }

  it('prints the help, with every option, and ends well', () => {
    const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    const exit = vi.spyOn(process, 'exit').mockImplementation((code) => {
      throw new Error(`exit ${code}`);
    });
    expect(() => parse('--help --seed 1')).toThrow('exit 0');
    const help = written.mock.calls.join('');
    vi.restoreAllMocks();
    expect(exit).not.toBe(process.exit);
    for (const name of [
      'model',
      'pairs',
      'translate',
      'steps',
      'hidden',
      'lr',
      'seed',
      'load',
      'out',
      'json',
      'help',
    ]) {
      expect(help).toContain(`--${name}`);
    }
    expect(help).toContain('Usage: npm start -- [options]');
    expect(help).toContain('npm start -- --load out/model.safetensors');
  });
});

describe('showProgress', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  function sink(isTTY: boolean) {
    const text: string[] = [];
    const stream = new Writable({
      write(chunk, _, done) {
        text.push(String(chunk));
        done();
      },
    });
    return { text, stream: Object.assign(stream, { isTTY, columns: 120 }) };
  }

  it('prints a line every five seconds and at the end where there is no terminal', () => {
    const { text, stream } = sink(false);
    const progress = showProgress(100, stream);
    for (let step = 1; step <= 70; step++) {
      vi.advanceTimersByTime(100);
      progress.update(step, 1 / step);
    }
    progress.stop();
    progress.stop();
    expect(text).toEqual(['step 50/100: loss 0.0200, 10 steps/s\n', 'step 70/100: loss 0.0143, 10 steps/s\n']);
  });

  it('draws a bar on a terminal', () => {
    const { text, stream } = sink(true);
    const progress = showProgress(100, stream);
    vi.advanceTimersByTime(2000);
    progress.update(50, 0.25);
    progress.stop();
    expect(text.join('')).toContain('50/100 | loss 0.2500 | 25 steps/s');
    expect(vi.getTimerCount()).toBe(0);
  });
});
