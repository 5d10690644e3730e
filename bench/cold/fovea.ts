import { Gpu, softmax } from '../../src/index.ts';
import { DATA, SHAPE } from './input.ts';

export async function firstResult(): Promise<ArrayLike<number>> {
  const gpu = await Gpu.create();
  return softmax(gpu.tensor(DATA, SHAPE)).data();
}
