// shaders/**/*.wgsl -> src/generated/kernels.ts: the source of each kernel with the typed interface read out of it.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ResourceType, WgslReflect } from 'wgsl_reflect/wgsl_reflect.module.js';
import { countOf } from './counts.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const shaders = join(root, 'shaders');
const target = join(root, 'src', 'generated', 'kernels.ts');

/** The lines of a shader with its includes in place, and where each run of lines comes from. */
function load(file, seen = new Set()) {
  const lines = [];
  const sources = [];
  const name = relative(root, file).replaceAll('\\', '/');
  let continued = false;
  readFileSync(file, 'utf8')
    .split(/\r?\n/)
    .forEach((line, i) => {
      const include = /^#include "(.+)"$/.exec(line.trim());
      if (!include && line.startsWith('#'))
        throw new Error(`${name}:${i + 1}: only '#include "lib/x.inc.wgsl"' is understood, got '${line}'`);
      if (include) {
        const path = join(shaders, include[1]);
        if (!seen.has(path)) {
          seen.add(path);
          const inner = load(path, seen);
          sources.push(...inner.sources.map(([at, from, fromLine]) => [at + lines.length, from, fromLine]));
          lines.push(...inner.lines);
        }
        continued = false;
        return;
      }
      if (!continued) sources.push([lines.length, name, i]);
      continued = true;
      lines.push(line);
    });
  return { lines, sources };
}

