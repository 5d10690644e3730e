/** What the engine did since `resetCounters()`: cost that no noisy clock can blur. */
export interface Counters {
  dispatches: number;
  passes: number;
  submits: number;
  /** Bind groups, pipelines and buffers created. */
  bindGroups: number;
  pipelines: number;
  buffers: number;
  bytesAllocated: number;
  /** Copies from one buffer to another, those of reads included. */
  copies: number;
  /** Host writes (`writeBuffer`), one for the uniforms of each submit included. */
  writes: number;
  reads: number;
}

/** Bytes in use, the most there were since `resetCounters()`, and bytes free in the pool; `tensors` counts live handles. */
export interface MemoryUse {
  readonly live: number;
  readonly peak: number;
  readonly pooled: number;
  readonly tensors: number;
}

/** Counters at their start. */
export const zeroCounters = (): Counters => ({
  dispatches: 0,
  passes: 0,
  submits: 0,
  bindGroups: 0,
  pipelines: 0,
  buffers: 0,
  bytesAllocated: 0,
  copies: 0,
  writes: 0,
  reads: 0,
});
