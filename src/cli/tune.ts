// `fovea tune`: times the variants of ops on the device.
import { writeFileSync } from 'node:fs';
import { Command } from 'commander';
import type { Progress, TuneOptions, Tuning } from '../tune/index.ts';
import { answered, UsageError } from './errors.ts';
import { checkWritable } from './json.ts';
import { type HostChoice, type Hosts, hostOf, hostOptions, positive, whole } from './options.ts';
import { showProgress } from './progress.ts';
import { table } from './table.ts';

interface Options extends HostChoice {
  readonly rounds: number;
  readonly threshold: number;
  readonly sample: number;
  readonly againstRules?: boolean;
  readonly json?: string;
}

export function tuneCommand(hosts: Hosts): Command {
  const command = new Command('tune')
    .description('Times the variants of ops on this device, and tells which are faster than the default beyond noise.')
    .argument('[problems...]', 'ops, or problems as softmax:64x256x1, see docs/tuning.md (default: all ops)');
  for (const option of hostOptions(hosts)) command.addOption(option);
  return command
    .option('--rounds <n>', 'pairs in which the fastest plan must hold its own against the default', whole(7), 15)
    .option('--threshold <part>', 'the least gain for which a plan is taken', positive, 0.05)
    .option('--sample <ms>', 'what a sample lasts at least', positive, 10)
    .option('--against-rules', 'measure against the rules even where a table is shipped')
    .option('--json <file>', 'write the tuning, for applyTuning and `fovea info --tuning`')
    .action(async (problems: string[], options: Options) => {
      if (options.json !== undefined) checkWritable(options.json);
      const tuning = await run(hosts, problems, options);
      if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(tuning, null, 1)}\n`);
      console.log(text(tuning));
    });
}

async function run(hosts: Hosts, problems: readonly string[], options: Options): Promise<Tuning> {
  const { rounds, threshold, sample, againstRules = false } = options;
  const wanted: TuneOptions = { rounds, threshold, sample, againstRules, ...(problems.length > 0 ? { problems } : {}) };
  const [host, hostOptions] = hostOf(hosts, options);
  await refuse(wanted);
  const bar = showProgress('tuning', 'problems');
  const progress = ({ op, shapeClass, done, total }: Progress) => bar.update(done, total, `${op} ${shapeClass}`);
  try {
    return await host('device', { progress }, hostOptions, async (call) =>
      answered(await call('measurePlans', wanted)),
    );
  } finally {
    bar.stop();
  }
}

/** Refuses what no device is needed to refuse, before one is started. */
async function refuse(options: TuneOptions): Promise<void> {
  const [{ FoveaError }, { checkOptions }] = await Promise.all([
    import('../runtime/errors.ts'),
    import('../tune/tune.ts'),
  ]);
  try {
    checkOptions(options);
  } catch (error) {
    throw error instanceof FoveaError ? new UsageError(error.message) : error;
  }
}

function text({ measured, plans }: Tuning): string {
  const lines = measured.map(({ op, shapeClass, plan, usual, best, gain, interval: [low, high], candidates }) => [
    ...[op, shapeClass, `${candidates}`, `${gain.toFixed(2)} [${low.toFixed(2)}, ${high.toFixed(2)}]`],
    ...[JSON.stringify(plan) === JSON.stringify(usual) ? '' : 'taken', JSON.stringify(best)],
  ]);
  const refused = measured.flatMap(({ op, shapeClass, refused }) =>
    refused.map(({ plan, why }) => `${op} ${shapeClass}: ${JSON.stringify(plan)} refused: ${why}`),
  );
  const taken = Object.values(plans).reduce((sum, classes) => sum + Object.keys(classes).length, 0);
  const result = `${taken} of ${measured.length} problems have a plan that is faster than the default`;
  const header = ['op', 'sizes', 'plans', 'gain of the fastest', '', 'fastest'];
  return [table(header, lines), ...refused, result].join('\n');
}