/** What `// tunable`, `// dtype` and `// hook` mark: the three substitutions a dispatch may ask for; `// op` names the values of `override OP`. */
function substitutions(lines, name) {
  const tunables = {};
  const aliases = [];
  const hooks = [];
  const ops = {};
  lines.forEach((line, i) => {
    const mark = /\/\/ (tunable|dtype|hook|op)\b/.exec(line)?.[1];
    if (!mark) return;
    const pattern = {
      tunable: /^const (\w+)(?:: *\w+)? = ([^;]+);/,
      dtype: /^alias (\w+) = (\w+);/,
      hook: /^fn (\w+)\(/,
      op: /^const (\w+) = (\d+)u;/,
    }[mark];
    const found = pattern.exec(line);
    if (!found) throw new Error(`${name}: line ${i + 1} is marked '// ${mark}' but is not of the form ${pattern}`);
    if (mark === 'tunable') tunables[found[1]] = Number.parseInt(found[2], 10);
    if (mark === 'dtype') aliases.push(found[1]);
    if (mark === 'hook') hooks.push(found[1]);
    if (mark === 'op') ops[found[1]] = Number(found[2]);
  });
  return { tunables, aliases, hooks, ops };
}

function typeName(type) {
  const short = { 'vec2<u32>': 'vec2u', 'vec4<u32>': 'vec4u', 'vec4<i32>': 'vec4i', 'vec4<f32>': 'vec4f' };
  if (type.format && type.name === 'array') return `${typeName(type.format)}[${type.count}]`;
  const full = type.format ? `${type.name}<${type.format.name}>` : type.name;
  return short[full] ?? full;
}

const PARAMETER = /^(u32|i32|f32)$|^vec4[uif](\[\d+\])?$/;

function paramsOf(uniform, name) {
  const params = {};
  for (const member of uniform.type.members) {
    const type = typeName(member.type);
    if (!PARAMETER.test(type))
      throw new Error(
        `${name}: parameter ${member.name} has type ${type}; u32, i32, f32, vec4 and arrays of vec4 are supported`,
      );
    params[member.name] = [type, member.offset];
  }
  return params;
}

/** The element type as written, so that an alias marked `// dtype` stays an alias. */
function elementOf(variable, code, name) {
  const written = new RegExp(`\\b${variable.name}: array<(?:vec\\d<)?(\\w+)`).exec(code)?.[1];
  if (!written) throw new Error(`${name}: ${variable.name} must be a runtime-sized array`);
  return /^vec\d[uifh]$/.test(written) ? { u: 'u32', i: 'i32', f: 'f32', h: 'f16' }[written.at(-1)] : written;
}

/** wgsl_reflect parses only; what it lets through, the compiler's tests find. */
function parse(code, name) {
  try {
    return new WgslReflect(code);
  } catch (error) {
    throw new Error(`shaders/${name}.wgsl does not parse: ${error.message ?? error}`);
  }
}

/** What `// flops:` and `// bytes:` may be written in: scalar parameters, overrides and tunables (which a dispatch may leave out); bytes also in those of the buffers. */
function counts(lines, { name, buffers, params, tunables }, code) {
  const scalars = Object.entries(params).filter(([, [type]]) => /^[uif]32$/.test(type));
  const overrides = [...code.matchAll(/^override (\w+)[^=;]*(?:= *(true|false|[\d.]+)[^;]*)?;/gm)];
  const names = {
    ...Object.fromEntries(scalars.map(([n]) => [n, undefined])),
    ...Object.fromEntries(overrides.map(([, n, v]) => [n, v === undefined ? undefined : Number(JSON.parse(v))])),
    ...tunables,
  };
  const own = Object.fromEntries(Object.keys(buffers).map((n) => [n, undefined]));
  return { flops: countOf('flops', lines, names, name), bytes: countOf('bytes', lines, { ...own, ...names }, name) };
}

function kernelOf(file) {
  const { lines, sources } = load(file);
  const path = relative(shaders, file).replaceAll('\\', '/').replace('.wgsl', '');
  const { tunables, aliases, hooks, ops } = substitutions(lines, path);
  // Comments go, lines stay, so that a compiler's line numbers can be traced back.
  const code = lines
    .map((line) => line.replace(/\s*\/\/.*$/, ''))
    .join('\n')
    .trimEnd();
  const reflect = parse(code, path);
  const [entry, ...more] = reflect.entry.compute;
  if (entry?.name !== 'main' || more.length > 0)
    throw new Error(`${path}: expected exactly one entry point, called main`);
  const buffers = {};
  let params = {};
  let paramBytes = 0;
  for (const variable of [...reflect.uniforms, ...reflect.storage]) {
    if (variable.group !== 0) throw new Error(`${path}: ${variable.name} must be in @group(0)`);
    if (variable.resourceType === ResourceType.Uniform) {
      if (variable.binding !== 0) throw new Error(`${path}: the uniform must be at @binding(0)`);
      params = paramsOf(variable, path);
      paramBytes = variable.size;
    } else {
      buffers[variable.name] = {
        binding: variable.binding,
        access: variable.access,
        element: elementOf(variable, code, path),
      };
    }
  }
  if (Object.keys(buffers).length > 8)
    throw new Error(`${path}: ${Object.keys(buffers).length} storage buffers, the default limit is 8`);
  const constants = Object.fromEntries(reflect.overrides.map((o) => [o.name, o.type?.name ?? 'u32']));
  const kernel = { name: path, buffers, params, paramBytes, constants, tunables, aliases, hooks, ops, sources };
  return { kernel, code, functions: counts(lines, kernel, code) };
}

const files = readdirSync(shaders, { recursive: true, encoding: 'utf8' })
  .filter((f) => f.endsWith('.wgsl') && !f.endsWith('.inc.wgsl'))
  .sort();
const names = new Map();
process.on('uncaughtException', (error) => {
  console.error(`gen-kernels: ${error.message}`);
  process.exit(1);
});
const exports = files.map((f) => {
  const { kernel, code, functions } = kernelOf(join(shaders, f));
  const name = kernel.name
    .split('/')
    .at(-1)
    .replace(/_(\w)/g, (_, c) => c.toUpperCase());
  if (names.has(name)) throw new Error(`two kernels are called ${name}: ${names.get(name)} and ${kernel.name}`);
  names.set(name, kernel.name);
  const counted = Object.entries(functions).map(([kind, f]) => (f ? `,"${kind}":${f}` : ''));
  // The text is no literal type: it would fill the declarations.
  return `export const ${name} = ${JSON.stringify(kernel).slice(0, -1)},"code":${JSON.stringify(code)} as string${counted.join('')}} as const;\n`;
});
const text = `// Made by scripts/gen-kernels.mjs from shaders/. Do not edit.\n${exports.join('')}`;
mkdirSync(dirname(target), { recursive: true });
let old = '';
try {
  old = readFileSync(target, 'utf8');
} catch {}
if (old !== text) writeFileSync(target, text);
