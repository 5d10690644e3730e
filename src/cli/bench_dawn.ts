// The benchmark on Dawn alone: the entry of dist/bench-dawn.mjs.
import { Command } from 'commander';
import { benchCommand } from './bench/command.ts';
import { dawn } from './hosts.ts';
import { runCommand } from './run.ts';

await runCommand(new Command('bench-dawn').addCommand(benchCommand({ dawn }), { isDefault: true }));
