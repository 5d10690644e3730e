// QUARANTINE.json names the cases that are wrong or not portable: they are skipped, and only they.
//
// Its entries are { suite, case, why }, where `case` is written for people. These forms are understood:
//   test_a                                 the case of that name, whatever is in it
//   test_a, _b, _c                         test_a, test_a_b and test_a_c
//   test_a_{x,y}_b                         test_a_x_b and test_a_y_b
//   A/B (opset 6)                          all cases of the operators A and B of that operator set
//   any case with NaN/Infinity in expected
//   files test_a*                          the cases whose names begin with test_a, in the files whose names begin with `files`
//   A/B with custom cells                  the cases of A and B whose recurrent cell is not one of the source's own
import type { Case, Json, JsonObject } from './case.ts';

export interface Quarantine {
  /** Whether a case is named. */
  readonly has: (c: Case) => boolean;
  /** The entries that no case corresponds to: of no known form, or of cases that are not there. */
  readonly unused: readonly string[];
}

type Predicate = (c: Case) => boolean;

/** The quarantine that `entries`, the content of QUARANTINE.json, puts over `cases`. */
export function quarantine(entries: Json, cases: readonly Case[]): Quarantine {
  const named = new Set<Case>();
  const unused: string[] = [];
  for (const entry of Array.isArray(entries) ? entries : []) {
    const { suite, case: text } = entry as { suite: string; case: string };
    const candidates = cases.filter((c) => c.suite === suite);
    for (const predicate of predicates(text, candidates)) {
      const found = candidates.filter(predicate.holds);
      for (const c of found) named.add(c);
      if (found.length === 0) unused.push(`${suite}: ${predicate.text}`);
    }
  }
  return { has: (c) => named.has(c), unused };
}

function predicates(text: string, candidates: readonly Case[]): { text: string; holds: Predicate }[] {
  if (candidates.some((c) => nameOf(c) === text)) return [{ text, holds: (c) => nameOf(c) === text }];
  if (text === 'any case with NaN/Infinity in expected') return [{ text, holds: hasNonFinite }];
  const parts = splitOutsideBraces(text);
  return parts.flatMap((part) => {
    const full = part.startsWith('_') ? parts[0] + part : part;
    return expandBraces(full).map((p) => ({ text: p, holds: predicate(p) }));
  });
}

function predicate(text: string): Predicate {
  const opset = /^([\w/]+) \(opset (\d+)\)$/.exec(text);
  if (opset)
    return (c) =>
      isOp(c, opset[1]) && Object.values((c.body as JsonObject).opset as JsonObject).includes(Number(opset[2]));
  const cells = /^([\w/]+) with custom cells$/.exec(text);
  if (cells)
    return (c) =>
      (isOp(c, cells[1]) || layersOf(c).some((name) => cells[1]?.split('/').includes(name))) && hasCustomCell(c);
  const prefix = /^(?:(\w+) )?(\w+)\*$/.exec(text);
  if (prefix)
    return (c) => c.file.startsWith(`${c.suite}/${prefix[1] ?? ''}`) && c.name.startsWith(prefix[2] as string);
  return (c) => nameOf(c) === text;
}

/** The name as the source has it, without the number that the reader gave it. */
const nameOf = (c: Case): string => String((c.body as JsonObject).case);
const isOp = (c: Case, ops: string | undefined): boolean => ops?.split('/').includes(c.op) ?? false;

function hasNonFinite(c: Case): boolean {
  const found = (v: Json | undefined): boolean =>
    Array.isArray(v) ? v.some(found) : v === 'NaN' || v === 'Infinity' || v === '-Infinity';
  return found((c.body as JsonObject).expected);
}

/** The cells and layers in a layer's configuration, by class and module. */
function classes(c: Case): { name: string; module: string }[] {
  const found: { name: string; module: string }[] = [];
  const walk = (v: Json | undefined) => {
    if (typeof v !== 'object' || v === null) return;
    if (!Array.isArray(v) && 'class_name' in v)
      found.push({ name: String((v as JsonObject).class_name), module: String((v as JsonObject).module) });
    for (const inner of Object.values(v)) walk(inner);
  };
  walk((c.body as JsonObject).config);
  return found;
}

const layersOf = (c: Case): string[] => classes(c).map(({ name }) => name);
const hasCustomCell = (c: Case): boolean =>
  classes(c).some(({ name, module }) => name.endsWith('Cell') && !/^keras\.layers\b/.test(module));

function splitOutsideBraces(text: string): string[] {
  return text.split(/,\s*(?![^{]*\})/);
}

function expandBraces(text: string): string[] {
  const braces = /\{([^}]*)\}/.exec(text);
  if (!braces) return [text];
  const [all, inner = ''] = braces;
  return inner.split(',').flatMap((choice) => expandBraces(text.replace(all, choice.trim())));
}
