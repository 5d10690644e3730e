import { FoveaError } from './errors.ts';

/** What a scope can free: a tensor. */
export interface Disposable {
  readonly disposed: boolean;
  dispose(): void;
}

interface Scope {
  readonly made: Set<Disposable>;
  readonly kept: Set<Disposable>;
}

const open: Scope[] = [];

/** Called for each new tensor: the innermost open scope will free it. */
export function enter(made: Disposable): void {
  open.at(-1)?.made.add(made);
}

/**
 * Runs `f` and frees every tensor made in it, but those it returns (in arrays and records too) and those given to `keep`.
 *
 * @param f a synchronous function; its result may be a tensor, an array or record that holds tensors, or anything else
 * @returns what `f` returns; its tensors belong to the enclosing scope, or to the caller
 * @throws FoveaError when `f` returns a promise: what an async function makes after its first `await` would not be in the scope
 */
export function scope<T>(f: () => T): T {
  const inner: Scope = { made: new Set(), kept: new Set() };
  open.push(inner);
  let result: T | undefined;
  try {
    result = f();
    if (result instanceof Promise) {
      result.catch(() => undefined); // the error below is the one to read
      throw new FoveaError(
        'scope',
        'f must be synchronous, got a function that returns a promise; read results after the scope',
      );
    }
    return result;
  } catch (error) {
    result = undefined;
    throw error;
  } finally {
    open.pop();
    close(inner, result);
  }
}

/** Saves `t` from the innermost open scope: it lives until it is disposed. Returns `t`. */
export function keep<T extends Disposable>(t: T): T {
  for (const s of open) s.kept.add(t);
  return t;
}

function close(inner: Scope, result: unknown): void {
  const escaped = new Set<Disposable>();
  collect(result, inner.made, escaped, new Set());
  const outer = open.at(-1);
  for (const made of inner.made) {
    if (inner.kept.has(made)) continue;
    if (!escaped.has(made)) made.dispose();
    else outer?.made.add(made);
  }
}

/** The members of `made` that `value` holds, however deep in arrays, maps and plain objects. */
function collect(value: unknown, made: Set<Disposable>, found: Set<Disposable>, seen: Set<object>): void {
  if (typeof value !== 'object' || value === null || seen.has(value)) return;
  seen.add(value);
  if (made.has(value as Disposable)) found.add(value as Disposable);
  else if (Array.isArray(value) || value instanceof Set) for (const v of value) collect(v, made, found, seen);
  else if (value instanceof Map) for (const v of value.values()) collect(v, made, found, seen);
  else if (isPlain(value)) for (const v of Object.values(value)) collect(v, made, found, seen);
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
