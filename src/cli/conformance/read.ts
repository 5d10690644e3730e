// Reads the case files of a folder of suites.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Case, Json, JsonObject } from './case.ts';

/** What is wrong with the folder or its files: one sentence for the user. */
export class InputError extends Error {}

/** How a suite's record names its operator, and the records of one file. */
interface Format {
  readonly op: (record: JsonObject, file: string) => string;
  readonly records: (file: JsonObject, where: { readonly folder: string; readonly path: string }) => readonly Json[];
}

const single: Format['records'] = (file) => ('case' in file ? [file] : []);
const many: Format['records'] = (file) => list(file.cases);
const fileName = (path: string) => path.replace(/^.*\//, '').replace(/\.json$/, '');

const FORMATS: { readonly [suite: string]: Format } = {
  onnx: { op: (r) => String(r.op_type), records: single },
  'onnx-pytorch-converted': { op: (r) => String(r.op_type), records: single },
  'onnx-pytorch-operator': { op: (r) => String(r.op_type), records: single },
  webnn: {
    op: (r) =>
      list(r.operators)
        .map((o) => String((o as JsonObject).name))
        .join(' + '),
    records: many,
  },
  'webnn-baseline': { op: (r) => String(r.op), records: many },
  keras: { op: (r) => String(r.op), records: many },
  tfjs: {
    op: (r) =>
      list(r.ops)
        .map(String)
        .find((op) => op !== 'grad') ?? 'none',
    records: many,
  },
  pytorch: { op: (r) => String(r.case).split(' ')[0] ?? '', records: many },
  // These hold gradients only: the node itself is the case of the same name among the ONNX cases.
  'torch-grads': { op: (_, path) => fileName(path), records: withNode },
  'torch-modules': {
    op: (_, path) => fileName(path),
    records: (file, { path }) =>
      many(file, { folder: '', path }).map((r) => ({ ...(r as JsonObject), module: fileName(path) })),
  },
};

function withNode(file: JsonObject, { folder }: { readonly folder: string }): Json[] {
  return list(file.cases).map((r) => {
    const record = r as JsonObject;
    const node = join(folder, '..', 'onnx', String(record.onnx_file));
    return { ...record, node: existsSync(node) ? parse(node) : null };
  });
}

/** The suites whose formats are known. */
export const SUITES: readonly string[] = Object.keys(FORMATS);

/** All cases of the folder, in order of suite and file, and the suites in it that are not known. */
export function readCases(
  folder: string,
  wanted: (suite: string) => boolean = () => true,
): { cases: Case[]; unknown: string[] } {
  if (!existsSync(folder)) throw new InputError(`the folder ${folder} does not exist`);
  if (!statSync(folder).isDirectory())
    throw new InputError(`${folder} is a file: give the folder that holds the suites`);
  const folders = readdirSync(folder, { withFileTypes: true })
    .flatMap((e) => (e.isDirectory() ? [e.name] : []))
    .sort();
  const known = folders.filter((name) => name in FORMATS);
  if (known.length === 0) throw new InputError(`${folder} holds none of the suites ${SUITES.join(', ')}`);
  const unknown = folders.filter((name) => !known.includes(name) && jsonFiles(join(folder, name)).length > 0);
  return { cases: known.filter(wanted).flatMap((suite) => readSuite(folder, suite)), unknown };
}

function readSuite(folder: string, suite: string): Case[] {
  const { op, records } = FORMATS[suite] as Format;
  return jsonFiles(join(folder, suite)).flatMap((path) => {
    const file = `${suite}/${path}`;
    const content = parse(join(folder, file));
    if (typeof content !== 'object' || content === null) throw new InputError(`${file} holds no record`);
    const bodies = records(content as JsonObject, { folder: join(folder, suite), path });
    return named(
      bodies.map((body) => ({
        suite,
        op: op(body as JsonObject, path),
        name: String((body as JsonObject).case ?? 'unnamed'),
        file,
        body,
      })),
    );
  });
}

/** Cases of one name in one file are numbered. */
function named(cases: readonly Case[]): Case[] {
  const seen = new Map<string, number>();
  return cases.map((c) => {
    const count = (seen.get(c.name) ?? 0) + 1;
    seen.set(c.name, count);
    return count === 1 ? c : { ...c, name: `${c.name} #${count}` };
  });
}

/** The JSON files under a folder, `index.json` (a table of contents) apart. */
function jsonFiles(folder: string): string[] {
  const found = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((e) => e.isFile() && e.name.endsWith('.json') && e.name !== 'index.json')
    .map((e) =>
      join(e.parentPath, e.name)
        .slice(folder.length + 1)
        .replaceAll('\\', '/'),
    );
  return found.sort();
}

/** A file's JSON; a sentence that names the file where it is not. */
export function parse(path: string): Json {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new InputError(`${path}: ${error instanceof Error ? error.message : error}`);
  }
}

function list(v: Json | undefined): readonly Json[] {
  return Array.isArray(v) ? v : [];
}
