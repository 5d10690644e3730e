import { Command } from 'commander';
import { benchCommand, type ColdStarts } from './bench/command.ts';
import { chrome, dawn } from './hosts.ts';
import { infoCommand } from './info.ts';
import { tuneCommand } from './tune.ts';

const hosts = { chrome, dawn };

/** The command line `fovea`; `cold` where cold pages can be measured. */
export function program(cold?: ColdStarts): Command {
  const description = 'An attention engine for WebGPU: its tools.';
  return new Command('fovea')
    .description(description)
    .addCommand(benchCommand(hosts, cold))
    .addCommand(infoCommand(hosts))
    .addCommand(tuneCommand(hosts));
}
