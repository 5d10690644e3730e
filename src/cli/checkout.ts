// The command line in a checkout: with what needs the sources and the other libraries beside them.
import { measureColdStarts } from './bench/cold.ts';
import { program } from './program.ts';
import { runCommand } from './run.ts';

await runCommand(program(measureColdStarts));
