// The command line as it is published: the entry of dist/cli/fovea.js.
import { program } from './program.ts';
import { runCommand } from './run.ts';

await runCommand(program());
