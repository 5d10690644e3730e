import { type Gpu, scope, type Tensor } from '../src/index.ts';
import type { Contender, HostInput, HostResult, Kind, Running } from './bench.ts';

type Results = Tensor | readonly Tensor[];

/** Fovea's own ops on a row's inputs: `f` takes a tensor for each. */
export function fovea(
  kind: Kind,
  name: string,
  inputs: readonly HostInput[],
  f: (...inputs: Tensor[]) => Results,
): Contender {
  return {
    name,
    kind,
    open: async (gpu, copies) => {
      const tensors = Array.from({ length: copies }, () => inputs.map((input) => upload(gpu, input)));
      const free = () => {
        for (const t of tensors.flat()) t.dispose();
      };
      return running(gpu, (i) => f(...(tensors[i % copies] as Tensor[])), free);
    },
  };
}

/** Fovea with state of its own, a model in training: `start` makes it and gives what a run does. */
export function foveaModel(
  kind: Kind,
  name: string,
  start: (gpu: Gpu) => { readonly run: () => Results; readonly dispose: () => void },
): Contender {
  return {
    name,
    kind,
    open: async (gpu) => {
      const { run, dispose } = start(gpu);
      return running(gpu, run, dispose);
    },
  };
}

function running(gpu: Gpu, f: (i: number) => Results, close: () => void): Running {
  return {
    run: (i) => scope(() => void f(i)),
    finish: () => gpu.sync(),
    results: () => read(scope(() => f(0))),
    gpuTime: async (i) => (await gpu.profile(() => void f(i))).gpuTime,
    close,
  };
}

async function read(results: Results): Promise<HostResult[]> {
  const all = [results].flat() as Tensor[];
  const read = await Promise.all(all.map(async (t) => ({ shape: t.shape, data: await t.data() })));
  for (const t of all) t.dispose();
  return read;
}

function upload(gpu: Gpu, { data, shape, dtype }: HostInput): Tensor {
  return gpu.tensor(data, shape, dtype ? { dtype } : {});
}
