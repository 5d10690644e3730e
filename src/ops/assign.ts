// Writing into memory that a tensor already has. Nothing else in the library changes a tensor in place but optimisers.
import { describe, fromData, type HostArray, type Shape } from '../host.ts';
import { FoveaError, ShapeError } from '../runtime/errors.ts';
import { scope } from '../runtime/scope.ts';
import { Tensor } from '../tensor.ts';

/** What a tensor can be loaded from: a tensor, or numbers of the host with their shape, as files give them. */
export type Source = Tensor | { readonly shape: Shape; readonly data: HostArray | BigUint64Array };
export type Sources = Readonly<Record<string, Source>> | Iterable<readonly [string, Source]>;

export interface Loaded {
  /** Names of targets that the sources lack. */
  readonly missing: string[];
  /** Names among the sources that no target has. */
  readonly unexpected: string[];
}

/**
 * Copies the value of each source into the target of its name. Either all is copied or, on an error, nothing.
 *
 * @param op      names the caller in errors
 * @param strict  whether missing and unexpected names are errors; wrong shapes and values always are
 * @throws ShapeError that lists every name that does not fit
 */
export function assign(
  op: string,
  targets: Readonly<Record<string, Tensor>>,
  sources: Sources,
  strict: boolean,
): Loaded {
  const given = new Map(Symbol.iterator in sources ? sources : Object.entries(sources));
  const missing = Object.keys(targets).filter((name) => !given.has(name));
  const unexpected = [...given.keys()].filter((name) => !Object.hasOwn(targets, name));
  const wrong: string[] = [];
  const writes: (() => void)[] = [];
  scope(() => {
    for (const [name, target] of Object.entries(targets)) {
      const source = given.get(name);
      if (!source) continue;
      const write = plan(op, target, source, Object.values(targets));
      if (typeof write === 'string') wrong.push(`${name} ${write}`);
      else writes.push(write);
    }
    const problems = [
      ...(strict && missing.length > 0 ? [`missing: ${missing.join(', ')}`] : []),
      ...(strict && unexpected.length > 0 ? [`unexpected: ${unexpected.join(', ')}`] : []),
      ...(wrong.length > 0 ? [`wrong: ${wrong.join(', ')}`] : []),
    ];
    if (problems.length > 0) throw new ShapeError(op, `nothing was loaded, for not all fits; ${problems.join('; ')}`);
    for (const write of writes) write();
  });
  return { missing, unexpected };
}

/** What copies `source` into `target`, or the reason why it cannot be. */
function plan(op: string, target: Tensor, source: Source, targets: readonly Tensor[]): (() => void) | string {
  const expected = `must be ${describe(target)}, got`;
  if (source.shape.join() !== target.shape.join()) {
    return `${expected} ${source instanceof Tensor ? describe(source) : `[${source.shape.join(', ')}]`}`;
  }
  if (!(source instanceof Tensor)) {
    try {
      const { bytes } = fromData(op, source.data as HostArray, source.shape, target.dtype);
      return () => target.gpu.write(target.storage, target.byteOffset, bytes);
    } catch (error) {
      if (error instanceof FoveaError) return error.message.slice(op.length + 2);
      throw error;
    }
  }
  if (source.disposed) return `${expected} a tensor that was disposed`;
  if (source.gpu !== target.gpu) return `${expected} a tensor of another Gpu`;
  if (source.dtype !== target.dtype) return `${expected} ${describe(source)}`;
  // WebGPU does not copy inside a buffer, nor may a target be written before it was read as a source.
  const shared = targets.some((t) => t.storage.pooled === source.storage.pooled);
  const from = shared ? cloneOf(source) : source;
  return () => target.gpu.copyInto(target, from);
}

function cloneOf(t: Tensor): Tensor {
  const clone = t.gpu.empty(t.shape, t.dtype, 'copy');
  t.gpu.copyInto(clone, t);
  return clone;
}
