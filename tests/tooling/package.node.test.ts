// What a bundler takes along for one import: no kernels but those that it can dispatch.
import { build } from 'esbuild';
import { expect, test } from 'vitest';

async function kernelsBehind(name: string) {
  const { outputFiles } = await build({
    stdin: { contents: `export { ${name} } from './src/index.ts';`, resolveDir: '.', loader: 'ts' },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
  });
  return [...(outputFiles[0]?.text ?? '').matchAll(/\bname:"(\w+\/\w+)"/g)].map(([, kernel]) => kernel);
}

test('the runtime brings only its own', async () => {
  expect((await kernelsBehind('Gpu')).filter((kernel) => !kernel?.startsWith('runtime/'))).toEqual([]);
});

test('an op without a gradient brings only its own', async () => {
  expect(await kernelsBehind('randn')).toEqual(['random/normal']);
});

test('an op does not bring the ops of other families', async () => {
  const families = (await kernelsBehind('sum')).map((kernel) => kernel?.split('/')[0]);
  expect(families).toContain('reduction');
  expect(families).not.toContain('linalg');
  expect(families).not.toContain('recurrent');
});
