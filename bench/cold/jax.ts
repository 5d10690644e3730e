import { defaultDevice, init, nn, numpy } from '@jax-js/jax';
import { DATA, SHAPE } from './input.ts';

export async function firstResult(): Promise<ArrayLike<number>> {
  await init('webgpu');
  defaultDevice('webgpu');
  return nn.softmax(numpy.array(DATA, { shape: SHAPE })).data();
}
