// `npm run conformance -- DIR`: runs third-party conformance cases with Fovea's public ops in headless Chrome.
//
//   npm run conformance -- ../shared/conformance
//   npm run conformance -- DIR --suite onnx --op Softmax --verbose
//   npm run conformance -- DIR --json out/conformance.json
//   npm run conformance -- DIR --markdown docs/conformance.md
//
// DIR holds one folder for each suite (onnx, webnn, keras, tfjs, torch-grads ...; their formats are described in its README) and
// QUARANTINE.json, which names the cases that are wrong. The report counts by suite and operator what passed, what failed, and what is
// unsupported: a case that asks for an operator, an attribute or a dtype that Fovea does not have. Exit code 0, 1 if a case failed, 2 if
// the cases could not be run.
//
// To add an operator, add its line to the table of each suite that has cases for it, in src/cli/conformance/suites/.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { withModule } from './chrome.ts';
import type { Case } from './conformance/case.ts';
import { toMarkdown } from './conformance/markdown.ts';
import { quarantine } from './conformance/quarantine.ts';
import { InputError, parse, readCases, SUITES } from './conformance/read.ts';
import { report, tally, toJson, type Verdict } from './conformance/report.ts';

type Page = typeof import('./conformance/page.ts');

interface Options {
  readonly suite: readonly string[];
  readonly op: readonly string[];
  readonly case: readonly string[];
  readonly json?: string;
  readonly markdown?: string;
  readonly verbose?: boolean;
}

/** How much of the cases one call of the page carries, in characters of JSON. */
const BATCH = 1_000_000;

const collect = (value: string, previous: readonly string[]) => [...previous, value];

const program = new Command('conformance')
  .description('Runs third-party conformance cases with Fovea in headless Chrome.')
  .argument('<dir>', 'the folder that holds the suites, relative to the working directory')
  .option('--suite <name>', `only this suite (may be repeated): ${SUITES.join(', ')}`, collect, [])
  .option('--op <name>', 'only cases of this operator (may be repeated)', collect, [])
  .option('--case <text>', 'only cases whose name contains this text (may be repeated)', collect, [])
  .option('--json <file>', 'also write the counts and the outcome of every case to a file')
  .option(
    '--markdown <file>',
    'also write a table of the softmax and pooling families, with the reasons of what is unsupported',
  )
  .option('--verbose', 'list each unsupported case with its reason')
  .addHelpText(
    'after',
    `
A case is unsupported where it asks for an operator, an attribute or a dtype that Fovea does not have; it counts neither
as passed nor as failed. 64-bit integers are read as 32-bit ones where their values fit, float64 as f32, integers of 8 and
16 bits as 32-bit ones; float16 cases run where the device has shader-f16. QUARANTINE.json in the folder names cases to skip.

Exit code: 0, 1 if a case failed, 2 if the cases could not be run.`,
  )
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .action(main);

await program.parseAsync();

async function main(dir: string, options: Options): Promise<void> {
  try {
    const { cases, quarantined } = select(dir, options);
    const { verdicts, adapter } = await run(cases);
    const summary = { verdicts, quarantined, verbose: options.verbose ?? false };
    if (options.json) write(options.json, toJson(summary, adapter));
    if (options.markdown) write(options.markdown, toMarkdown(verdicts));
    console.log(`${report(summary)}`);
    process.exitCode = tally(verdicts).failed > 0 ? 1 : 0;
  } catch (error) {
    console.error(`conformance: ${error instanceof Error ? error.message : error}`);
    if (!(error instanceof InputError)) console.error(error);
    process.exitCode = 2;
  }
}

/** The cases asked for, without those in quarantine, which are counted. */
function select(dir: string, { suite, op, case: names }: Options): { cases: Case[]; quarantined: number } {
  const wrong = suite.find((name) => !SUITES.includes(name));
  if (wrong !== undefined) throw new InputError(`--suite must be one of ${SUITES.join(', ')}, got ${wrong}`);
  const { cases, unknown } = readCases(dir, (name) => suite.length === 0 || suite.includes(name));
  for (const name of unknown)
    console.error(`conformance: the suite ${name} is of no known format; its cases are not run`);
  const file = join(dir, 'QUARANTINE.json');
  const { has, unused } = quarantine(existsSync(file) ? parse(file) : [], cases);
  const wanted = cases.filter(
    (c) =>
      (op.length === 0 || op.includes(c.op)) && (names.length === 0 || names.some((text) => c.name.includes(text))),
  );
  if (wanted.length === 0) throw new InputError(`no case in ${dir} is what the options ask for`);
  // Of suites that were not read nothing can be said.
  const strays = unused.filter((entry) => cases.some((c) => entry.startsWith(`${c.suite}: `)));
  for (const entry of strays) console.error(`conformance: QUARANTINE.json names what no case corresponds to: ${entry}`);
  return { cases: wanted.filter((c) => !has(c)), quarantined: wanted.filter(has).length };
}

async function run(cases: readonly Case[]): Promise<{ verdicts: Verdict[]; adapter: string }> {
  const entry = fileURLToPath(new URL('./conformance/page.ts', import.meta.url));
  return await withModule<Page, { verdicts: Verdict[]; adapter: string }>(entry, {}, async (page, { adapter }) => {
    console.log(`${cases.length} cases on ${adapter}\n`);
    const verdicts: Verdict[] = [];
    for (const batch of batches(cases)) {
      const outcomes = await page.call('runCases', batch);
      batch.forEach((c, i) => verdicts.push({ case: c, outcome: outcomes[i] as Verdict['outcome'] }));
      progress(verdicts.length, cases.length);
    }
    return { verdicts, adapter };
  });
}

function batches(cases: readonly Case[]): Case[][] {
  const all: Case[][] = [];
  let room = 0;
  for (const c of cases) {
    const size = JSON.stringify(c.body).length;
    if (size > room) {
      all.push([]);
      room = BATCH;
    }
    all.at(-1)?.push(c);
    room -= size;
  }
  return all;
}

function progress(done: number, all: number): void {
  if (process.stderr.isTTY) process.stderr.write(done < all ? `\r${done} of ${all}` : '\r\x1b[K');
}

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
