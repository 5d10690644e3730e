// webnn-baseline: WebNN's operators with f64 literals, arguments by position, and an options dictionary last.
import { Args, apply, Unsupported, type Value } from '../args.ts';
import { elementsOf, type HostTensor, isHostTensor, type Json, type JsonObject, type Tolerance } from '../case.ts';
import { type Check, close, type Suite, ulp } from '../suite.ts';
import { OPERATORS, sizesOf, TRUTH } from './webnn.ts';
import { toleranceOf } from './webnn_tolerances.ts';

interface BaselineCase {
  readonly op: string;
  readonly args: readonly Json[];
  readonly outputs: readonly (HostTensor & {
    readonly index: number;
    readonly tolerance: { readonly metric: string; readonly value: number };
  })[];
}

const BINARY = ['add', 'sub', 'mul', 'div', 'pow', 'max', 'min', 'matmul', 'gemm'];
const COMPARE = [...TRUTH].filter((op) => op !== 'logicalNot');

/** The names of an operator's positional arguments; `input` alone where it is not here. */
const PARAMETERS: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries([...BINARY, ...COMPARE].map((op) => [op, ['a', 'b']])),
  argMax: ['input', 'axis'],
  argMin: ['input', 'axis'],
  batchNormalization: ['input', 'mean', 'variance'],
  broadcast: ['input', 'newShape'],
  cast: ['input', 'type'],
  concat: ['inputs', 'axis'],
  constant: ['start', 'step', 'shape', 'type'],
  cumulativeSum: ['input', 'axis'],
  conv2d: ['input', 'filter'],
  convTranspose2d: ['input', 'filter'],
  expand: ['input', 'newShape'],
  gather: ['input', 'indices'],
  gatherElements: ['input', 'indices'],
  gru: ['input', 'weight', 'recurrentWeight', 'steps', 'hiddenSize'],
  pad: ['input', 'beginningPadding', 'endingPadding'],
  prelu: ['input', 'slope'],
  reshape: ['input', 'newShape'],
  slice: ['input', 'starts', 'sizes'],
  softmax: ['input', 'axis'],
  split: ['input', 'splits'],
  tile: ['input', 'repetitions'],
  where: ['condition', 'trueValue', 'falseValue'],
};

/** The tensors that are not floats; the literals name no type. */
const typeOf = (op: string, name: string): string =>
  name === 'indices' ? 'int32' : name === 'condition' || op.startsWith('logical') ? 'uint8' : 'float64';

/** A tensor gets its type; in a shape null is the size to be found. */
function hostOf(arg: Json, dtype: string): Value {
  if (isHostTensor(arg)) return { ...(arg as HostTensor), dtype };
  return Array.isArray(arg) ? arg.map((v) => v ?? -1) : arg;
}

/**
 * How large the terms are that an operator adds up, where f32 does not hold its inputs exactly: rounding them moves the sum by units of the
 * terms, not of the sum, which may be far smaller.
 */
function scaleOf(op: string, args: readonly Json[]): number | undefined {
  const inputs = args.flatMap((arg) => (isHostTensor(arg) ? [elementsOf(arg)] : []));
  if (inputs.flat().every((v) => Math.fround(v) === v)) return undefined;
  const largest = inputs.map((values) => Math.max(...values.map(Math.abs)));
  if (['add', 'sub', 'batchNormalization'].includes(op)) return Math.max(...largest);
  return op === 'matmul' ? largest.reduce((a, b) => a * b) : undefined;
}

export const runWebnnBaseline: Suite = (gpu, body): Check[] => {
  const { op, args, outputs } = body as BaselineCase;
  const names = PARAMETERS[op] ?? ['input'];
  const values = new Map<string, Value>();
  args.forEach((arg, i) => {
    const isOptions = typeof arg === 'object' && arg !== null && !Array.isArray(arg) && !isHostTensor(arg);
    if (isOptions) for (const [k, v] of Object.entries(arg as JsonObject)) values.set(k, v);
    else values.set(names[i] ?? String(i), hostOf(arg, typeOf(op, names[i] ?? '')));
  });
  const sizes = sizesOf(values);
  const scale = scaleOf(op, args);
  const results = apply(OPERATORS, op, new Args(gpu, values, { wanted: outputs.map(() => true) }));
  return outputs.map((want) => {
    const got = results[want.index];
    if (!got) throw new Unsupported(`${op} with output ${want.index}`);
    return {
      result: `output ${want.index}`,
      got,
      want,
      tolerance: tolerance(want, () => toleranceOf(op, sizes), scale),
    };
  });
};

/** ULP64 stands for results in f64; in f32 the operator's own tolerance holds. */
function tolerance(
  { tolerance: { metric, value } }: BaselineCase['outputs'][number],
  inF32: () => Tolerance,
  scale?: number,
): Tolerance {
  if (metric === 'ATOL') return close(value, 0);
  if (metric !== 'ULP64') return ulp(value);
  const own = inF32();
  return own.metric === 'ulp' ? ulp(own.value, scale) : own;
}
