// `npm run bench:docs`: docs/benchmarks.md out of the reports in bench/results/.
import { readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describeMachine, type Report, readReport } from './report.ts';
import { coldTable, describeRoofline, rowsTable } from './table.ts';

const root = new URL('../../../', import.meta.url);
const results = fileURLToPath(new URL('bench/results/', root));

const INTRODUCTION = `# Benchmarks

Made by \`npm run bench:docs\` from the reports in \`bench/results/\`; each was written by \`npx fovea bench --json FILE\`. How it measures:
[docs/benchmarking.md](benchmarking.md). "times fovea" is how many times longer a contender takes than Fovea, the median of interleaved rounds with its
95% interval: above 1, Fovea is faster. "of roofline" is the least time that the memory or the arithmetic of the machine allows, measured in the same run, as a part of
the time it took. A software adapter says nothing about a GPU, so that its absolute times are not shown.
`;

/** The page for reports, the newest first. */
export function historyPage(reports: readonly (readonly [file: string, report: Report])[]): string {
  const newest = [...reports].sort(([, a], [, b]) => b.date.localeCompare(a.date));
  return `${INTRODUCTION}\n${newest.map(([file, report]) => section(file, report)).join('\n')}`;
}

function section(file: string, report: Report): string {
  const { adapter, date, version, commit, rounds, rows, cold, roofline } = report;
  const facts = [
    `Fovea ${version}${commit ? `, commit ${commit}` : ''}, ${rounds} rounds, \`bench/results/${file}\`.`,
    ...(adapter.software ? ['A software adapter.'] : []),
    ...(roofline ? [`Roofline: ${describeRoofline(roofline)}.`] : []),
  ];
  const tables = [rowsTable(rows, adapter.software), ...(cold ? [coldTable(cold, adapter.software)] : [])];
  const text = tables.map((table) => `\`\`\`\n${table}\n\`\`\``).join('\n\n');
  return `## ${date.slice(0, 10)}: ${describeMachine(report)}\n\n${facts.join(' ')}\n\n${text}\n`;
}

/** Every report that is kept, by file name. */
export function keptReports(): (readonly [string, Report])[] {
  const files = readdirSync(results).filter((file) => file.endsWith('.json'));
  return files.sort().map((file) => [file, readReport(`${results}${file}`)]);
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(new URL('docs/benchmarks.md', root), historyPage(keptReports()));
