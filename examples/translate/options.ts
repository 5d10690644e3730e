import { Command, CommanderError, Option } from 'commander';
import { UsageError } from '../../src/cli/errors.ts';
import { normalize } from './data.ts';

export { UsageError };

export const MODELS = ['attention', 'plain'] as const;
export type Model = (typeof MODELS)[number];

/** `steps` is an upper bound: training ends earlier, once the training loss is small enough. */
export const DEFAULTS: Readonly<Record<Model, Readonly<{ steps: number; hidden: number; lr: number }>>> = {
  attention: { steps: 3000, hidden: 64, lr: 6e-3 },
  plain: { steps: 10_000, hidden: 128, lr: 3e-3 },
};
const MAX_HIDDEN = 4096;

export interface Options {
  model: Model;
  /** The TSV file; without one it is the six default pairs. */
  pairs: string | undefined;
  /** Without it, the sources of the pairs (and two unseen words with the default pairs). */
  translate: string[] | undefined;
  steps: number;
  hidden: number;
  lr: number;
  seed: number;
  load: string | undefined;
  out: string;
  json: boolean;
  /** What the command line says itself: a loaded model goes before a default, but not before these. */
  given: ReadonlySet<string>;
}

/** The command line without the program's name. Prints the help and ends the program if that is asked for. */
export function parseOptions(argv: readonly string[]): Options {
  const program = command();
  try {
    program.parse(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === 'commander.helpDisplayed') process.exit(0);
    throw new UsageError(error.message.replace(/^error: /, '').replaceAll('\n', ' '), { cause: error });
  }
  const [extra] = program.args;
  if (extra !== undefined) throw new UsageError(`unexpected argument ${JSON.stringify(extra)}, see --help`);
  const values = program.opts<Partial<Omit<Options, 'given'>>>();
  const given = new Set(Object.keys(values).filter((name) => program.getOptionValueSource(name) === 'cli'));
  const { model = 'attention', load, steps = load ? 0 : DEFAULTS[model].steps } = values;
  if (steps === 0 && !load) throw new UsageError('--steps must be at least 1, unless --load names a model');
  return {
    ...{ model, load, steps, given },
    pairs: values.pairs,
    translate: values.translate,
    hidden: values.hidden ?? DEFAULTS[model].hidden,
    lr: values.lr ?? DEFAULTS[model].lr,
    seed: values.seed ?? 1,
    out: values.out ?? 'out',
    json: values.json ?? false,
  };
}

function command(): Command {
  const each = (key: 'steps' | 'hidden' | 'lr') => MODELS.map((model) => `${model} ${DEFAULTS[model][key]}`).join(', ');
  return new Command('npm start --')
    .description('Trains a character-level translator on WebGPU in headless Chrome, and translates with it.')
    .addOption(option('--model <kind>', 'attention, or plain: a translator without it (default: attention)', choice))
    .addOption(
      option('--pairs <file>', 'TSV file, UTF-8, a source, a tab and a target a line (default: six pairs)', path),
    )
    .addOption(
      option(
        '--translate <word...>',
        'words to translate (default: all sources; with the six pairs also highh, kingh)',
        words,
      ),
    )
    .addOption(option('--steps <n>', `training steps at most (default: ${each('steps')}; 0 with --load)`, whole(0)))
    .addOption(option('--hidden <n>', `size of the hidden state (default: ${each('hidden')})`, whole(1, MAX_HIDDEN)))
    .addOption(option('--lr <x>', `learning rate of Adam (default: ${each('lr')})`, positive))
    .addOption(option('--seed <n>', 'seed: the same one gives the same output (default: 1)', whole(0, 2 ** 32 - 1)))
    .addOption(option('--load <file>', 'model to begin with, the .safetensors of an earlier run', path))
    .addOption(option('--out <dir>', 'where pictures, index.html and the model go (default: out)', path))
    .option('--json', 'print one JSON object to stdout, and no progress')
    .helpOption('-h, --help', 'print this')
    .addHelpText('after', EXAMPLES)
    .showHelpAfterError(false)
    .allowExcessArguments(true)
    .configureOutput({ writeErr: () => {} })
    .exitOverride();
}

const EXAMPLES = `
With --load, model kind, hidden size and alphabet are the file's, and --steps N trains N steps more.
Bad input ends with code 2 and one sentence, and leaves nothing behind.

Examples:
  npm start
  npm start -- --model plain --seed 3
  npm start -- --pairs words.tsv --out out/words
  npm start -- --load out/model.safetensors --translate highh kingh --json
`;

function option<T>(flags: string, description: string, read: (text: string, name: string, previous?: T) => T): Option {
  const name = flags.split(' ', 1)[0] ?? flags;
  return new Option(flags, description).argParser<T>((text, previous) => read(text, name, previous));
}

function choice(text: string, name: string): Model {
  const model = MODELS.find((kind) => kind === text);
  if (!model) throw new UsageError(`${name} must be ${MODELS.join(' or ')}, got ${JSON.stringify(text)}`);
  return model;
}

function path(text: string, name: string): string {
  if (text.trim() === '') throw new UsageError(`${name} must not be empty`);
  return text;
}

function words(text: string, name: string, previous?: string[]): string[] {
  const word = normalize(text);
  if (word === '') throw new UsageError(`${name} must not have an empty word`);
  return [...(previous ?? []), word];
}

function whole(min: number, max = Number.MAX_SAFE_INTEGER): (text: string, name: string) => number {
  return (text, name) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    const range = max === Number.MAX_SAFE_INTEGER ? `of ${min} or more` : `from ${min} to ${max}`;
    throw new UsageError(`${name} must be a whole number ${range}, got ${JSON.stringify(text)}`);
  };
}

function positive(text: string, name: string): number {
  const value = /^(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
  if (value > 0 && Number.isFinite(value)) return value;
  throw new UsageError(`${name} must be a number above 0, got ${JSON.stringify(text)}`);
}
