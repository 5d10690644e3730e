// The tables that `npm run conformance` prints, and the file it writes.
import type { Case, Outcome } from './case.ts';

export interface Verdict {
  readonly case: Case;
  readonly outcome: Outcome;
}

export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly unsupported: number;
}

export function tally(verdicts: readonly Verdict[]): Tally {
  const count = (status: Outcome['status']) => verdicts.filter((v) => v.outcome.status === status).length;
  return { passed: count('passed'), failed: count('failed'), unsupported: count('unsupported') };
}

/** Verdicts by a key of their case, in order of first appearance. */
function groupBy(verdicts: readonly Verdict[], key: (c: Case) => string): [string, Verdict[]][] {
  const groups = new Map<string, Verdict[]>();
  for (const v of verdicts) {
    const group = groups.get(key(v.case));
    if (group) group.push(v);
    else groups.set(key(v.case), [v]);
  }
  return [...groups];
}

const COLUMNS = ['passed', 'failed', 'unsupported'] as const;

function row(name: string, counts: Tally, width: number): string {
  return name.padEnd(width) + COLUMNS.map((c) => String(counts[c] || '-').padStart(c.length + 2)).join('');
}

const header = (title: string, width: number): string => title.padEnd(width) + COLUMNS.map((c) => `  ${c}`).join('');

/** A suite's operators; those of which no case can run share a line. */
function suiteTable(suite: string, verdicts: readonly Verdict[]): string[] {
  const ops = groupBy(verdicts, (c) => c.op).sort(([a], [b]) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1));
  const runs = ops.filter(([, group]) => tally(group).unsupported < group.length);
  const rest = ops.filter(([, group]) => tally(group).unsupported === group.length);
  const width = Math.max(24, ...runs.map(([op]) => op.length + 2));
  return [
    header(suite, width),
    ...runs.map(([op, group]) => row(`  ${op}`, tally(group), width)),
    ...(rest.length > 0 ? wrap(`  unsupported: ${rest.map(([op, group]) => `${op} ${group.length}`).join(', ')}`) : []),
    '',
  ];
}

function wrap(line: string, width = 110): string[] {
  const lines = [''];
  for (const word of line.split(/(?<=, )/)) {
    if ((lines.at(-1) as string).length + word.length > width) lines.push('    ');
    lines[lines.length - 1] += word;
  }
  return lines.map((l) => l.trimEnd());
}

export interface Summary {
  readonly verdicts: readonly Verdict[];
  readonly quarantined: number;
  /** Whether to list each unsupported case with its reason. */
  readonly verbose: boolean;
}

/** The whole report; its last line is `N passed, N failed`. */
export function report({ verdicts, quarantined, verbose }: Summary): string {
  const suites = groupBy(verdicts, (c) => c.suite);
  const total = tally(verdicts);
  const width = Math.max(24, ...suites.map(([suite]) => suite.length + 2));
  return [
    ...suites.flatMap(([suite, group]) => suiteTable(suite, group)),
    header('all', width),
    ...suites.map(([suite, group]) => row(`  ${suite}`, tally(group), width)),
    '',
    ...reasons(verdicts, verbose),
    ...failures(verdicts),
    `${quarantined} quarantined`,
    `${total.unsupported} unsupported`,
    `${total.passed} passed, ${total.failed} failed`,
  ].join('\n');
}

function failures(verdicts: readonly Verdict[]): string[] {
  const lines = verdicts.flatMap(({ case: { suite, op, name }, outcome }) =>
    outcome.status === 'failed'
      ? [`FAILED ${suite} ${op}: ${name}`, ...outcome.mismatches.map((m) => `  ${m.result}: ${m.message}`)]
      : [],
  );
  return lines.length > 0 ? [...lines, ''] : [];
}

function reasons(verdicts: readonly Verdict[], verbose: boolean): string[] {
  if (!verbose) return [];
  return verdicts
    .flatMap(({ case: { suite, op, name }, outcome }) =>
      outcome.status === 'unsupported' ? [`${suite} ${op}: ${name}`, `  unsupported: ${outcome.reason}`] : [],
    )
    .concat('');
}

/** What `--json` writes. */
export function toJson({ verdicts, quarantined }: Summary, adapter: string): string {
  const suites = groupBy(verdicts, (c) => c.suite).map(([suite, group]) => {
    const ops = groupBy(group, (c) => c.op).map(([op, cases]) => [op, tally(cases)] as const);
    return [suite, { ...tally(group), ops: Object.fromEntries(ops) }] as const;
  });
  const cases = verdicts.map(({ case: { suite, op, name, file }, outcome }) => ({ suite, op, name, file, ...outcome }));
  return JSON.stringify(
    { adapter, ...tally(verdicts), quarantined, suites: Object.fromEntries(suites), cases },
    null,
    1,
  );
}
