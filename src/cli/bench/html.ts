import { escapeHtml } from '../escape_html.ts';
import { pageScript } from '../pages.ts';
import { describeMachine, type Report } from './report.ts';
import { coldTable, heading, rowsTable } from './table.ts';

const STYLE = `
:root { color-scheme: light dark; --ink: #1f2328; --quiet: #59636e; --line: #d5dae0; --paper: #fff; --ground: #f5f6f8 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e8eb; --quiet: #9aa4af; --line: #343a42; --paper: #16191d; --ground: #0e1013 }
}
body { margin: 0 auto; padding: 24px 20px 60px; max-width: 1180px; color: var(--ink); background: var(--ground);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif }
h1 { font-size: 26px; margin: 0 0 8px } h2 { font-size: 19px; margin: 36px 0 12px } p { margin: 4px 0; color: var(--quiet) }
.software { color: #c62828; font-weight: 600 }
section { margin: 0 0 16px; padding: 12px; background: var(--paper); border: 1px solid var(--line); border-radius: 8px; overflow-x: auto }
section h2 { font-size: 16px; margin: 0 0 4px }
pre { font-size: 12px; overflow-x: auto; padding: 12px; background: var(--paper); border: 1px solid var(--line); border-radius: 8px }`;

/** A page with the plots and the table of a report, in one file that needs no other. */
export async function htmlReport(report: Report): Promise<string> {
  const script = (await pageScript('plots')).replaceAll('</script', '<\\/script');
  const data = JSON.stringify(report).replaceAll('<', '\\u003c');
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Fovea benchmark</title>
<style>${STYLE}
</style>
<h1>Fovea benchmark</h1>
<p>${escapeHtml(describeMachine(report))}</p>
<p>${escapeHtml(`${report.date}, Fovea ${report.version}${report.commit ? ` (${report.commit})` : ''}, ${report.rounds} rounds`)}</p>
<main id="report"></main>
<pre>${escapeHtml(tables(report))}</pre>
<script type="application/json" id="data">${data}</script>
<script type="module">${script}</script>
</html>
`;
}

function tables(report: Report): string {
  const { adapter, rows, cold } = report;
  const parts = [heading(report), rowsTable(rows, adapter.software)];
  if (cold) parts.push(coldTable(cold, adapter.software));
  return parts.join('\n\n');
}
