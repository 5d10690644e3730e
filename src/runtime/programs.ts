import type { DType } from '../tensor.ts';
import { KernelError } from './errors.ts';
import type { Gpu } from './gpu.ts';
import type { Kernel } from './kernel.ts';
import { type Suspect, watch } from './suspect.ts';

/** A kernel compiled with one set of constants, types and hooks. */
export interface Program {
  readonly id: number;
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  readonly suspect: Suspect;
}

type Values = Readonly<Record<string, number | boolean | undefined>>;

/** The programs of one device, compiled at first use. */
export class Programs {
  readonly #gpu: Gpu;
  readonly #byKernel = new WeakMap<Kernel, Map<string, Program>>();
  readonly #layouts = new Map<string, GPUBindGroupLayout>();
  #nextId = 1;

  constructor(gpu: Gpu) {
    this.#gpu = gpu;
  }

  get(
    kernel: Kernel,
    types: Readonly<Record<string, DType>>,
    constants: Values,
    hooks: Readonly<Record<string, string>>,
  ): Program {
    let key = '';
    for (const name in types) key += `${types[name]},`;
    for (const name in constants) if (constants[name] !== undefined) key += `${name}=${constants[name]},`;
    for (const name in hooks) key += `${name}:${hooks[name]}`;
    const variants = this.#byKernel.get(kernel) ?? new Map<string, Program>();
    this.#byKernel.set(kernel, variants);
    let program = variants.get(key);
    if (!program) {
      program = this.#compile(kernel, types, constants, hooks);
      variants.set(key, program);
    }
    if (program.suspect.error) throw program.suspect.error;
    this.#gpu.prepared?.add(program.suspect);
    return program;
  }

  #compile(
    kernel: Kernel,
    types: Readonly<Record<string, DType>>,
    constants: Values,
    hooks: Readonly<Record<string, string>>,
  ): Program {
    const { device, count } = this.#gpu;
    const tunables = Object.fromEntries(
      Object.entries(constants).filter(([n, v]) => n in kernel.tunables && v !== undefined),
    );
    const overrides: Record<string, number> = {};
    for (const name in constants) {
      if (name in kernel.constants) overrides[name] = Number(constants[name]);
      else if (!(name in kernel.tunables)) throw new KernelError(kernel.name, `has no constant ${name}`);
    }
    const code = specialize(kernel, types, tunables, hooks);
    const layout = this.#layout(kernel);
    let module: GPUShaderModule | undefined;
    const { value: pipeline, suspect } = watch(
      this.#gpu,
      kernel.name,
      'validation',
      () => {
        module = device.createShaderModule({ label: kernel.name, code });
        return device.createComputePipeline({
          label: kernel.name,
          layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
          compute: { module, entryPoint: 'main', constants: overrides },
        });
      },
      async (message) => new KernelError(kernel.name, await explain(kernel, module, message, code, hooks)),
    );
    count.pipelines++;
    return { id: this.#nextId++, pipeline, layout, suspect };
  }

  /** Kernels with the same kinds of bindings share a layout. */
  #layout(kernel: Kernel): GPUBindGroupLayout {
    const uniform = kernel.paramBytes > 0;
    const buffers = Object.values(kernel.buffers);
    const key = `${uniform ? kernel.paramBytes : 0};${buffers.map((b) => b.binding + b.access).join()}`;
    let layout = this.#layouts.get(key);
    if (!layout) {
      const visibility = 4; // GPUShaderStage.COMPUTE
      const entries: GPUBindGroupLayoutEntry[] = buffers.map(({ binding, access }) => ({
        binding,
        visibility,
        buffer: { type: access === 'read' ? 'read-only-storage' : 'storage' },
      }));
      if (uniform)
        entries.push({
          binding: 0,
          visibility,
          buffer: { type: 'uniform', hasDynamicOffset: true, minBindingSize: kernel.paramBytes },
        });
      layout = this.#gpu.device.createBindGroupLayout({ entries });
      this.#layouts.set(key, layout);
    }
    return layout;
  }
}

/** The three substitutions: tunables, aliases and hooks, by declared name. Lines stay where they are, but for those of hooks. */
export function specialize(
  kernel: Kernel,
  types: Readonly<Record<string, DType>>,
  tunables: Readonly<Record<string, number | boolean | undefined>>,
  hooks: Readonly<Record<string, string>>,
): string {
  let { code } = kernel;
  for (const [name, value] of Object.entries(tunables)) {
    code = code.replace(new RegExp(`^(const ${name}(?:: *\\w+)? = )[^;]+;`, 'm'), `$1${Number(value)};`);
  }
  for (const [alias, type] of Object.entries(types)) {
    code = code.replace(new RegExp(`^alias ${alias} = \\w+;`, 'm'), `alias ${alias} = ${type};`);
  }
  for (const [name, text] of Object.entries(hooks)) {
    if (!kernel.hooks.includes(name)) throw new KernelError(kernel.name, `has no hook ${name}`);
    const start = code.search(new RegExp(`^fn ${name}\\(`, 'm'));
    code = `${code.slice(0, start)}${text}${code.slice(endOfFunction(code, start))}`;
  }
  return Object.values(types).includes('f16') ? `enable f16;${code.startsWith('\n') ? '' : ' '}${code}` : code;
}

function endOfFunction(code: string, start: number): number {
  let depth = 0;
  for (let i = code.indexOf('{', start); i < code.length; i++) {
    if (code[i] === '{') depth++;
    else if (code[i] === '}' && --depth === 0) return i + 1;
  }
  return code.length;
}

/** The compiler's messages with file and line, or the validation message where the compiler has none. */
async function explain(
  kernel: Kernel,
  module: GPUShaderModule | undefined,
  message: string,
  code: string,
  hooks: Readonly<Record<string, string>>,
): Promise<string> {
  const info = await module?.getCompilationInfo();
  const errors = info?.messages.filter((m) => m.type === 'error') ?? [];
  if (errors.length === 0) return message;
  return errors.map((m) => `${locate(kernel, code, hooks, m.lineNum - 1, m.linePos)}: ${m.message.trim()}`).join('\n');
}

/** The place of a line (from 0) in the shader's files, or in the text of a hook, with the line itself. */
function locate(
  kernel: Kernel,
  code: string,
  hooks: Readonly<Record<string, string>>,
  line: number,
  column: number,
): string {
  let shift = 0;
  for (const [name, text] of Object.entries(hooks)) {
    const own = text.split('\n');
    const first = code.slice(0, code.indexOf(text)).split('\n').length - 1;
    const at = line - first;
    if (text !== '' && at >= 0 && at < own.length) return `${name}:${at + 1}:${column} (${own[at]?.trim()})`;
    if (text !== '' && at >= own.length) shift += own.length - 1; // each stands in place of one line
  }
  const source = kernel.sources.findLast(([first]) => first <= line - shift);
  return source ? `${source[1]}:${source[2] + line - shift - source[0] + 1}:${column}` : `line ${line + 1}:${column}`;
}
