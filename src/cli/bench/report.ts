import type { MeasuredRow } from '../../../bench/measure.ts';
import type { Adapter } from '../../../bench/page.ts';
import type { MeasuredRoofline } from '../../../bench/roofline.ts';
import { UsageError } from '../errors.ts';
import type { HostInfo } from '../hosts.ts';
import { readJson } from '../json.ts';

/** What one run of the benchmark found, with all that is needed to know what it is worth; also the format of `--json`. */
export interface Report extends HostInfo {
  readonly format: typeof FORMAT | typeof OTHER_CLOCK;
  readonly date: string;
  /** Of Fovea: the package's version, and the commit where it ran in a checkout. */
  readonly version: string;
  readonly commit: string | null;
  readonly adapter: Adapter;
  readonly system: { readonly os: string; readonly cpu: string; readonly cores: number; readonly node: string };
  /** Absent for a software adapter. */
  readonly roofline?: MeasuredRoofline;
  readonly rounds: number;
  readonly rows: readonly MeasuredRow[];
  /** What a page that has never seen the library needs until the first result; Chrome only. */
  readonly cold?: readonly ColdStart[];
}

/** What a library costs before it computes anything. */
export interface ColdStart {
  readonly name: string;
  /** Of what a page loads that takes one softmax, minified and gzipped. */
  readonly bytes: number;
  /** The time from the start of the script to the softmax on the host, in fresh browsers, as a multiple of Fovea's: one a round. */
  readonly relative: readonly number[];
  /** The time itself; not kept of a software adapter. */
  readonly milliseconds?: readonly number[];
}

export const FORMAT = 'fovea-bench-2';
/** Reports whose clock load was another, so that times relative to it are not to be compared. */
const OTHER_CLOCK = 'fovea-bench-1';

/** A kept report, to be shown. */
export function readReport(path: string): Report {
  const report = readJson(path);
  const format: unknown = (report as Partial<Report> | null)?.format;
  if (format !== FORMAT && format !== OTHER_CLOCK)
    throw new UsageError(`${path}: is not a report of this benchmark (format ${FORMAT})`);
  return report as Report;
}

/** An earlier report, to be compared with. */
export function readComparable(path: string): Report {
  const report = readReport(path);
  if (report.format !== FORMAT)
    throw new UsageError(`${path}: was timed beside another clock load (format ${report.format}, not ${FORMAT})`);
  return report;
}

/** What identifies a row. */
export const keyOf = ({ op, shape, dtype, series }: MeasuredRow): string => [op, series, shape, dtype].join(', ');

/** The machine in one line. */
export function describeMachine({ adapter, runtime, system }: Report): string {
  const { vendor, architecture, device, description } = adapter;
  // NVIDIA's description is that of the driver.
  const names = description ? [adapter.software ? '' : device, description] : [vendor, architecture, device];
  const gpu = names.filter(Boolean).join(', ');
  return `${gpu}, ${runtime}, ${system.os}, ${system.cpu}`;
}
