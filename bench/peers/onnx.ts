import type { InferenceSession, Tensor } from 'onnxruntime-web/webgpu';
import { fromHalf, type Shape, sizeOf, toHalf } from '../../src/host.ts';
import type { Contender, HostInput, HostResult } from '../bench.ts';
import { type Attribute, type Constant, encode, type Node, type OnnxType } from './onnx_model.ts';

type Ort = typeof import('onnxruntime-web/webgpu');

/** A value of the graph under construction. */
export interface Value {
  readonly name: string;
  readonly type: OnnxType;
}

/** Makes the graph's nodes, the way other libraries call functions. */
export interface GraphBuilder {
  /** A node with one output, of the type of its first input unless told otherwise. */
  node(op: string, inputs: readonly (Value | null)[], attributes?: NodeOptions): Value;
  constant(data: Float32Array | BigInt64Array, shape: Shape): Value;
}

type NodeOptions = Readonly<Record<string, Attribute>> & { readonly domain?: string; readonly type?: OnnxType };
type Build = (graph: GraphBuilder, ...inputs: Value[]) => Value | readonly Value[];

/**
 * ONNX Runtime Web on its WebGPU execution provider, inputs and outputs in GPU buffers. It would run nodes that WebGPU has no kernel for on the
 * CPU without a word; here such a graph is refused.
 */
export function onnx(inputs: readonly HostInput[], build: Build): Contender {
  return {
    name: 'ONNX Runtime',
    kind: 'peer',
    open: async (_, copies) => {
      const ort = await load();
      const { model, outputs } = modelOf(inputs, build);
      const session = await ort.InferenceSession.create(model, {
        executionProviders: ['webgpu'],
        preferredOutputLocation: 'gpu-buffer',
        extra: { session: { disable_cpu_ep_fallback: '1' } },
      }).catch(refuse);
      const device = await ort.env.webgpu.device;
      const feeds = Array.from({ length: copies }, () => upload(ort, device, inputs));
      const start = async (i: number): Promise<Tensor[]> => {
        const results = await session.run(feeds[i % copies] as InferenceSession.FeedsType);
        return outputs.map((name) => results[name] as Tensor);
      };
      return {
        run: async (i) => {
          for (const y of await start(i)) y.dispose();
        },
        finish: async () => void (await device.queue.onSubmittedWorkDone()),
        results: async () => Promise.all((await start(0)).map(read)),
        close: () => {
          for (const x of feeds.flatMap((feed) => Object.values(feed))) (x as Tensor).dispose();
          void session.release();
        },
      };
    },
  };
}

/** Where the pages of the benchmark and of the tests find the files of packages. */
const WASM = '/node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.asyncify.wasm';

async function load(): Promise<Ort> {
  if (!('location' in globalThis)) throw new Error('ONNX Runtime Web has its WebGPU provider in browsers only');
  const ort = await import('onnxruntime-web/webgpu');
  ort.env.wasm.wasmPaths = { wasm: new URL(WASM, location.origin) };
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = 'fatal'; // What goes wrong is in the errors that are thrown.
  return ort;
}

function refuse(error: unknown): never {
  const text = String(error);
  if (/fallback/i.test(text))
    throw new Error('ONNX Runtime has no WebGPU kernel for some node and would compute it on the CPU');
  throw new Error(`ONNX Runtime: ${text}`);
}

const NAMES = { f32: 'float32', f16: 'float16', i32: 'int32', u32: 'int32', bool: 'bool' } as const;
const typeOf = ({ data, dtype }: HostInput): OnnxType =>
  dtype ? NAMES[dtype] : data instanceof Int32Array ? 'int32' : data instanceof Uint8Array ? 'bool' : 'float32';

function modelOf(inputs: readonly HostInput[], build: Build): { model: Uint8Array; outputs: string[] } {
  const nodes: Node[] = [];
  const constants: Constant[] = [];
  const graph: GraphBuilder = {
    node: (op, operands, { domain, type, ...attributes } = {}) => {
      const name = `y${nodes.length}`;
      const names = operands.map((x) => x?.name ?? '');
      nodes.push({
        op,
        inputs: names,
        outputs: [name],
        attributes: attributes as Node['attributes'],
        ...(domain && { domain }),
      });
      return { name, type: type ?? operands[0]?.type ?? 'float32' };
    },
    constant: (data, shape) => {
      const type = data instanceof Float32Array ? 'float32' : 'int64';
      const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      const constant: Constant = { name: `c${constants.length}`, type, shape, bytes };
      constants.push(constant);
      return constant;
    },
  };
  const values = inputs.map((input, i) => ({ name: `x${i}`, type: typeOf(input), shape: input.shape }));
  const outputs = [build(graph, ...values)].flat() as Value[];
  const model = encode({
    inputs: values,
    outputs: outputs.map(({ name, type }) => ({ name, type })),
    constants,
    nodes,
  });
  return { model, outputs: outputs.map(({ name }) => name) };
}

function upload({ Tensor }: Ort, device: GPUDevice, inputs: readonly HostInput[]): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = {};
  for (const [i, input] of inputs.entries()) {
    const dataType = typeOf(input);
    const data = dataType === 'float16' ? Uint16Array.from(input.data, toHalf) : input.data;
    const size = 16 * Math.ceil(Math.max(data.byteLength, 1) / 16);
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const buffer = device.createBuffer({ size, usage });
    const padded = new Uint8Array(size);
    padded.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    device.queue.writeBuffer(buffer, 0, padded);
    feeds[`x${i}`] = Tensor.fromGpuBuffer(buffer, {
      dataType: dataType as 'float32',
      dims: input.shape,
      dispose: () => buffer.destroy(),
    });
  }
  return feeds;
}

async function read(y: Tensor): Promise<HostResult> {
  const data = (await y.getData(true)) as ArrayLike<number | bigint>;
  // Where there is no Float16Array, halves come as their bits.
  const number = y.type === 'float16' && data instanceof Uint16Array ? fromHalf : Number;
  return { shape: y.dims, data: Float64Array.from({ length: sizeOf(y.dims) }, (_, i) => number(data[i] as number)) };
}
