import { Command } from 'commander';
import { benchCommand } from './bench/command.ts';
import { chrome, dawn } from './hosts.ts';

const hosts = { chrome, dawn };

/** The command line `fovea`. */
export function program(): Command {
  return new Command('fovea').description('An attention engine for WebGPU: its tools.').addCommand(benchCommand(hosts));
}
