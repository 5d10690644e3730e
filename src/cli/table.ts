/** Lines of cells as text, every column as wide as its widest cell; columns of numbers stand to the right. */
export function table(header: readonly string[], lines: readonly (readonly string[])[]): string {
  const all = [header, ...lines];
  const widths = header.map((_, i) => Math.max(...all.map((line) => (line[i] ?? '').length)));
  const numbers = header.map((_, i) => lines.every((line) => /^([\d.<>=x%~+-]|$)/.test(line[i] ?? '')));
  const text = (line: readonly string[]) =>
    line.map((cell, i) => (numbers[i] ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0))).join('  ');
  return all.map((line) => text(line).trimEnd()).join('\n');
}
