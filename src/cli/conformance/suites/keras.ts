// Assertions of Keras's tests: functions, layers with their weights, losses, and steps of optimisers.
import type { Tensor } from '../../../index.ts';
import { Args, apply, type Operators, Unsupported, type Value } from '../args.ts';
import type { HostTensor, Json, JsonObject } from '../case.ts';
import { type Check, close, type Suite } from '../suite.ts';
import { convFunctions, convLayers } from './keras_convs.ts';
import { functions } from './keras_functions.ts';
import { layers } from './keras_layers.ts';
import { losses } from './keras_losses.ts';
import { type OptimizerCase, runOptimizer } from './keras_optimizers.ts';
import { poolFunctions, poolLayers } from './keras_pools.ts';
import { kerasMultiHead } from './multi_head.ts';

interface Expected extends HostTensor {
  /** Where in the (nested) result, or its number in the cases of tf-keras. */
  readonly path?: readonly number[];
  readonly index?: number;
  readonly tolerance: { readonly atol: number; readonly rtol: number };
}

type Weight = HostTensor & { readonly path: string };

interface CallCase {
  readonly kind?: 'activation' | 'op' | 'layer' | 'loss';
  readonly op: string;
  /** Of tf-keras: which method of a layer. */
  readonly method?: string;
  readonly config?: JsonObject;
  readonly attributes?: JsonObject;
  readonly weights?: readonly Weight[];
  readonly args: readonly Json[];
  readonly kwargs: JsonObject;
  readonly expected: readonly Expected[];
}

/** Entries of a layer's configuration that cannot change a result once the weights are there. */
const IRRELEVANT = /^(name|trainable|dtype|seed|.*_(initializer|regularizer|constraint))$/;

const TABLES: Readonly<Record<string, Operators>> = {
  activation: functions,
  op: { ...functions, ...convFunctions, ...losses, ...poolFunctions },
  layer: { ...layers, ...convLayers, ...kerasMultiHead, ...poolLayers },
  loss: losses,
};

export const runKeras: Suite = (gpu, body): Check[] => {
  if ((body as { readonly kind?: string }).kind === 'optimizer') return runOptimizer(gpu, body as OptimizerCase);
  const c = body as CallCase;
  if (c.method && c.method !== 'call') throw new Unsupported(`${c.op}.${c.method}`);
  const values: [string | number, Value][] = [
    ...c.args.map((v, i): [number, Value] => [i, v]),
    ...Object.entries(c.config ?? {}).filter(([name]) => !IRRELEVANT.test(name)),
    ...namedWeights(c.weights ?? []),
    ...Object.entries(c.attributes ?? {}),
    ...Object.entries(c.kwargs),
  ];
  const table = TABLES[c.kind ?? 'layer'] as Operators;
  const outputs = apply(table, c.op, new Args(gpu, values, { wanted: c.expected.map(() => true) }));
  return c.expected.map((want) => check(c.op, want, outputs));
};

/** Weights by the last part of their path; where that of several is the same, by the last two. */
function namedWeights(weights: readonly Weight[]): [string, Value][] {
  const last = ({ path }: Weight, parts: number) => path.split('/').slice(-parts).join('/');
  return weights.map((w) => [last(w, weights.some((v) => v !== w && last(v, 1) === last(w, 1)) ? 2 : 1), w]);
}

function check(op: string, want: Expected, outputs: readonly (Tensor | null)[]): Check {
  const { path = [want.index ?? 0], tolerance } = want;
  if (path.length > 1) throw new Unsupported(`${op} with a nested result`);
  const got = outputs[path[0] ?? 0];
  if (!got) throw new Unsupported(`${op} with output ${path[0] ?? 0}`);
  // The literals' types are those of NumPy, whatever the result has; only halves are what they say.
  const { dims, data, dtype } = want;
  const literal = dtype === 'float16' ? { dims, data, dtype } : { dims, data };
  return {
    result: path.length === 0 ? 'output' : `output ${path[0]}`,
    got,
    want: literal,
    tolerance: close(tolerance.atol, tolerance.rtol),
  };
}
