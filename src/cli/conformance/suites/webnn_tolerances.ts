// What WebNN's tests allow each operator in f32, for the cases that do not say (webnn/resources/utils.js of web-platform-tests).
import type { Tolerance } from '../case.ts';
import { ulp } from '../suite.ts';

/** What a tolerance may depend on: the shapes of the operator's tensors by name, and numbers. */
export interface Sizes {
  readonly shape: (name: string) => readonly number[];
  readonly ints: (name: string) => readonly number[] | undefined;
  readonly num: (name: string) => number | undefined;
  readonly has: (name: string) => boolean;
}

/** Units in the last place, as a number or by the sizes. */
const ULP: Readonly<Record<string, number | ((s: Sizes) => number)>> = {
  add: 1,
  sub: 1,
  mul: 1,
  div: 2,
  pow: 32,
  linear: 2,
  exp: 32,
  reciprocal: 2,
  sqrt: 1,
  elu: 18,
  gelu: 18,
  hardSigmoid: 2,
  hardSwish: 4,
  leakyRelu: 1,
  prelu: 1,
  sigmoid: 34,
  softplus: 18,
  softsign: 3,
  batchNormalization: 6,
  instanceNormalization: 840,
  layerNormalization: 14,
  gru: 6,
  gruCell: 3,
  lstm: 3,
  lstmCell: 1,
  cast: 1,
  cumulativeSum: 3,
  dequantizeLinear: 1,
  quantizeLinear: 1,
  matmul: (s) => (s.shape('a').at(-1) as number) * 2,
  gemm: (s) => width(s) * 2 + (isOne(s.num('alpha')) ? 0 : 1) + (s.has('c') ? (isOne(s.num('beta')) ? 1 : 2) : 0),
  softmax: (s) => (s.shape('input')[s.num('axis') ?? 1] as number) * 3 + 3,
  averagePool2d: (s) => windowArea(s) + 2,
  l2Pool2d: (s) => windowArea(s) + 2,
  reduceL1: reduced,
  reduceL2: (s) => reduced(s) * 2 + 1,
  reduceLogSum: (s) => reduced(s) + 18,
  reduceLogSumExp: (s) => reduced(s) * 2 + 18,
  reduceMean: (s) => reduced(s) + 2,
  reduceProduct: reduced,
  reduceSum: reduced,
  reduceSumSquare: (s) => reduced(s) * 2,
};

const ATOL = new Set(['cos', 'erf', 'log', 'sin', 'tan', 'tanh']);

const isOne = (v: number | undefined): boolean => v === undefined || v === 1;
const width = (s: Sizes): number => s.shape('a')[s.num('aTranspose') ? 0 : 1] as number;

/** Elements of a window; without one all of a plane, the larger of what either layout would make of the shape. */
function windowArea(s: Sizes): number {
  const [, a = 1, b = 1, c = 1] = s.shape('input');
  const [height = 1, width = 1] = s.ints('windowDimensions') ?? [b, Math.max(a, c)];
  return height * width;
}

/** How many elements go into one result. */
function reduced(s: Sizes): number {
  const shape = s.shape('input');
  return (s.ints('axes') ?? shape.map((_, i) => i)).reduce((n, axis) => n * (shape.at(axis) as number), 1);
}

/** The tolerance of an operator; what moves or chooses elements is exact. */
export function toleranceOf(op: string, sizes: Sizes): Tolerance {
  if (ATOL.has(op)) return { metric: 'close', atol: 1 / 1024, rtol: 0 };
  const rule = ULP[op] ?? 0;
  return ulp(typeof rule === 'number' ? rule : rule(sizes));
}
