// `npm run bench [-- ops...]`: Fovea beside the plain alternatives, in one page of headless Chrome.
import { readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import type { MeasuredRow } from '../../bench/page.ts';
import { withModule } from './chrome.ts';

const folder = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'bench');
const suffix = '.bench.ts';
const known = readdirSync(folder)
  .filter((file) => file.endsWith(suffix))
  .map((file) => file.slice(0, -suffix.length))
  .sort();

const whole = (text: string): number => {
  const n = Number(text);
  if (!Number.isInteger(n) || n < 1) throw new InvalidArgumentError('it must be a whole number of at least 1.');
  return n;
};

const command = new Command('bench')
  .description('Measures ops beside their plain compositions: correctness first, then interleaved rounds, medians.')
  .argument('[ops...]', `what to measure: ${known.join(', ')} (default: all)`)
  .option('--rounds <n>', 'samples of each contender', whole, 9)
  .option('--json <file>', 'write the measurements to a file')
  .parse();
const asked = command.args;
const options = command.opts<{ rounds: number; json?: string }>();

const unknown = asked.find((op) => !known.includes(op));
if (unknown !== undefined) {
  console.error(`bench: there is no ${unknown}, only ${known.join(', ')}`);
  process.exit(2);
}

const measured: MeasuredRow[] = [];
const report = (row: MeasuredRow) => {
  measured.push(row);
};
const adapter = await withModule<typeof import('../../bench/page.ts'), string>(
  join(folder, 'page.ts'),
  { report },
  async ({ call }, chrome) => {
    console.log(`adapter: ${chrome.adapter}`);
    for (const op of asked.length > 0 ? asked : known) {
      const from = measured.length;
      await call('run', op, options.rounds);
      print(measured.slice(from), isSoftware(chrome.adapter));
    }
    return chrome.adapter;
  },
);
if (options.json)
  writeFileSync(
    options.json,
    `${JSON.stringify({ date: new Date().toISOString(), adapter, rows: measured }, null, 2)}\n`,
  );
if (measured.some(({ contenders }) => contenders.some((c) => c.error))) process.exitCode = 1;

/** Absolute times of a software adapter say nothing about a GPU: there only ratios are shown. */
function isSoftware(name: string): boolean {
  return /swiftshader|llvmpipe|lavapipe|basic render/i.test(name);
}

function print(rows: readonly MeasuredRow[], software: boolean): void {
  for (const { op, shape, flops, contenders } of rows) {
    const [ours] = contenders;
    for (const { name, median, error, dispatches, bytesAllocated } of contenders) {
      const cost = `${dispatches} dispatch${dispatches === 1 ? '' : 'es'}, ${bytesAllocated} bytes of new buffers`;
      const ratio = median && ours?.median ? `${(median / ours.median).toFixed(2)} x` : '';
      const time = median && !software ? `${median.toFixed(3)} ms, ${(flops / median / 1e6).toFixed(1)} GFLOP/s` : '';
      console.log(
        [
          op.padEnd(12),
          shape.padEnd(24),
          name.padEnd(8),
          error ?? [ratio.padStart(9), time, cost].filter(Boolean).join('  '),
        ].join(' '),
      );
    }
  }
}
