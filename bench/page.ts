// Where the rows run: in a page of headless Chrome, or in Node on Dawn. Everything goes in and out as JSON.
import { Gpu } from '../src/index.ts';
import { isSoftware } from '../src/runtime/adapter.ts';
import type { Bench, Wish } from './bench.ts';
import { type MeasuredRow, type MethodOptions, measure } from './measure.ts';
import { type MeasuredRoofline, measureRoofline } from './roofline.ts';

/** What rows to measure, and how. */
export interface Request extends Wish {
  readonly rounds: number;
  /** Rows whose shape or series contains one of these; all where there is none. */
  readonly shapes: readonly string[];
  /** Forced variants to measure beside the planner's choice, by a part of their name; `all` for all of them. */
  readonly variants: readonly string[];
  readonly peers: boolean;
}

/** What the run ran on. */
export interface Adapter {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  readonly features: readonly string[];
  readonly software: boolean;
}

/** Called in the process that started the page, as each row is done. */
declare const report: (row: MeasuredRow) => Promise<void> | void;

/** What takes a software adapter minutes is left to GPUs, for which what is smaller is too short. */
const SOFTWARE = { flops: 5e9, bytes: 2 ** 27 };

let gpu: Gpu | null = null;
let roofline: MeasuredRoofline | null = null;
let software = false;

/** Opens the device and measures its roofline, `quick` from one sample each. */
export async function open(quick: boolean): Promise<{ adapter: Adapter; roofline: MeasuredRoofline }> {
  gpu = await Gpu.create();
  const { vendor = '', architecture = '', device = '', description = '' } = gpu.info ?? {};
  software = isSoftware(gpu.family);
  roofline = await measureRoofline(gpu, software, quick ? 1 : 7);
  const features = [...gpu.features].sort();
  return { adapter: { vendor, architecture, device, description, features, software }, roofline };
}

/** Measures one file of rows; each row goes to the caller's `report` as soon as it is done. */
export async function run(op: string, request: Request): Promise<void> {
  if (!gpu || !roofline) throw new Error('bench: open() comes first');
  const module: { default: Bench } = await import(`./${op}.bench.ts`);
  const { rounds, smoke } = request;
  const options: MethodOptions = { rounds, smoke, software };
  for (const row of module.default.rows(request)) {
    if (request.shapes.length > 0 && !request.shapes.some((s) => `${row.shape} ${row.series}`.includes(s))) continue;
    if (software && (row.flops > SOFTWARE.flops || row.bytes > SOFTWARE.bytes)) continue;
    const contenders = row.contenders.filter(({ kind, name }) => {
      if (kind === 'variant') return request.variants.some((v) => v === 'all' || name.includes(v));
      return kind !== 'peer' || request.peers;
    });
    await report(await measure(gpu, op, { ...row, contenders }, roofline, options));
  }
}

export function close(): void {
  gpu?.destroy();
}
