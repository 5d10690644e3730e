// ONNX models, written as protocol buffers: the few messages and fields that a graph of operators needs.
// https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
import { PbfWriter } from 'pbf';
import type { Shape } from '../../src/index.ts';

/** TensorProto.DataType. */
export const TYPES = { float32: 1, uint8: 2, int32: 6, int64: 7, bool: 9, float16: 10 } as const;
export type OnnxType = keyof typeof TYPES;

export type Attribute = number | readonly number[] | string | { readonly float: number };

export interface Node {
  readonly op: string;
  /** Names of values; '' for an optional one that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Numbers and arrays of them are integers. */
  readonly attributes: Readonly<Record<string, Attribute>>;
  /** Default ONNX's own operators; `com.microsoft` for those of ONNX Runtime. */
  readonly domain?: string;
}

export interface Value {
  readonly name: string;
  readonly type: OnnxType;
  /** Absent where it is inferred. */
  readonly shape?: Shape;
}

/** A tensor that is part of the model. */
export interface Constant extends Value {
  readonly shape: Shape;
  readonly bytes: Uint8Array;
}

export interface Graph {
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly constants: readonly Constant[];
  readonly nodes: readonly Node[];
}

const IR_VERSION = 10;
const OPSETS = [
  ['', 23],
  ['com.microsoft', 1],
] as const;

/** ModelProto. */
export function encode(graph: Graph): Uint8Array {
  const pbf = new PbfWriter();
  pbf.writeVarintField(1, IR_VERSION);
  pbf.writeMessage(7, writeGraph, graph);
  for (const [domain, version] of OPSETS)
    pbf.writeMessage(
      8,
      (_, to) => {
        to.writeStringField(1, domain);
        to.writeVarintField(2, version);
      },
      null,
    );
  return pbf.finish();
}

function writeGraph({ nodes, constants, inputs, outputs }: Graph, pbf: PbfWriter): void {
  for (const node of nodes) pbf.writeMessage(1, writeNode, node);
  pbf.writeStringField(2, 'graph');
  for (const constant of constants) pbf.writeMessage(5, writeTensor, constant);
  for (const value of inputs) pbf.writeMessage(11, writeValue, value);
  for (const value of outputs) pbf.writeMessage(12, writeValue, value);
}

function writeNode({ op, inputs, outputs, attributes, domain }: Node, pbf: PbfWriter): void {
  for (const name of inputs) pbf.writeStringField(1, name);
  for (const name of outputs) pbf.writeStringField(2, name);
  pbf.writeStringField(4, op);
  for (const attribute of Object.entries(attributes)) pbf.writeMessage(5, writeAttribute, attribute);
  if (domain) pbf.writeStringField(7, domain);
}

/** AttributeProto: its name, its value, and which kind of value it is. */
function writeAttribute([name, value]: [string, Attribute], pbf: PbfWriter): void {
  pbf.writeStringField(1, name);
  if (typeof value === 'number') {
    pbf.writeVarintField(3, value);
    pbf.writeVarintField(20, 2);
  } else if (typeof value === 'string') {
    pbf.writeStringField(4, value);
    pbf.writeVarintField(20, 3);
  } else if ('float' in value) {
    pbf.writeFloatField(2, value.float);
    pbf.writeVarintField(20, 1);
  } else {
    for (const v of value) pbf.writeVarintField(8, v);
    pbf.writeVarintField(20, 7);
  }
}

function writeTensor({ name, type, shape, bytes }: Constant, pbf: PbfWriter): void {
  for (const n of shape) pbf.writeVarintField(1, n);
  pbf.writeVarintField(2, TYPES[type]);
  pbf.writeStringField(8, name);
  pbf.writeBytesField(9, bytes);
}

/** ValueInfoProto, with TypeProto and TensorShapeProto inside. */
function writeValue({ name, type, shape }: Value, pbf: PbfWriter): void {
  pbf.writeStringField(1, name);
  pbf.writeMessage(2, (_, typeProto) => typeProto.writeMessage(1, writeTensorType, { type, shape }), null);
}

function writeTensorType({ type, shape }: { type: OnnxType; shape: Shape | undefined }, pbf: PbfWriter): void {
  pbf.writeVarintField(1, TYPES[type]);
  if (shape)
    pbf.writeMessage(
      2,
      (_, dims) => {
        for (const n of shape) dims.writeMessage(1, (size, dim) => dim.writeVarintField(1, size), n);
      },
      null,
    );
}
