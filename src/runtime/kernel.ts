import type { DType, Tensor } from '../tensor.ts';
import { KernelError, LimitError } from './errors.ts';
import type { Gpu } from './gpu.ts';
import type { Storage } from './memory.ts';
import type { Program } from './programs.ts';
import { type Suspect, watch } from './suspect.ts';

/** A WGSL file with the interface that scripts/gen-kernels.mjs read out of it. */
export interface Kernel {
  readonly name: string;
  readonly buffers: {
    readonly [name: string]: { readonly binding: number; readonly access: string; readonly element: string };
  };
  readonly params: { readonly [name: string]: readonly [type: string, offset: number] };
  readonly paramBytes: number;
  /** `override` declarations. */
  readonly constants: { readonly [name: string]: string };
  /** `const` declarations marked `// tunable`, with the value in the file. */
  readonly tunables: { readonly [name: string]: number };
  /** `alias` declarations marked `// dtype`; each takes the type of the tensors bound to arrays of it. */
  readonly aliases: readonly string[];
  /** Functions marked `// hook`. */
  readonly hooks: readonly string[];
  /** `const` declarations marked `// op`: the values that `override OP` may take, by name. */
  readonly ops: { readonly [name: string]: number };
  /** Runs of lines: [first line of the code, file, line there], all counted from 0. */
  readonly sources: readonly (readonly [line: number, file: string, fileLine: number])[];
  readonly code: string;
  /** Floating-point operations of a dispatch, by the header's `// flops:`; none where it has no such line. */
  flops?(values: Readonly<Record<string, number>>): number;
  /** Bytes that a dispatch must move, by the header's `// bytes:`; default those of its buffers, each once. */
  bytes?(values: Readonly<Record<string, number>>): number;
}

export type Buffers<K extends Kernel> = { readonly [N in keyof K['buffers']]: Tensor };
type ParamValue<T extends string> = string extends T
  ? number | readonly number[]
  : T extends 'u32' | 'i32' | 'f32'
    ? number
    : readonly number[];
export type Params<K extends Kernel> = { readonly [N in keyof K['params']]: ParamValue<K['params'][N][0]> };
export type Constants<K extends Kernel> = {
  readonly [N in keyof K['constants'] | keyof K['tunables']]?: number | boolean;
};
export type Hooks<K extends Kernel> = { readonly [N in K['hooks'][number]]?: string };
export type Workgroups = number | readonly [x: number, y?: number, z?: number];

/** WebGPU's limit on workgroups in one dimension. */
const MAX_WORKGROUPS = 65_535;

/** Workgroups for `count` items at `perGroup` each, folded into a second dimension past the limit; see `linearIndex` in shaders/lib. */
export function grid(count: number, perGroup = 1): readonly [number, number] {
  const groups = Math.ceil(count / perGroup);
  if (groups <= MAX_WORKGROUPS) return [groups, 1];
  const y = Math.ceil(groups / MAX_WORKGROUPS);
  return [Math.ceil(groups / y), y];
}

/**
 * Appends one run of `kernel` to the open compute pass; nothing is submitted yet.
 *
 * @param buffers    a tensor for each storage buffer, by its name in the .wgsl; element types are checked, and set the kernel's aliases
 * @param params     the members of its uniform
 * @param workgroups how many; none at all makes this a no-op
 * @param constants  overrides and tunables; what is left out has the value in the .wgsl
 * @param hooks      WGSL functions in place of those marked `// hook`
 */
export function dispatch<const K extends Kernel>(
  gpu: Gpu,
  kernel: K,
  buffers: Buffers<K>,
  params: Params<K>,
  workgroups: Workgroups,
  constants: Constants<K> = {},
  hooks: Hooks<K> = {},
): void {
  const [x, y = 1, z = 1] = typeof workgroups === 'number' ? [workgroups] : workgroups;
  const bound = buffers as Readonly<Record<string, Tensor>>;
  const types = bindTypes(gpu, kernel, bound);
  if (x === 0 || y === 0 || z === 0) return;
  if (Math.max(x, y, z) > MAX_WORKGROUPS) {
    throw new LimitError(kernel.name, `${x} x ${y} x ${z} workgroups are more than ${MAX_WORKGROUPS} in a dimension`);
  }
  const program = gpu.programs.get(kernel, types, constants, hooks as Readonly<Record<string, string>>);
  if (gpu.prepared) return;
  const pass = setBindings(gpu, kernel, program, bound, params as Record<string, ParamValue<string>>);
  pass.dispatchWorkgroups(x, y, z);
  gpu.count.dispatches++;
  gpu.profiler?.dispatched(kernel, bound, { ...params, ...constants }, [x, y, z]);
  gpu.debug?.dispatched(kernel, bound);
}

