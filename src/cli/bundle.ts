/** The module `entry` and all it imports as one ES module for a page; `minify` for pages that are kept, without a source map. */
export async function bundle(entry: string, { minify = false } = {}): Promise<string> {
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022', // Chrome's own `using` is younger than some of the browsers we run on.
    minify,
    sourcemap: minify ? false : 'inline',
    logLevel: 'silent',
  });
  return outputFiles[0]?.text ?? '';
}
