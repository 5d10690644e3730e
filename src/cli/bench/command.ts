// `fovea bench`: measures, prints, writes, compares.
import { writeFileSync } from 'node:fs';
import { styleText } from 'node:util';
import { Command, Option } from 'commander';
import type { MeasuredRow } from '../../../bench/measure.ts';
import type { Request } from '../../../bench/page.ts';
import { UsageError } from '../errors.ts';
import type { HostInfo, HostOptions } from '../hosts.ts';
import { checkWritable } from '../json.ts';
import { type HostChoice, type Hosts, hostOf, hostOptions, list, positive, whole } from '../options.ts';
import { showProgress } from '../progress.ts';
import { compare } from './compare.ts';
import { htmlReport } from './html.ts';
import { benchedOps } from './ops.ts';
import { type ColdStart, FORMAT, type Report, readComparable } from './report.ts';
import { about } from './system.ts';
import { changesTable, coldTable, heading, rowsTable } from './table.ts';

interface Options extends HostChoice {
  readonly shapes?: readonly string[];
  readonly dtype: 'f32' | 'f16';
  readonly variant?: readonly string[];
  readonly peers?: boolean;
  readonly rounds: number;
  readonly smoke?: boolean;
  readonly cold?: boolean;
  readonly json?: string;
  readonly html?: string;
  readonly compare?: string;
  readonly threshold: number;
}

/** Measures cold pages, where there are a browser and the sources of the pages. */
export type ColdStarts = (options: HostOptions, software: boolean) => Promise<ColdStart[]>;

/** The command for the hosts there are. */
export function benchCommand(hosts: Hosts, cold?: ColdStarts): Command {
  const known = benchedOps();
  const command = new Command('bench')
    .description(
      'Measures ops: correctness first, then interleaved rounds, against a roofline measured in the same run.',
    )
    .argument('[ops...]', `what to measure: ${known.join(', ')} (default: all)`);
  for (const option of hostOptions(hosts)) command.addOption(option);
  return command
    .option('--shapes <text...>', 'only rows whose shape or series contains one of these')
    .addOption(new Option('--dtype <type>', 'storage type').choices(['f32', 'f16']).default('f32'))
    .option('--variant <name>', 'also measure forced variants whose name contains this; all for all of them', list)
    .option('--peers', 'also measure jax-js, TensorFlow.js and ONNX Runtime Web, each where it computes the same')
    .option('--cold', 'also measure what a cold page loads and waits for, for each library (Chrome, in a checkout)')
    .option('--rounds <n>', 'samples of each contender', whole(1), 15)
    .option('--smoke', 'tiny shapes and one round: to see that everything runs')
    .option('--json <file>', 'write the report')
    .option('--html <file>', 'write plots: time against size, roofline')
    .option('--compare <file>', 'compare with an earlier report; exit code 1 when something is slower')
    .option('--threshold <part>', 'what counts as slower with --compare', positive, 0.05)
    .addHelpText('after', EXAMPLES)
    .action((ops: string[], options: Options) => bench(ops.length > 0 ? ops : known, known, hosts, options, cold));
}

const EXAMPLES = `
Exit code: 1 when a result of Fovea's own is wrong or something got slower, 2 for bad input.

Examples:
  fovea bench matmul softmax --peers
  fovea bench --host dawn --json results.json --html results.html
  fovea bench attention --shapes L1024 --variant all --rounds 30
  fovea bench --compare results.json
`;

async function bench(
  ops: readonly string[],
  known: readonly string[],
  hosts: Hosts,
  options: Options,
  cold?: ColdStarts,
): Promise<void> {
  const unknown = ops.find((op) => !known.includes(op));
  if (unknown !== undefined) throw new UsageError(`bench: there is no ${unknown}, only ${known.join(', ')}`);
  if (options.cold && (!cold || options.host !== 'chrome'))
    throw new UsageError('--cold needs --host chrome and a checkout of the repository, with the other libraries in it');
  const before = options.compare === undefined ? undefined : readComparable(options.compare);
  for (const file of [options.json, options.html]) if (file !== undefined) checkWritable(file);
  const keep = (report: Report) => {
    if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(report, null, 1)}\n`);
  };
  const report = await run(ops, hosts, options, keep, cold);
  keep(report);
  if (options.html !== undefined) writeFileSync(options.html, await htmlReport(report));
  const changes = before ? compare(report, before, options.threshold) : [];
  if (before) {
    if (changes.length === 0) throw new UsageError(`${options.compare}: has none of the rows that were measured`);
    console.log(`\nSince ${before.date}, ${before.commit ?? before.version}:\n${changesTable(changes)}`);
  }
  const wrong = report.rows.some((row) => row.contenders.some((c) => c.error !== undefined && c.kind !== 'peer'));
  if (wrong || changes.some(({ slower }) => slower)) process.exitCode = 1;
}

/** @param keep given the report so far after each row, so that a run that is cut off has lost nothing */
async function run(
  ops: readonly string[],
  hosts: Hosts,
  options: Options,
  keep: (report: Report) => void,
  cold?: ColdStarts,
): Promise<Report> {
  const { dtype, smoke = false, peers = false, shapes = [], variant: variants = [] } = options;
  const rounds = smoke ? 1 : options.rounds;
  const request: Request = { dtype, smoke, rounds, peers, shapes, variants };
  const [host, hostOptions] = hostOf(hosts, options);
  const rows: MeasuredRow[] = [];
  const progress = showProgress('measuring', 'ops');
  let done = 0;
  // Known before the first row is.
  let machine!: HostInfo & Pick<Report, 'adapter' | 'roofline'>;
  const reportOf = (): Report => ({ format: FORMAT, ...about(), ...machine, rounds, rows });
  const report = (row: MeasuredRow) => {
    rows.push(row);
    keep(reportOf());
    progress.update(done, ops.length, `measured ${row.op} ${row.shape} ${row.series}`);
  };
  await host('bench', { report }, hostOptions, async (call, info) => {
    const { adapter, roofline } = await call('open', smoke);
    if (dtype === 'f16' && !adapter.features.includes('shader-f16'))
      throw new UsageError('--dtype f16: this adapter lacks shader-f16');
    machine = { ...info, adapter, ...(adapter.software ? {} : { roofline }) };
    const title = heading({ adapter, runtime: info.runtime, roofline });
    console.log(adapter.software && process.stdout.isTTY ? styleText('red', title) : title);
    for (; done < ops.length; done++) {
      const op = ops[done] as string;
      progress.update(done, ops.length, op);
      const from = rows.length;
      await call('run', op, request);
      if (rows.length > from) progress.print(`\n${rowsTable(rows.slice(from), adapter.software)}`);
    }
    await call('close');
  });
  progress.stop();
  if (rows.length === 0) throw new UsageError(`--shapes ${shapes.join(' ')}: no row of ${ops.join(', ')} has that`);
  if (options.cold && cold) {
    const starts = await cold(hostOptions, machine.adapter.software);
    console.log(`\n${coldTable(starts, machine.adapter.software)}`);
    return { ...reportOf(), cold: starts };
  }
  return reportOf();
}