/** Checks each tensor's device, and its dtype against the array it is bound to, and returns the type of each alias. */
function bindTypes(
  gpu: Gpu,
  kernel: Kernel,
  buffers: Readonly<Record<string, Tensor>>,
): Readonly<Record<string, DType>> {
  const types: Record<string, DType> = {};
  for (const name in kernel.buffers) {
    const { element } = kernel.buffers[name] as Kernel['buffers'][string];
    const { dtype, gpu: own } = buffers[name] as Tensor;
    if (own !== gpu) throw new KernelError(kernel.name, `buffer ${name} is a tensor of another Gpu`);
    if (!kernel.aliases.includes(element)) {
      if (dtype !== element && !(dtype === 'bool' && element === 'u32')) mismatch(kernel, name, element, dtype);
    } else if (dtype === 'bool' || (types[element] ?? dtype) !== dtype) {
      mismatch(kernel, name, `${element} = ${types[element] ?? 'f32, f16, i32 or u32'}`, dtype);
    } else {
      types[element] = dtype;
    }
  }
  return types;
}

function mismatch(kernel: Kernel, name: string, want: string, got: DType): never {
  throw new KernelError(kernel.name, `buffer ${name} is an array of ${want}, got a tensor of ${got}`);
}

function setBindings(
  gpu: Gpu,
  kernel: Kernel,
  program: Program,
  buffers: Readonly<Record<string, Tensor>>,
  params: Record<string, ParamValue<string>>,
) {
  const { queue } = gpu;
  const arena = kernel.paramBytes > 0 ? queue.arena() : null;
  const pass = queue.pass(kernel.name);
  let key = `${program.id}|${arena?.pooled.id ?? 0}`;
  for (const name in kernel.buffers) {
    const t = buffers[name] as Tensor;
    key += `|${t.storage.pooled.id}:${t.byteOffset}:${t.boundBytes}`;
  }
  let group = gpu.bindGroups.get(key);
  if (!group) {
    checkAliasing(kernel, buffers);
    group = makeBindGroup(gpu, kernel, program, arena?.pooled.buffer ?? null, buffers);
    gpu.rememberBindGroup(key, group);
  }
  track(gpu, kernel, program, buffers);
  pass.setPipeline(program.pipeline);
  if (arena) {
    const offset = arena.take(kernel.paramBytes);
    writeParams(arena.view, offset, kernel, params);
    pass.setBindGroup(0, group, [offset]);
  } else {
    pass.setBindGroup(0, group);
  }
  return pass;
}

/** WebGPU forbids one buffer bound to be read and to be written, and would throw away the whole batch for it. */
function checkAliasing(kernel: Kernel, buffers: Readonly<Record<string, Tensor>>): void {
  const names = Object.keys(kernel.buffers);
  for (const name of names) {
    if (kernel.buffers[name]?.access === 'read') continue;
    const clash = names.find(
      (other) => other !== name && buffers[other]?.storage.pooled === buffers[name]?.storage.pooled,
    );
    if (clash) throw new KernelError(kernel.name, `${name} is written, so ${clash} may not lie in the same buffer`);
  }
}

function makeBindGroup(
  gpu: Gpu,
  kernel: Kernel,
  program: Program,
  arena: GPUBuffer | null,
  buffers: Readonly<Record<string, Tensor>>,
): GPUBindGroup {
  const entries: GPUBindGroupEntry[] = arena
    ? [{ binding: 0, resource: { buffer: arena, size: kernel.paramBytes } }]
    : [];
  for (const [name, { binding }] of Object.entries(kernel.buffers)) {
    const { storage, byteOffset, boundBytes } = buffers[name] as Tensor;
    entries.push({ binding, resource: { buffer: storage.pooled.buffer, offset: byteOffset, size: boundBytes } });
  }
  const { value, suspect } = watch(gpu, kernel.name, 'validation', () =>
    gpu.device.createBindGroup({ label: kernel.name, layout: program.layout, entries }),
  );
  gpu.queue.suspect(suspect);
  gpu.count.bindGroups++;
  return value;
}

/** Notes which batch uses each storage, and carries doubt from what is read, and from the program, to what is written. */
function track(gpu: Gpu, kernel: Kernel, program: Program, buffers: Readonly<Record<string, Tensor>>): void {
  const { batch } = gpu.queue;
  let doubts: Set<Suspect> | null = null;
  const doubt = (s: Suspect) => {
    if (s.settled && !s.error) return;
    gpu.queue.suspect(s);
    doubts ??= new Set();
    doubts.add(s);
  };
  doubt(program.suspect);
  for (const name in kernel.buffers) (buffers[name] as Tensor).storage.suspects?.forEach(doubt);
  for (const name in kernel.buffers) {
    const storage: Storage = (buffers[name] as Tensor).storage;
    storage.pooled.usedIn = batch;
    if (kernel.buffers[name]?.access === 'read') continue;
    storage.writtenIn = batch;
    storage.suspects = doubts;
  }
}

function writeParams(view: DataView, at: number, kernel: Kernel, params: Record<string, ParamValue<string>>): void {
  for (const name in kernel.params) {
    const [type, offset] = kernel.params[name] as readonly [string, number];
    const value = params[name] as ParamValue<string>;
    const scalar =
      type.startsWith('f32') || type.startsWith('vec4f')
        ? 'setFloat32'
        : type.startsWith('i32') || type.startsWith('vec4i')
          ? 'setInt32'
          : 'setUint32';
    if (typeof value === 'number') view[scalar](at + offset, value, true);
    else for (const [i, v] of value.entries()) view[scalar](at + offset + 4 * i, v, true);
  }
}
