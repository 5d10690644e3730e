import { onnx } from '../peers/onnx.ts';
import { DATA, SHAPE } from './input.ts';

const contender = onnx([{ shape: SHAPE, data: DATA }], ({ node }, x) => node('Softmax', [x], { axis: 1 }));

export async function firstResult(): Promise<ArrayLike<number>> {
  // It brings a device of its own.
  const running = await contender.open(undefined as never, 1);
  return (await running.results())[0]?.data ?? [];
}
