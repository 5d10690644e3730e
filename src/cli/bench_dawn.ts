// The benchmark on Dawn alone: the entry of dist/bench-dawn.mjs.
import { benchCommand } from './bench/command.ts';
import { dawn } from './hosts.ts';
import { runCommand } from './run.ts';

await runCommand(benchCommand({ dawn }).name('bench-dawn'));
