/** What one run asks of WebGPU, whichever library asks: it does not depend on speed. */
export interface Cost {
  readonly dispatches: number;
  readonly submits: number;
  /** Bytes of new buffers. */
  readonly bytesAllocated: number;
  /** Bytes written by the host, copied between buffers, and read back. */
  readonly bytesMoved: number;
}

type Counted = { -readonly [K in keyof Cost]: number };

/** Counts every WebGPU call in this page or process that `work` makes, by wrapping the methods for as long as it takes. */
export async function costOf(work: () => Promise<void>): Promise<Cost> {
  const cost: Counted = { dispatches: 0, submits: 0, bytesAllocated: 0, bytesMoved: 0 };
  const undo = watch(cost);
  try {
    await work();
  } finally {
    for (const restore of undo) restore();
  }
  return cost;
}

function watch(cost: Counted): (() => void)[] {
  return [
    spy(GPUComputePassEncoder.prototype, 'dispatchWorkgroups', () => cost.dispatches++),
    spy(GPUComputePassEncoder.prototype, 'dispatchWorkgroupsIndirect', () => cost.dispatches++),
    spy(GPUQueue.prototype, 'submit', () => cost.submits++),
    spy(GPUDevice.prototype, 'createBuffer', ({ size }) => {
      cost.bytesAllocated += size;
    }),
    spy(GPUQueue.prototype, 'writeBuffer', (_buffer, _offset, data, from = 0, size?: number) => {
      const unit = 'BYTES_PER_ELEMENT' in data ? (data.BYTES_PER_ELEMENT as number) : 1;
      cost.bytesMoved += size === undefined ? data.byteLength - from * unit : size * unit;
    }),
    spy(GPUCommandEncoder.prototype, 'copyBufferToBuffer', (...args: readonly unknown[]) => {
      const size = args[4] ?? args[2];
      cost.bytesMoved += typeof size === 'number' ? size : ((args[0] as GPUBuffer).size ?? 0);
    }),
  ];
}

/** Calls `seen` with the arguments of each call of `target[name]`; the function returned puts the method back. */
function spy<T extends object, K extends keyof T>(
  target: T,
  name: K,
  seen: (...args: T[K] extends (...args: infer A) => unknown ? A : never) => unknown,
): () => void {
  const original = target[name] as unknown as (...args: unknown[]) => unknown;
  target[name] = function (this: unknown, ...args: unknown[]) {
    (seen as (...args: unknown[]) => unknown)(...args);
    return original.apply(this, args);
  } as T[K];
  return () => {
    target[name] = original as T[K];
  };
}
