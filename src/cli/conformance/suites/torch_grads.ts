// Gradients of ONNX cases as PyTorch has them in f64: the node runs under vjp with the upstream gradient cos(0), cos(1), ...
import { type DType, type Gpu, type Tensor, vjp } from '../../../index.ts';
import { Unsupported } from '../args.ts';
import { elementsOf, type HostTensor, type Tolerance } from '../case.ts';
import { type Check, close, type Suite } from '../suite.ts';
import { nodeArgs, type OnnxNode, runNode } from './onnx.ts';

interface TorchGradsCase {
  /** The ONNX case, which the reader has put here; null where its file is missing. */
  readonly node: OnnxNode | null;
  readonly onnx_file: string;
  readonly wrt_output: number;
  /** How far PyTorch in f32 is from PyTorch in f64. */
  readonly f32_err: { readonly grads: readonly number[] };
  readonly grads: readonly (HostTensor & { readonly slot: number })[];
}

/** cos(0), cos(1), ... in the shape of an output. */
export function upstream(gpu: Gpu, like: Tensor): Tensor {
  return gpu.tensor(
    Array.from({ length: like.size }, (_, i) => Math.cos(i)),
    like.shape,
    { dtype: like.dtype },
  );
}

/** Four times the error of PyTorch in f32, or 1e-5 of the largest value, or 1e-6, whichever is most; in f16, what the ONNX cases are held to. */
export function torchTolerance(want: HostTensor, f32Error: number, dtype: DType = 'f32'): Tolerance {
  const largest = elementsOf(want).reduce((m, v) => (Number.isFinite(v) ? Math.max(m, Math.abs(v)) : m), 0);
  return close(Math.max(4 * f32Error, (dtype === 'f16' ? 2e-3 : 1e-5) * largest, 1e-6), 0);
}

export const runTorchGrads: Suite = (gpu, body): Check[] => {
  const { node, onnx_file, wrt_output, f32_err, grads } = body as TorchGradsCase;
  if (!node) throw new Unsupported(`the gradient of a case whose file is missing, onnx/${onnx_file}`);
  const args = nodeArgs(gpu, node);
  const wrt = grads.map(({ slot }) => args.t(slot));
  const output = (outputs: readonly (Tensor | null)[]): Tensor => {
    const y = outputs[wrt_output];
    if (!y) throw new Unsupported(`${node.op_type} with output ${node.outputs[wrt_output]?.name ?? wrt_output}`);
    return y;
  };
  // Once for its shape, and for arguments left unread; once under the tape.
  const dy = upstream(gpu, output(runNode(node, args)));
  const found = vjp(() => output(runNode(node, args)), wrt, [dy]).grads;
  return grads.map((want, i) => ({
    result: `gradient of ${want.name ?? want.slot}`,
    got: found[i] as Tensor,
    want,
    tolerance: torchTolerance(want, f32_err.grads[i] ?? 0, wrt[i]?.dtype),
  }));
};
