// ONNX node tests: one operator a case, its inputs by position, its attributes by name.
import type { Gpu } from '../../../index.ts';
import { Args, apply, Unsupported } from '../args.ts';
import type { HostTensor, JsonObject, Tolerance } from '../case.ts';
import { type Check, close, type Suite } from '../suite.ts';
import { onnxConvs } from './convs.ts';
import { elementwise } from './onnx_elementwise.ts';
import { losses } from './onnx_losses.ts';
import { networks } from './onnx_networks.ts';
import { shapes } from './onnx_shapes.ts';
import { training } from './onnx_training.ts';

/** A case, as its file has it. An input or output that is left out is null. */
export interface OnnxNode {
  readonly op_type: string;
  readonly opset: { readonly [domain: string]: number };
  readonly attributes: JsonObject;
  readonly inputs: readonly (HostTensor | null)[];
  readonly outputs: readonly (HostTensor | null)[];
}

const OPERATORS = { ...elementwise, ...onnxConvs, ...shapes, ...networks, ...losses, ...training };

/** The arguments of a node: inputs by slot, attributes by name, and `opset`. */
export function nodeArgs(gpu: Gpu, { inputs, attributes, outputs, opset }: OnnxNode): Args {
  const slots = inputs.map((t, i) => [i, t] as const);
  const version = Object.values(opset)[0];
  return new Args(gpu, [...slots, ...Object.entries(attributes), ['opset', version]], {
    wanted: outputs.map((t) => t !== null),
  }).ignore('opset');
}

export const runNode = (node: OnnxNode, args: Args) => apply(OPERATORS, node.op_type, args);

/** 1e-5, absolute and relative (2e-3 for f16); integers and bools are exact. */
const toleranceOf = ({ dtype }: HostTensor): Tolerance => close(dtype === 'float16' ? 2e-3 : 1e-5);

export const runOnnx: Suite = (gpu, body): Check[] => {
  const node = body as OnnxNode;
  const outputs = runNode(node, nodeArgs(gpu, node));
  return node.outputs.flatMap((want, i) => {
    if (!want) return [];
    const got = outputs[i];
    if (!got) throw new Unsupported(`${node.op_type} with output ${want.name ?? i}`);
    return [{ result: want.name ?? `output ${i}`, got, want, tolerance: toleranceOf(want) }];
  });
};
