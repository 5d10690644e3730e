import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import type { Tensor, Tensor1D, Tensor4D } from '@tensorflow/tfjs-core';
import type { Contender, HostInput, HostResult } from '../bench.ts';
import type { Definition, Ops } from '../ops.ts';

type Tf = typeof import('@tensorflow/tfjs-core');
type Compute = (tf: Tf, ...inputs: Tensor[]) => Tensor | Tensor[];

/** TensorFlow.js on its WebGPU backend, which has no f16. */
export function tensorflow(inputs: readonly HostInput[], f: Compute): Contender {
  return {
    name: 'TensorFlow.js',
    kind: 'peer',
    open: async (_, copies) => {
      if (inputs.some(({ dtype }) => dtype === 'f16')) throw new Error('TensorFlow.js has no f16');
      const tf = await load();
      const tensors = Array.from({ length: copies }, () => inputs.map((input) => upload(tf, input)));
      const start = (i: number) => [f(tf, ...(tensors[i % copies] as Tensor[]))].flat();
      return {
        run: (i) => tf.tidy(() => void start(i)),
        // It holds commands back until there are enough of them, so that waiting for the queue alone would wait for nothing.
        finish: async () => {
          const backend = tf.backend() as WebGPUBackend;
          backend.ensureCommandEncoderReady();
          backend.endComputePassEncoder();
          backend.submitQueue();
          await backend.device.queue.onSubmittedWorkDone();
        },
        results: () => Promise.all(tf.tidy(() => start(0)).map(read)),
        close: () => tf.dispose(tensors),
      };
    },
  };
}

async function load(): Promise<Tf> {
  const tf = await import('@tensorflow/tfjs-core');
  await import('@tensorflow/tfjs-backend-webgpu');
  await import('@tensorflow/tfjs-core/dist/register_all_gradients').catch((cause: unknown) => {
    throw new Error('TensorFlow.js consists of modules that Node loads only from a bundle: npm run build:bench', {
      cause,
    });
  });
  // Else it computes on the CPU what is small and has not been on the device yet.
  tf.env().set('WEBGPU_CPU_FORWARD', false);
  if (!(await tf.setBackend('webgpu'))) throw new Error('TensorFlow.js finds no WebGPU here');
  return tf;
}

function upload(tf: Tf, { data, shape }: HostInput): Tensor {
  const type = data instanceof Int32Array ? 'int32' : data instanceof Uint8Array ? 'bool' : 'float32';
  return tf.tensor(data, [...shape], type);
}

async function read(y: Tensor): Promise<HostResult> {
  const result = { shape: [...y.shape], data: await y.data() };
  y.dispose();
  return result;
}

/** `Ops` in TensorFlow.js. */
export function tensorflowOps(tf: Tf): Ops<Tensor> {
  const layerNorm = (x: Tensor, weight: Tensor, bias: Tensor) => {
    const { mean, variance } = tf.moments(x, -1, true);
    return tf.add(tf.mul(tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-5))), weight), bias);
  };
  return {
    matmul: (a, b, transposeB = false) => tf.matMul(a, b, false, transposeB),
    add: (a, b) => tf.add(a, b),
    sub: (a, b) => tf.sub(a, b),
    mul: (a, b) => tf.mul(a, b),
    tanh: (x) => tf.tanh(x),
    sigmoid: (x) => tf.sigmoid(x),
    gelu: (x) => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1)),
    softmax: (x) => tf.softmax(x),
    layerNorm,
    band: (x, left, right) => {
      const [L, S] = x.shape.slice(-2) as [number, number];
      const upTo = (k: number) => tf.greaterEqual(tf.reshape(tf.range(k, L + k), [L, 1]), tf.range(0, S));
      const seen = tf.where(tf.broadcastTo(upTo(right), x.shape), x, -3.4e38);
      return left === Infinity ? seen : tf.where(tf.broadcastTo(upTo(-left - 1), x.shape), -3.4e38, seen);
    },
    embedding: (table, indices) => tf.gather(table, indices as Tensor1D),
    crossEntropy: (logits, target) => {
      const hot = tf.cast(tf.oneHot(target as Tensor1D, logits.shape[1] as number), 'float32');
      return tf.neg(tf.mean(tf.sum(tf.mul(tf.logSoftmax(logits), hot), -1)));
    },
    reshape: (x, shape) => tf.reshape(x, [...shape]),
    permute: (x, axes) => tf.transpose(x, [...axes]),
    slice: (x, axis, from, to) => {
      const begin = x.shape.map((_, a) => (a === axis ? from : 0));
      return tf.slice(
        x,
        begin,
        x.shape.map((n, a) => (a === axis ? to - from : n)),
      );
    },
    concat: (xs, axis) => tf.concat([...xs], axis),
    // It differentiates images with channels last only.
    conv2d: (x, w, { stride, padding, groups }) => {
      if (groups > 1) throw new Error('TensorFlow.js has no convolution by groups');
      const images = tf.transpose(x, [0, 2, 3, 1]) as Tensor4D;
      const filter = tf.transpose(w, [2, 3, 1, 0]) as Tensor4D;
      return tf.transpose(tf.conv2d(images, filter, stride, padding), [0, 3, 1, 2]);
    },
    pool2d: (kind, x, size, stride) => {
      const images = tf.transpose(x, [0, 2, 3, 1]) as Tensor4D;
      const y = (kind === 'max' ? tf.maxPool : tf.avgPool)(images, size, stride, 'valid');
      return tf.transpose(y, [0, 3, 1, 2]);
    },
    shape: ({ shape }) => shape,
  };
}

/** Makes of a definition a function of its inputs and of dy, which gives [y, gradients of <y, dy> by the first `wrt` inputs]; default all. */
export function tensorflowBackward(definition: Definition, wrt?: number): Compute {
  return (tf, ...all) => {
    const [inputs, others] = [all.slice(0, -1).slice(0, wrt), wrt === undefined ? [] : all.slice(wrt, -1)];
    const f = (...xs: Tensor[]) => definition(tensorflowOps(tf), ...xs, ...others);
    const { value, grads } = tf.valueAndGrads(f)(inputs, all.at(-1) as Tensor);
    return [value, ...grads];
  };
}
