// The examples of the README, as they stand there: imports become what they name, and what they log is kept.
import { expect, test, vi } from 'vitest';
import readme from '../../README.md?raw';
import * as fovea from '../../src/index.ts';
import * as nn from '../../src/nn/index.ts';
import * as optim from '../../src/optim/index.ts';

const examples = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code as string);
const modules = { fovea, 'fovea/nn': nn, 'fovea/optim': optim, webgpu: { create: () => navigator.gpu, globals: {} } };

/** What an example logs. */
async function run(code: string): Promise<unknown[][]> {
  const body = code.replace(/import (\{.*?\}) from '(.*?)';/g, "const $1 = modules['$2'];");
  const AsyncFunction = (async () => {}).constructor as new (
    ...args: string[]
  ) => (...args: unknown[]) => Promise<void>;
  const log = vi.fn();
  await new AsyncFunction('modules', 'console', 'process', body)(modules, { log }, { exit: () => {} });
  return log.mock.calls;
}

test('a page trains a layer', async () => {
  const [[loss] = []] = await run(examples[0] as string);
  expect(loss).toBeGreaterThan(0);
  expect(loss).toBeLessThan(0.05);
});

test('Node looks where it should', async () => {
  const [[output, weights] = []] = await run(examples[1] as string);
  // Keys e1 and e2 under v . tanh(q + k), v = (1, 2): the second gets more.
  const score = (k: readonly number[]) => Math.tanh(1 + k[0]!) + 2 * Math.tanh(1 + k[1]!);
  const [a, b] = [Math.exp(score([1, 0])), Math.exp(score([0, 1]))];
  const [[first, second]] = weights as [[number, number]];
  expect(first).toBeCloseTo(a / (a + b), 5);
  expect(second).toBeCloseTo(b / (a + b), 5);
  expect(output).toEqual(weights);
});

test('there are no others', () => expect(examples).toHaveLength(2));
