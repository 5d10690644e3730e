/** A name in force, and what is around it. */
export interface Label {
  readonly name: string;
  readonly outer: Label | null;
}

let current: Label | null = null;

/** The innermost name in force: the tape remembers it, and takes it up again in the backward pass. */
export const innermost = (): Label | null => current;

/**
 * Runs `f` under a name, which `gpu.profile` shows for all that is dispatched in it, and for its gradients.
 *
 * @param f synchronous; labels may be nested
 * @returns what `f` returns
 */
export function label<T>(name: string, f: () => T): T {
  return within(current, name, f);
}

/** Runs `f` under a name inside `outer`. */
export function within<T>(outer: Label | null, name: string, f: () => T): T {
  const before = current;
  current = { name, outer };
  try {
    return f();
  } finally {
    current = before;
  }
}

/** The names from the outermost to `label`. */
export function path(label: Label | null): string[] {
  const names: string[] = [];
  for (let at = label; at; at = at.outer) names.unshift(at.name);
  return names;
}
