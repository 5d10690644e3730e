// WebNN's conformance tests (web-platform-tests): graphs of operators, most of one, whose arguments name their operands.
import { Tensor } from '../../../index.ts';
import { Args, apply, Unsupported, type Value } from '../args.ts';
import { type HostTensor, isHostTensor, type JsonObject, type Tolerance } from '../case.ts';
import { type Check, close, type Suite, ulp } from '../suite.ts';
import { webnnConvs } from './convs.ts';
import { webnnNorms } from './norms.ts';
import { webnnPools } from './pools.ts';
import { webnnResamples } from './resamples.ts';
import { elementwise } from './webnn_elementwise.ts';
import { shapes } from './webnn_shapes.ts';
import { type Sizes, toleranceOf } from './webnn_tolerances.ts';

interface Operation {
  readonly name: string;
  /** One entry an argument, null where it is left out; `options` is a dictionary. */
  readonly arguments: readonly (JsonObject | null)[];
  readonly outputs: string | readonly string[];
}

interface WebnnCase {
  readonly operators: readonly Operation[];
  readonly inputs: readonly HostTensor[];
  readonly outputs: readonly HostTensor[];
  readonly tolerance: { readonly metricType: 'ULP' | 'ATOL'; readonly value: number } | null;
}

/** Also those of webnn-baseline. An `options` dictionary's entries are arguments like the others. */
export const OPERATORS = { ...elementwise, ...shapes, ...webnnConvs, ...webnnNorms, ...webnnPools, ...webnnResamples };

/** Operators whose uint8 results are truth values: bool in Fovea. */
export const TRUTH: ReadonlySet<string> = new Set([
  'equal',
  'notEqual',
  'greater',
  'greaterOrEqual',
  'lesser',
  'lesserOrEqual',
  'logicalAnd',
  'logicalOr',
  'logicalXor',
  'logicalNot',
]);

export const runWebnn: Suite = (gpu, body): Check[] => {
  const graph = body as WebnnCase;
  const operands = new Map<string, Value>(graph.inputs.map((t) => [t.name as string, t]));
  let allowed = 0;
  for (const { name, arguments: given, outputs } of graph.operators) {
    const values = given
      .flatMap((a) => Object.entries(a ?? {}))
      .flatMap(([k, v]) => (k === 'options' ? Object.entries(v as JsonObject) : [[k, v] as const]));
    const args = new Args(gpu, values, { operands, wanted: [outputs].flat().map(() => true) });
    if (!graph.tolerance) allowed += ulpOf(name, new Map(values), operands);
    const results = apply(OPERATORS, name, args);
    [outputs].flat().forEach((output, i) => operands.set(output as string, results[i] ?? undefined));
  }
  const last = graph.operators.at(-1)?.name ?? '';
  const tolerance = graph.tolerance ? given(graph.tolerance) : ulp(allowed);
  return graph.outputs.map((want) => {
    const got = operands.get(want.name as string);
    if (!(got instanceof Tensor)) throw new Unsupported(`${last} with output ${want.name}`);
    return { result: want.name as string, got, want: TRUTH.has(last) ? { ...want, dtype: 'bool' } : want, tolerance };
  });
};

const given = ({ metricType, value }: NonNullable<WebnnCase['tolerance']>): Tolerance =>
  metricType === 'ULP' ? ulp(value) : close(value, 0);

/** For a chain of operators the standard's tests add up what each is allowed. */
function ulpOf(op: string, values: ReadonlyMap<string, Value>, operands: ReadonlyMap<string, Value>): number {
  const tolerance = toleranceOf(op, sizesOf(values, operands));
  return tolerance.metric === 'ulp' ? tolerance.value : 0;
}

/** The sizes among the arguments of an operator. */
export function sizesOf(values: ReadonlyMap<string, Value>, operands: ReadonlyMap<string, Value> = new Map()): Sizes {
  return {
    has: (name) => values.has(name),
    num: (name) => (values.has(name) ? Number(values.get(name)) : undefined),
    ints: (name) => values.get(name) as number[] | undefined,
    shape: (name) => {
      const value = values.get(name);
      const t = typeof value === 'string' ? operands.get(value) : value;
      return t instanceof Tensor ? t.shape : isHostTensor(t) ? t.dims : [];
    },
  };
}
