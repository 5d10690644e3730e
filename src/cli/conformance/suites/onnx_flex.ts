// ONNX's FlexAttention, whose score_mod is a graph of its own: one of element-wise nodes becomes a score_mod in WGSL, with its derivative.
import { scaledDotProductAttention } from '../../../index.ts';
import { type Args, type Outputs, Unsupported } from '../args.ts';
import { elementsOf, type HostTensor, type Json } from '../case.ts';

interface Graph {
  readonly nodes: readonly {
    readonly op_type: string;
    readonly inputs: readonly string[];
    readonly outputs: readonly string[];
  }[];
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly initializers: Readonly<Record<string, HostTensor>>;
}

/** A value and its derivative by the score, as WGSL. */
interface Dual {
  readonly value: string;
  readonly slope: string;
}

const NODES: Readonly<Record<string, (a: Dual, b: Dual) => Dual>> = {
  Identity: (a) => a,
  Neg: (a) => ({ value: `-${a.value}`, slope: `-${a.slope}` }),
  Add: (a, b) => ({ value: `${a.value} + ${b.value}`, slope: `${a.slope} + ${b.slope}` }),
  Sub: (a, b) => ({ value: `${a.value} - ${b.value}`, slope: `${a.slope} - ${b.slope}` }),
  Mul: (a, b) => ({ value: `${a.value} * ${b.value}`, slope: `${a.slope} * ${b.value} + ${a.value} * ${b.slope}` }),
  Tanh: (a) => ({ value: `tanh(${a.value})`, slope: `(1.0 - tanh(${a.value}) * tanh(${a.value})) * ${a.slope}` }),
};

const ARGUMENTS = '(score: f32, b: u32, h: u32, q: u32, k: u32) -> f32';

/** @throws Unsupported for a node that is not element-wise, or an initializer that is no number */
function scoreModOf({ nodes, inputs, outputs, initializers }: Graph): string {
  const known = new Map<string, Dual>([[inputs[0] ?? '', { value: 'score', slope: '1.0' }]]);
  for (const [name, t] of Object.entries(initializers)) {
    const [value] = elementsOf(t);
    if (t.dims.length > 0 || value === undefined) continue;
    known.set(name, { value: `f32(${value})`, slope: '0.0' });
  }
  for (const { op_type, inputs, outputs } of nodes) {
    const node = NODES[op_type];
    const [a, b = a] = inputs.map((name) => known.get(name));
    if (!node || !a || !b) throw new Unsupported(`score_mod with ${op_type}`);
    const { value, slope } = node(a, b);
    known.set(outputs[0] ?? '', { value: `(${value})`, slope: `(${slope})` });
  }
  const { value, slope } = known.get(outputs[0] ?? '') as Dual;
  return `fn score_mod${ARGUMENTS} { return ${value}; }\nfn score_mod_grad${ARGUMENTS} { return ${slope}; }`;
}

export function flexAttention(x: Args): Outputs {
  const mod = x.raw('score_mod') as { readonly graph?: Graph & Json } | undefined;
  return scaledDotProductAttention(x.t(0), x.t(1), x.t(2), {
    ...(x.has('scale') && { scale: x.num('scale') }),
    ...(mod?.graph && { scoreMod: scoreModOf(mod.graph) }),
  });
}
