// `fovea info`: the device, and which plans run on it.
import { Command } from 'commander';
import type { Tuning } from '../tune/index.ts';
import type { Info } from './device_page.ts';
import { answered } from './errors.ts';
import type { HostInfo } from './hosts.ts';
import { readJson } from './json.ts';
import { type HostChoice, type Hosts, hostOf, hostOptions } from './options.ts';
import { table } from './table.ts';

interface Options extends HostChoice {
  readonly tuning?: string;
  readonly json?: boolean;
}

export function infoCommand(hosts: Hosts): Command {
  const command = new Command('info').description('Adapter, limits, features, and which variant of each op will run.');
  for (const option of hostOptions(hosts)) command.addOption(option);
  return command
    .option('--tuning <file>', 'with the plans of a file that `fovea tune --json` wrote')
    .option('--json', 'print JSON')
    .action(async (options: Options) => {
      const tuning = options.tuning === undefined ? null : readJson(options.tuning);
      const [host, hostOptions] = hostOf(hosts, options);
      const found = await host('device', {}, hostOptions, async (call, about) => ({
        ...about,
        ...answered(await call('info', tuning as Tuning | null)),
      }));
      console.log(options.json ? JSON.stringify(found, null, 2) : text(found));
    });
}

function text(found: HostInfo & Info): string {
  const { version, adapter, family, software, runtime, flags, features, limits, plans, applied } = found;
  const facts: [string, string][] = [
    ['fovea', version],
    ...Object.entries(adapter),
    ['family', software ? `${family}, software` : family],
    ['runtime', runtime],
    ['flags', flags.join(' ')],
    ['features', features.join(' ')],
  ];
  if (applied !== null)
    facts.push([
      'tuning',
      applied ? 'applied' : 'left alone: it is of another adapter or another version of the package',
    ]);
  const sizes = (of: Readonly<Record<string, number>>) =>
    Object.entries(of)
      .map(([name, size]) => `${name} ${size}`)
      .join(', ');
  const used = plans.map(({ op, sizes: of, from, plan }) => [op, sizes(of), from, JSON.stringify(plan)]);
  return [
    table(['device', ''], facts),
    table(
      ['limit', ''],
      Object.entries(limits).map(([name, value]) => [name, String(value)]),
    ),
    table(['op', 'for sizes like', 'plan from', 'plan'], used),
  ].join('\n\n');
}
