/** Adapters that want the same plans; `unknown` where nothing gives away the maker. */
export type Family =
  | 'swiftshader'
  | 'lavapipe'
  | 'warp'
  | 'nvidia'
  | 'apple'
  | 'amd'
  | 'intel'
  | 'qualcomm'
  | 'unknown';

/** By what an adapter says of itself; software first, since it may name the CPU it runs on. */
const MARKS: readonly (readonly [Family, RegExp])[] = [
  ['swiftshader', /swiftshader/i],
  ['lavapipe', /llvmpipe|lavapipe/i],
  ['warp', /basic render/i],
  ['nvidia', /nvidia|geforce/i],
  ['apple', /apple/i],
  ['amd', /amd|radeon/i],
  ['intel', /intel/i],
  ['qualcomm', /qualcomm|adreno/i],
];

/** The family of an adapter, from its vendor, architecture and description. */
export function familyOf(info: Partial<GPUAdapterInfo> | null): Family {
  const name = `${info?.vendor} ${info?.architecture} ${info?.description}`;
  return MARKS.find(([, mark]) => mark.test(name))?.[0] ?? 'unknown';
}

/** Whether adapters of the family compute on the CPU: a few invocations fill it, and a barrier costs as much as a dispatch for every four of them. */
export const isSoftware = (family: Family): boolean =>
  family === 'swiftshader' || family === 'lavapipe' || family === 'warp';

/** Plans by op and shape class: plain JSON. What an entry may be, the op's `Planning` says; see docs/tuning.md. */
export type PlanTable = { readonly [op: string]: { readonly [shapeClass: string]: unknown } };
