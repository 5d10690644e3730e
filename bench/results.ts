import type { Contender, HostResult } from './bench.ts';

/** A contender whose results are put in the form of the row's after they are read. */
export function withResults(contender: Contender, f: (results: readonly HostResult[]) => HostResult[]): Contender {
  return {
    ...contender,
    open: async (gpu, copies) => {
      const running = await contender.open(gpu, copies);
      return { ...running, results: async () => f(await running.results()) };
    },
  };
}
