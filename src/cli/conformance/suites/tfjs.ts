// TensorFlow.js's tests as small graphs: leaves, nodes that name their arguments, and gradients as nodes.
import { type Gpu, type Tensor, vjp } from '../../../index.ts';
import { Args, apply, Unsupported, upload, type Value } from '../args.ts';
import type { HostTensor, Json, JsonObject } from '../case.ts';
import { type Check, close, type Suite } from '../suite.ts';
import { tfjsNorms } from './norms.ts';
import { tfjsResamples } from './resamples.ts';
import { convs } from './tfjs_convs.ts';
import { elementwise } from './tfjs_elementwise.ts';
import { checkGradient } from './tfjs_gradients.ts';
import { pools } from './tfjs_pools.ts';
import { shapes } from './tfjs_shapes.ts';

/** A leaf, or an output of a node: by number, or by name where the operator returns a record. */
type Ref = { readonly leaf: number } | { readonly node: number; readonly out: number | string };

interface Apply {
  readonly op: string;
  readonly args: readonly Json[];
}

interface Grad {
  readonly op: 'grad';
  readonly of: Ref;
  readonly wrt: readonly Ref[];
  /** The upstream gradient; all ones where there is none. */
  readonly dy: Ref | null;
}

interface TfjsCase {
  readonly leaves: readonly HostTensor[];
  readonly nodes: readonly (Apply | Grad)[];
  readonly output: Ref;
  readonly dims: readonly number[];
  /** What the test says, and what TensorFlow.js computes, with more digits. */
  readonly expected: HostTensor['data'];
  readonly computed: HostTensor['data'];
  readonly tolerance: { readonly atol: number };
}

const OPERATORS = { ...elementwise, ...convs, ...tfjsNorms, ...pools, ...shapes, ...tfjsResamples };

/** The outputs that operators return by name, in the order of our functions. */
const NAMED: Readonly<Record<string, number>> = { values: 0, indices: 1, mean: 0, variance: 1, result: 0, indexes: 1 };

const isRef = (v: Json | Ref): v is Ref => typeof v === 'object' && v !== null && ('leaf' in v || 'node' in v);
const isObject = (v: Json): v is JsonObject => typeof v === 'object' && v !== null && !Array.isArray(v);
const keyOf = (ref: Ref): string => ('leaf' in ref ? `leaf ${ref.leaf}` : `node ${ref.node}.${ref.out}`);

/** Computes nodes when they are asked for, each once. `bound` are the values that are there already. */
class Graph {
  readonly #gpu: Gpu;
  readonly #graph: TfjsCase;
  readonly #bound: Map<string, Tensor>;

  constructor(gpu: Gpu, graph: TfjsCase, bound: Iterable<readonly [string, Tensor]> = []) {
    this.#gpu = gpu;
    this.#graph = graph;
    this.#bound = new Map(bound);
  }

  value(ref: Ref): Tensor {
    const known = this.#bound.get(keyOf(ref));
    if (known) return known;
    if ('leaf' in ref) this.#bound.set(keyOf(ref), upload(this.#gpu, this.#graph.leaves[ref.leaf] as HostTensor));
    else this.#run(ref.node);
    const value = this.#bound.get(keyOf(ref));
    if (!value)
      throw new Unsupported(
        `${this.#graph.nodes['node' in ref ? ref.node : 0]?.op} with output ${'out' in ref ? ref.out : 0}`,
      );
    return value;
  }

  #run(node: number): void {
    const { nodes } = this.#graph;
    const { op, ...rest } = nodes[node] as Apply | Grad;
    const outputs =
      op === 'grad' ? this.#gradients(rest as Grad) : apply(OPERATORS, op, this.#args((rest as Apply).args));
    outputs.forEach((t, i) => {
      if (!t) return;
      this.#bound.set(`node ${node}.${i}`, t);
      for (const name of Object.keys(NAMED)) if (NAMED[name] === i) this.#bound.set(`node ${node}.${name}`, t);
    });
  }

  #args(args: readonly Json[]): Args {
    const [first] = args;
    const byName =
      args.length === 1 &&
      typeof first === 'object' &&
      first !== null &&
      !Array.isArray(first) &&
      !isRef(first as Json);
    const entries: [string | number, Json][] = byName
      ? Object.entries(first as JsonObject)
      : args.map((v, i) => [i, v]);
    return new Args(
      this.#gpu,
      entries.map(([k, v]) => [k, this.#resolve(v)] as const),
    );
  }

  /** Tensors in the place of references, in lists too. */
  #resolve(v: Json): Value {
    if (isRef(v)) return this.value(v);
    return Array.isArray(v) && v.some((e) => isRef(e as Json)) ? v.map((e) => this.#resolve(e as Json)) : v;
  }

  #gradients({ of, wrt, dy }: Grad): Tensor[] {
    const missing = wrt.some((ref) => !this.#reaches(of, keyOf(ref)));
    if (missing) throw new Unsupported('a gradient by a tensor that the graph leaves out');
    const inputs = wrt.map((ref) => this.value(ref));
    const node = 'node' in of ? this.#graph.nodes[of.node] : undefined;
    if (node && 'args' in node) checkGradient(node.op, inputs, node.args);
    const bound = wrt.map((ref, i) => [keyOf(ref), inputs[i] as Tensor] as const);
    const known = [...this.#bound].filter(([key]) => key.startsWith('leaf '));
    const forward = () => new Graph(this.#gpu, this.#graph, [...known, ...bound]).value(of);
    const y = forward();
    // Integers and bool have no gradient to begin with; there they are given one all the same, of zeros in the end.
    const differentiable = y.dtype === 'f32' || y.dtype === 'f16';
    const seed = dy ? this.value(dy) : this.#ones(y);
    return vjp(forward, inputs, [differentiable ? seed : null]).grads;
  }

  /** Whether `ref` is computed from the value of this key. */
  #reaches(ref: Json | Ref, key: string): boolean {
    if (!isRef(ref))
      return Array.isArray(ref)
        ? ref.some((r) => this.#reaches(r, key))
        : isObject(ref) && Object.values(ref).some((r) => this.#reaches(r, key));
    if (keyOf(ref) === key) return true;
    const node = 'node' in ref ? this.#graph.nodes[ref.node] : undefined;
    return node !== undefined && this.#reaches('args' in node ? node.args : [node.of, ...node.wrt], key);
  }

  #ones(like: Tensor): Tensor {
    return upload(this.#gpu, { dtype: 'float32', dims: like.shape, data: { fill: 1 } });
  }
}

export const runTfjs: Suite = (gpu, body): Check[] => {
  const graph = body as TfjsCase;
  const got = new Graph(gpu, graph).value(graph.output);
  const { dims, expected, computed, tolerance } = graph;
  // The tests' own tolerance is wide; what the library computes has the digits to hold more.
  return [
    { result: 'output', got, want: { dims, data: computed }, tolerance: close(1e-5) },
    {
      result: 'output (literal)',
      got,
      want: { dims, data: expected },
      tolerance: close(Math.max(tolerance.atol, 1e-5)),
    },
  ];
};
