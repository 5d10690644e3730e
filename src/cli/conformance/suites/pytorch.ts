// Layers of PyTorch's own tests with their weights.
import { Args, apply, Unsupported } from '../args.ts';
import type { HostTensor, JsonObject } from '../case.ts';
import { type Check, close, type Suite } from '../suite.ts';
import { transformerLayers } from './multi_head.ts';

interface PytorchCase {
  /** Begins with the layer's name. */
  readonly case: string;
  readonly config: JsonObject;
  readonly weights: { readonly [name: string]: HostTensor };
  readonly inputs: { readonly [name: string]: HostTensor };
  readonly masks: JsonObject;
  readonly expected: HostTensor;
  readonly tolerance: { readonly atol: number; readonly rtol: number };
}

export const runPytorch: Suite = (gpu, body): Check[] => {
  const { case: name, config, weights, inputs, masks, expected, tolerance } = body as PytorchCase;
  const layer = name.split(' ')[0] ?? '';
  const args = new Args(gpu, [
    ...Object.entries(inputs),
    ...Object.entries(weights),
    ...Object.entries(masks),
    ...Object.entries(config),
  ]);
  const [got] = apply(transformerLayers, layer, args);
  if (!got) throw new Unsupported(`${layer} with its output`);
  return [{ result: 'output', got, want: expected, tolerance: close(tolerance.atol, tolerance.rtol) }];
};
