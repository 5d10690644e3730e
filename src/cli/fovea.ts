// The command line: `fovea bench`.
import { Command } from 'commander';
import { benchCommand } from './bench/command.ts';
import { chrome, dawn } from './hosts.ts';
import { runCommand } from './run.ts';

const hosts = { chrome, dawn };
const program = new Command('fovea').description('An attention engine for WebGPU: its tools.');
program.addCommand(benchCommand(hosts));
await runCommand(program);
