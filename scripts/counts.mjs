// The header lines `// flops: …` and `// bytes: …` of a kernel: what one dispatch computes and moves, as a function of its parameters.

const FUNCTIONS = ['ceil', 'floor', 'log2', 'max', 'min'];

/**
 * The line of one kind as the source of a typed arrow function, or null where there is none.
 *
 * @param {'flops' | 'bytes'} kind
 * @param {readonly string[]} lines of the kernel, comments included
 * @param {Readonly<Record<string, number | undefined>>} names what the formula may use, with the value of what a dispatch may leave out
 * @param {string} kernel for errors
 * @returns {string | null}
 */
export function countOf(kind, lines, names, kernel) {
  const found = lines.flatMap((line) => new RegExp(`^// ${kind}:(.*)$`).exec(line)?.[1]?.trim() ?? []);
  const fail = (/** @type {string} */ what) => new Error(`${kernel}: '// ${kind}: ${found.join(' | ')}' ${what}`);
  if (found.length > 1) throw fail('stands there more than once');
  const [formula] = found;
  if (formula === undefined) return null;
  if (/[^\w\s.,()*/+-]|\*\*|\/\//.test(formula))
    throw fail('may hold numbers, names, + - * / ( ) and the functions of Math');
  const words = [...new Set(formula.match(/\b[A-Za-z_]\w*/g) ?? [])];
  const used = words.filter((word) => !FUNCTIONS.includes(word));
  const unknown = used.find((word) => !Object.hasOwn(names, word));
  if (unknown) throw fail(`uses ${unknown}, which is none of ${[...Object.keys(names), ...FUNCTIONS].join(', ')}`);
  const body = formula.replace(/\b[a-z]\w*/g, (word) => (FUNCTIONS.includes(word) ? `Math.${word}` : word));
  try {
    const value = new Function(...used, `return ${body};`)(...used.map((name) => names[name] ?? 1));
    if (!Number.isFinite(value)) throw new SyntaxError(`it gives ${value}`);
  } catch (error) {
    throw fail(`is no formula: ${/** @type {Error} */ (error).message}`);
  }
  if (used.length === 0) return `() => ${body}`;
  const defaults = used.map((name) => (names[name] === undefined ? name : `${name} = ${names[name]}`));
  const types = used.map((name) => `${name}${names[name] === undefined ? '' : '?'}: number`);
  return `({ ${defaults.join(', ')} }: { ${types.join('; ')} }) => ${body}`;
}
