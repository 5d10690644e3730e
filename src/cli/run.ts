import { type Command, CommanderError } from 'commander';
import { UsageError } from './errors.ts';

/** Runs the command line and ends the process, which Dawn would keep alive, with the code of `execute`. */
export async function runCommand(program: Command): Promise<never> {
  process.exit(await execute(program, process.argv.slice(2)));
}

/** Runs the command line; gives its exit code: 0, what a command set, or 2 for bad input, which is named in one sentence. */
export async function execute(program: Command, args: readonly string[]): Promise<number> {
  for (const command of [program, ...program.commands])
    command
      .exitOverride()
      .configureOutput({ writeErr: () => {} })
      .showHelpAfterError(false);
  try {
    await program.parseAsync(args, { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    return explain(error, program);
  }
}

function explain(error: unknown, program: Command): number {
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
