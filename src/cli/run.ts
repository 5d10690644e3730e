import { type Command, CommanderError } from 'commander';
import { UsageError } from './errors.ts';

/** Runs the command line and ends the process: 0, 1 for what the command found wrong, 2 for bad input, in one sentence. */
export async function runCommand(program: Command): Promise<never> {
  for (const command of [program, ...program.commands]) {
    command
      .exitOverride()
      .configureOutput({ writeErr: () => {} })
      .showHelpAfterError(false);
  }
  try {
    await program.parseAsync();
  } catch (error) {
    process.exitCode = exitCode(error, program);
  }
  // Dawn would keep the process alive.
  process.exit();
}

function exitCode(error: unknown, program: Command): number {
  if (error instanceof UsageError) {
    console.error(error.message);
    return 2;
  }
  if (!(error instanceof CommanderError)) {
    console.error(error);
    return 1;
  }
  if (error.code === 'commander.help') console.log(program.helpInformation());
  if (['commander.helpDisplayed', 'commander.help', 'commander.version'].includes(error.code)) return 0;
  console.error(`${error.message.replace(/^error: /, '').replaceAll('\n', ' ')}, see --help`);
  return 2;
}
