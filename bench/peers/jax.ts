import type { Array as JaxArray } from '@jax-js/jax';
import type { Contender, HostInput, HostResult } from '../bench.ts';
import type { Definition, Ops } from '../ops.ts';

type Jax = typeof import('@jax-js/jax');
type Compute = (jax: Jax, ...inputs: JaxArray[]) => JaxArray | JaxArray[];

/** jax-js on its WebGPU backend: `f`, compiled by `jit`, consumes its inputs and whatever it makes of them, as all functions there do. */
export function jax(inputs: readonly HostInput[], f: Compute): Contender {
  return {
    name: 'jax-js',
    kind: 'peer',
    open: async (_, copies) => {
      const jax = await load();
      const compiled = jax.jit((...xs: JaxArray[]) => [f(jax, ...xs)].flat());
      const arrays = Array.from({ length: copies }, () => inputs.map((input) => upload(jax, input)));
      const start = (i: number) => compiled(...(arrays[i % copies] as JaxArray[]).map((x) => x.ref)) as JaxArray[];
      return {
        // Arrays are lazy: the commands are made when somebody asks for the buffer, which is then given up.
        run: (i) => {
          for (const y of start(i)) y.gpuBufferSync();
        },
        finish: async () => void (await jax.getWebGPUDevice().queue.onSubmittedWorkDone()),
        results: () => Promise.all(start(0).map(read)),
        close: () => {
          for (const x of arrays.flat()) x.dispose();
          compiled.dispose();
        },
      };
    },
  };
}

async function load(): Promise<Jax> {
  const jax = await import('@jax-js/jax');
  if (!(await jax.init('webgpu')).includes('webgpu')) throw new Error('jax-js finds no WebGPU adapter here');
  jax.defaultDevice('webgpu');
  return jax;
}

function upload({ numpy }: Jax, { data, shape, dtype }: HostInput): JaxArray {
  const x = numpy.array(data instanceof Uint8Array ? Int32Array.from(data) : data, { shape: [...shape] });
  if (data instanceof Uint8Array) return x.astype(numpy.bool);
  return dtype === 'f16' ? x.astype(numpy.float16) : x;
}

async function read(y: JaxArray): Promise<HostResult> {
  return { shape: [...y.shape], data: await y.data() };
}

/** `Ops` in jax-js: operands are passed by reference, so that nothing is consumed. */
export function jaxOps({ lax, nn, numpy }: Jax): Ops<JaxArray> {
  const of = (x: JaxArray | number) => (typeof x === 'number' ? x : x.ref);
  return {
    matmul: (a, b, transposeB = false) => numpy.matmul(a.ref, transposeB ? numpy.matrixTranspose(b.ref) : b.ref),
    add: (a, b) => a.ref.add(of(b)),
    sub: (a, b) => a.ref.sub(b.ref),
    mul: (a, b) => a.ref.mul(of(b)),
    tanh: (x) => numpy.tanh(x.ref),
    sigmoid: (x) => nn.sigmoid(x.ref),
    gelu: (x) => nn.gelu(x.ref, { approximate: false }),
    softmax: (x) => nn.softmax(x.ref),
    layerNorm: (x, weight, bias) => {
      const centred = x.ref.sub(x.ref.mean(-1, { keepdims: true }));
      const variance = numpy.square(centred.ref).mean(-1, { keepdims: true });
      return centred
        .div(numpy.sqrt(variance.add(1e-5)))
        .mul(weight.ref)
        .add(bias.ref);
    },
    band: (x, left, right) => {
      const [L, S] = x.shape.slice(-2) as [number, number];
      const upTo = (k: number) => numpy.tri(L, S, k, { dtype: numpy.bool });
      const seen = numpy.where(upTo(right), x.ref, -3.4e38);
      return left === Infinity ? seen : numpy.where(upTo(-left - 1), -3.4e38, seen);
    },
    // Rows taken would do, but their gradient, a scatter, cannot be compiled.
    embedding: (table, indices) => numpy.matmul(nn.oneHot(indices.ref, table.shape[0] as number), table.ref),
    crossEntropy: (logits, target) => {
      const [N, C] = logits.shape as [number, number];
      const hot = nn.oneHot(target.ref, C);
      return nn
        .logSoftmax(logits.ref)
        .mul(hot)
        .sum()
        .mul(-1 / N);
    },
    reshape: (x, shape) => x.ref.reshape([...shape]),
    permute: (x, axes) => numpy.transpose(x.ref, [...axes]),
    slice: (x, axis, from, to) => x.ref.slice(...Array.from({ length: axis }, () => [] as []), [from, to]),
    concat: (xs, axis) =>
      numpy.concatenate(
        xs.map((x) => x.ref),
        axis,
      ),
    conv2d: (x, w, { stride, padding, groups }) =>
      lax.convGeneralDilated(
        x.ref,
        w.ref,
        [stride, stride],
        [
          [padding, padding],
          [padding, padding],
        ],
        { featureGroupCount: groups },
      ),
    pool2d: (kind, x, size, stride) => {
      const reduce = (window: JaxArray) => (kind === 'max' ? window.max() : window.mean());
      return lax.reduceWindow(x.ref, reduce, [1, 1, size, size], [1, 1, stride, stride]);
    },
    shape: ({ shape }) => shape,
  };
}

/** Makes of a definition a function of its inputs and of dy, which gives [y, gradients of <y, dy> by the first `wrt` inputs]; default all. */
export function jaxBackward(definition: Definition, wrt?: number): Compute {
  return (jax, ...all) => {
    const dy = all.at(-1) as JaxArray;
    const [inputs, others] = [all.slice(0, -1).slice(0, wrt), wrt === undefined ? [] : all.slice(wrt, -1)];
    const [y, pull] = jax.vjp((...xs: JaxArray[]) => definition(jaxOps(jax), ...xs, ...others), inputs);
    const grads = pull(dy) as JaxArray[];
    pull.dispose();
    return [y as JaxArray, ...grads];
  };
}
