import { program } from './program.ts';
import { runCommand } from './run.ts';

await runCommand(program());
