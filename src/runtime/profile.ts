import type { Roofline } from './profiler.ts';

/** One dispatch. */
export interface ProfileEvent {
  readonly kernel: string;
  /** The names it ran under, outermost first: of modules, of `label`, and of the op whose gradient it computes. */
  readonly labels: readonly string[];
  readonly workgroups: readonly [x: number, y: number, z: number];
  /** Floating-point operations that the kernel's formula takes: multiply and add are two, a function is one. */
  readonly flops: number;
  /** Bytes that must be read and written, each once. */
  readonly bytes: number;
  /** Whether it works on f16 tensors. */
  readonly half: boolean;
  /** Host time at which it was recorded, in milliseconds (`performance.now()`). */
  readonly recorded: number;
  /** GPU time at which it began, in nanoseconds since the first; null without timestamps. */
  readonly start: number | null;
  /** GPU time it took, in nanoseconds, less what it overlapped with those before; null without timestamps. */
  readonly duration: number | null;
}

/** Dispatches added up. */
export interface ProfileRow {
  readonly name: string;
  readonly calls: number;
  /** Nanoseconds; null without timestamps. */
  readonly gpuTime: number | null;
  readonly bytes: number;
  readonly flops: number;
  /** Rates; null without timestamps, or where the clock was too coarse to see the time pass. */
  readonly bytesPerSecond: number | null;
  readonly flopsPerSecond: number | null;
  /** The least time that the roofline allows, as a fraction of the time taken; null without a roofline too. */
  readonly roofline: number | null;
}

/** What `gpu.profile` measured. */
export class Profile<T = unknown> {
  /** What the function returned. */
  readonly value: T;
  /** All dispatches in their order. */
  readonly events: readonly ProfileEvent[];
  /** GPU time of all kernels in nanoseconds; null where the device has no `timestamp-query`. */
  readonly gpuTime: number | null;
  readonly #roofline: Roofline | undefined;

  /** @internal `times`: when each event began and ended. */
  constructor(
    value: T,
    events: readonly Omit<ProfileEvent, 'start' | 'duration'>[],
    times: Float64Array | null,
    roofline: Roofline | undefined,
  ) {
    this.value = value;
    this.#roofline = roofline;
    let last = 0;
    this.events = events.map((event, i) => {
      if (!times) return { ...event, start: null, duration: null };
      // A pass may be said to begin while the one before still runs; coarse clocks stand still, and some go back.
      const start = Math.max(last, times[2 * i] as number);
      last = Math.max(start, times[2 * i + 1] as number);
      return { ...event, start, duration: last - start };
    });
    this.gpuTime = times && total(this.events.map((e) => e.duration as number));
  }

  /** Calls, time, bytes and operations of each kernel, what took longest first. */
  get kernels(): ProfileRow[] {
    return this.by((e) => e.kernel);
  }

  /** The same of whatever shares a name: `profile.by((e) => e.labels.join('/'))`. */
  by(nameOf: (event: ProfileEvent) => string): ProfileRow[] {
    const groups = new Map<string, ProfileEvent[]>();
    for (const e of this.events) {
      const group = groups.get(nameOf(e));
      if (group) group.push(e);
      else groups.set(nameOf(e), [e]);
    }
    const rows = Array.from(groups, ([name, events]) => this.#row(name, events));
    return rows.sort((a, b) => (b.gpuTime ?? 0) - (a.gpuTime ?? 0));
  }

  /** `kernels`, or rows of `by`, as text. */
  table(rows: readonly ProfileRow[] = this.kernels): string {
    const lines = [
      ['kernel', 'calls', 'GPU us', '%', 'bytes', 'FLOP', 'GB/s', 'GFLOP/s', '% of roofline'],
      ...[...rows, this.#row('total', this.events)].map((r) => [
        r.name,
        String(r.calls),
        text(r.gpuTime, 1e-3, 1),
        text(r.gpuTime && this.gpuTime && r.gpuTime / this.gpuTime, 100, 1),
        String(r.bytes),
        String(r.flops),
        text(r.bytesPerSecond, 1e-9, 2),
        text(r.flopsPerSecond, 1e-9, 2),
        text(r.roofline, 100, 1),
      ]),
    ];
    const widths = (lines[0] as string[]).map((_, i) => Math.max(...lines.map((line) => (line[i] as string).length)));
    const pad = (cell: string, i: number) =>
      i ? cell.padStart(widths[i] as number) : cell.padEnd(widths[0] as number);
    const note = this.gpuTime === null ? ['No GPU times: the device has no timestamp-query.'] : [];
    return [...lines.map((line) => line.map(pad).join('  ')), ...note].join('\n');
  }

  /**
   * The dispatches in Chrome's trace format, as JSON to open in https://ui.perfetto.dev: names are spans around them. Without GPU times
   * they stand where the host recorded them.
   */
  trace(): string {
    const spans: Span[] = [];
    const open: Span[] = [];
    const first = this.events[0]?.recorded ?? 0;
    for (const { kernel, labels, bytes, flops, workgroups, start, duration, recorded } of this.events) {
      const from = start === null ? (recorded - first) * 1e6 : start;
      const to = from + (duration ?? 0);
      const shared = labels.findIndex((name, i) => open[i]?.name !== name);
      open.length = Math.min(open.length, shared < 0 ? labels.length : shared);
      for (const name of labels.slice(open.length)) {
        const span = { name, from, to, args: {} };
        open.push(span);
        spans.push(span);
      }
      for (const span of open) span.to = to;
      spans.push({ name: kernel, from, to, args: { bytes, flop: flops, workgroups } });
    }
    const at = { pid: 1, tid: 1 };
    const track = this.gpuTime === null ? 'host: the device has no timestamp-query' : 'GPU';
    return JSON.stringify({
      traceEvents: [
        { ...at, name: 'thread_name', ph: 'M', args: { name: track } },
        ...spans.map(({ name, from, to, args }) => ({
          ...at,
          name,
          ph: 'X',
          ts: from / 1e3,
          dur: (to - from) / 1e3,
          args,
        })),
      ],
    });
  }

  #row(name: string, events: readonly ProfileEvent[]): ProfileRow {
    const gpuTime = this.gpuTime === null ? null : total(events.map((e) => e.duration as number));
    const bytes = total(events.map((e) => e.bytes));
    const flops = total(events.map((e) => e.flops));
    const roofline = this.#roofline;
    const perSecond = (n: number) => (gpuTime ? (n / gpuTime) * 1e9 : null);
    const least = roofline && perSecond(total(events.map((e) => leastTime(e, roofline))));
    return {
      name,
      calls: events.length,
      gpuTime,
      bytes,
      flops,
      bytesPerSecond: perSecond(bytes),
      flopsPerSecond: perSecond(flops),
      roofline: least ?? null,
    };
  }
}

interface Span {
  readonly name: string;
  readonly from: number;
  to: number;
  readonly args: object;
}

/** The seconds that memory and arithmetic take at least. */
function leastTime({ bytes, flops, half }: ProfileEvent, { bytesPerSecond, flopsPerSecond, ...f16 }: Roofline): number {
  const peak = (half && f16.flopsPerSecondF16) || flopsPerSecond;
  return Math.max(bytes / bytesPerSecond, flops / peak);
}

const total = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
const text = (value: number | null, scale: number, digits: number) =>
  value === null ? '-' : (value * scale).toFixed(digits);
