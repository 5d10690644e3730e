import { setBackend, softmax, tensor2d } from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-webgpu';
import { DATA, SHAPE } from './input.ts';

export async function firstResult(): Promise<ArrayLike<number>> {
  await setBackend('webgpu');
  return softmax(tensor2d(DATA, SHAPE)).data();
}
