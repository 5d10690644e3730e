import { describe, expect, test } from 'vitest';
import type { DType, Gpu, Shape, Tensor } from '../../src/index.ts';
import * as fovea from '../../src/index.ts';
import { ArgumentError, FoveaError, KernelError, ShapeError } from '../../src/index.ts';
import { bare } from '../helpers/bare.ts';
import { gpu } from '../helpers/gpu.ts';

// biome-ignore lint/suspicious/noExplicitAny: what JavaScript may pass
type Any = any;
const { add, customOp, grad, matmul, neg, noGrad, scope, sum, valueAndGrad, vjp } = fovea;

/** Valid arguments of each op that takes tensors: `f32[2, 3]` and the like stand for them, in the order of the parameters named before. */
const CALLS: readonly (readonly [ops: string, names: string, args: readonly unknown[]])[] = [
  ['abs ceil cos elu erf exp expm1 floor gelu hardSigmoid hardSwish leakyRelu log log1p mish neg reciprocal relu round', 'x', ['f32[2]']],
  ['rsqrt selu sigmoid sign silu sin softplus softsign sqrt square tan tanh clamp', 'x', ['f32[2]']],
  ['add div maximum minimum mul pow sub equal greater greaterEqual less lessEqual notEqual', 'a b', ['f32[2]', 'f32[2]']],
  ['logicalAnd logicalOr logicalXor', 'a b', ['bool[2]', 'bool[2]']],
  ['argmax argmin cumsum hardmax logSoftmax logsumexp max mean min prod softmax sort sparsemax sum', 'x', ['f32[2]']],
  ['maskedSoftmax', 'x mask', ['f32[2]', 'bool[2]']],
  ['gumbelSoftmax', 'x', ['f32[2]', { seed: 1 }]],
  ['sumTo reshape broadcastTo', 'x', ['f32[2]', [2]]],
  ['cast', 'x', ['f32[2]', 'i32']],
  ['crossEntropy', 'logits target', ['f32[2, 3]', 'i32[2]']],
  ['layerNorm rmsNorm', 'x', ['f32[2, 3]']],
  ['groupNorm', 'x', ['f32[2, 4, 3]', 2]],
  ['instanceNorm', 'x', ['f32[2, 4, 3]']],
  ['batchNorm', 'x', ['f32[2, 3]', { training: true }]],
  ['dropout', 'x', ['f32[2]', { p: 0.5, seed: 1 }]],
  ['matmul', 'a b', ['f32[2, 2]', 'f32[2, 2]']],
  ['expandDims flip topk', 'x', ['f32[2]', 0]],
  ['permute', 'x', ['f32[2]', [0]]],
  ['tile', 'x', ['f32[2]', [2]]],
  ['squeeze transpose tril triu', 'x', ['f32[1, 2]']],
  ['split', 'x', ['f32[2]', 2]],
  ['slice', 'x', ['f32[2]', [[0, 1]]]],
  ['pad', 'x', ['f32[2]', [[1, 1]]]],
  ['gather takeAlong', 'x indices', ['f32[2]', 'i32[2]']],
  ['embedding', 'weight indices', ['f32[2, 3]', 'i32[2]']],
  ['oneHot', 'indices', ['i32[2]', 3]],
  ['scatterAdd scatterAddAlong', 'x indices updates', ['f32[3]', 'i32[2]', 'f32[2]']],
  ['where', 'cond a b', ['bool[2]', 'f32[2]', 'f32[2]']],
  ['logicalNot', 'x', ['bool[2]']],
  ['gru', 'gx h0 u bias', ['f32[1, 2, 6]', 'f32[1, 2]', 'f32[6, 2]', 'f32[6]']],
  ['rnn', 'gx h0 u bias', ['f32[1, 2, 2]', 'f32[1, 2]', 'f32[2, 2]', 'f32[2]']],
  ['scaledDotProductAttention', 'q k v', ['f32[1, 2, 3]', 'f32[1, 2, 3]', 'f32[1, 2, 3]']],
  ['additiveAttention', 'query keys values', ['f32[1, 3]', 'f32[1, 2, 3]', 'f32[1, 2, 3]', { v: 'f32[3]' }]],
  ['advance', 'state', ['u32[1]']],
  ['conv1d convTranspose1d', 'x weight', ['f32[1, 2, 3]', 'f32[2, 2, 2]']],
  ['conv2d convTranspose2d', 'x weight', ['f32[1, 2, 3, 3]', 'f32[2, 2, 2, 2]']],
  ['conv3d convTranspose3d', 'x weight', ['f32[1, 2, 3, 3, 3]', 'f32[2, 2, 2, 2, 2]']],
  ['maxPool1d avgPool1d', 'x', ['f32[1, 2, 3]', { kernelSize: 2 }]],
  ['lpPool2d', 'x', ['f32[1, 2, 3, 3]', { kernelSize: 2, p: 2 }]],
  ['adaptiveAvgPool1d adaptiveMaxPool1d', 'x', ['f32[1, 2, 3]', 2]],
  ['maxUnpool1d', 'x indices', ['f32[1, 2, 3]', 'i32[1, 2, 3]', { kernelSize: 2 }]],
]; // biome-ignore format: a table

/** A tensor for what stands for one, also inside of options. */
function made(arg: unknown, on: Gpu): Any {
  const found = typeof arg === 'string' && /^(\w+)\[([\d, ]*)\]$/.exec(arg);
  if (found) return on.zeros(found[2]?.split(', ').map(Number) as Shape, found[1] as DType);
  if (typeof arg !== 'object' || Array.isArray(arg)) return arg;
  return Object.fromEntries(Object.entries(arg as object).map(([key, value]) => [key, made(value, on)]));
}

const cases = CALLS.flatMap(([ops, names, args]) =>
  ops.split(' ').map((op) => ({ op, names: names.split(' '), args })),
);

describe.each(cases)('$op', ({ op, names, args }) => {
  const call = (fovea as Any)[op];
  const tensors = () => args.map((arg) => made(arg, gpu));

  test.each(names.map((name, i) => [name, i] as const))('refuses what is no live tensor as %s', (name, i) => {
    const say = (bad: unknown): string => {
      try {
        scope(() => void call(...tensors().with(i, bad)));
      } catch (error) {
        expect(error).toBeInstanceOf(FoveaError);
        return (error as Error).message;
      }
      throw new Error(`${op} took ${String(bad)} as ${name}`);
    };
    for (const bad of [undefined, null, 'text', [1, 2]])
      expect(say(bad)).toMatch(new RegExp(`^${op}: .*\\b${name}\\b.* must be a tensor, got `));
    const gone = made(args[i], gpu) as Tensor;
    gone.dispose();
    expect(say(gone)).toMatch(new RegExp(`^${op}: .*\\b${name}\\b.* was disposed .*: \\w+\\[`));
  });
});

describe('what JavaScript may pass', () => {
  const f = (...shape: number[]) => gpu.zeros(shape);
  const any: Any = fovea;
  const buffer = gpu.device.createBuffer({ size: 64, usage: 0x8c });

  const refused: readonly (readonly [sentence: string, call: () => unknown])[] = [
    ['tensor: dtype must be one of f32, f16, i32, u32, bool, got f64', () => gpu.tensor([1], [1], { dtype: 'f64' as Any })],
    ['empty: dtype must be one of f32, f16, i32, u32, bool, got toString', () => gpu.empty([1], 'toString' as Any)],
    ['full: dtype must be one of f32, f16, i32, u32, bool, got f64', () => any.full(gpu, [1], 1, 'f64')],
    ['uniform: dtype must be f32 or f16, got i32', () => any.uniform(gpu, [1], { seed: 1, dtype: 'i32' })],
    ['randn: dtype must be f32 or f16, got u32', () => any.randn(gpu, [1], { seed: 1, dtype: 'u32' })],
    ['randint: dtype must be i32 or u32, got f32', () => any.randint(gpu, [1], { seed: 1, high: 2, dtype: 'f32' })],
    ['tensor: shape must be an array of whole numbers, got 1', () => gpu.tensor([1], 1 as Any)],
    ['empty: shape must be an array of whole numbers, got 5', () => gpu.empty(5 as Any)],
    ['tensor: data must be numbers, got a DataView', () => gpu.tensor(new DataView(new ArrayBuffer(8)) as Any)],
    ['wrap: offset must be a multiple of 256 bytes, got -256', () => gpu.wrap(buffer, { shape: [1], offset: -256 })],
    ['wrap: dtype must be one of f32, f16, i32, u32, bool, got f64', () => gpu.wrap(buffer, { shape: [1], dtype: 'f64' as Any })],
    ['wrap: shape must be an array of whole numbers, got undefined', () => gpu.wrap(buffer, {} as Any)],
    ["crossEntropy: reduction must be 'mean', 'sum' or 'none', got 'toString'", () => any.crossEntropy(f(1, 2), gpu.zeros([1], 'i32'), { reduction: 'toString' })],
    ['pad: mode must be constant, edge, reflect or wrap, got EDGE', () => any.pad(f(2), [[1, 1]], { mode: 'EDGE' })],
    ['rnn: nonlinearity must be tanh or relu, got sin', () => any.rnn(f(1, 2, 2), f(1, 2), f(2, 2), f(2), { nonlinearity: 'sin' })],
    ['valueAndGrad: wrt must hold tensors alone, got undefined', () => valueAndGrad(() => f(), undefined as Any)],
    ['valueAndGrad: wrt must hold tensors alone, got null', () => valueAndGrad(() => f(), [null] as Any)],
    ['valueAndGrad: wrt must hold tensors alone, got 3', () => valueAndGrad(() => f(), { a: { b: 3 } } as Any)],
    ['valueAndGrad: f must return a tensor or { loss, aux }, got 3', () => valueAndGrad((() => 3) as Any, [f()])],
    ['valueAndGrad: f must be synchronous, got a function that returns a promise', () => valueAndGrad((async () => f()) as Any, [f()])],
    ['vjp: f must be synchronous, got a function that returns a promise', () => vjp((async () => f()) as Any, [f()], [null])],
    ['vjp: there must be a seed (or null) for each of 1 outputs, got 0', () => vjp(() => f(2), [f(2)], [])],
    ['vjp: seed 0 must be f32[2], got f32[3]', () => vjp(() => f(2), [f(2)], [f(3)])],
    ['dropout: options must be an object with p and seed, got undefined', () => any.dropout(f(2))],
    ['dropout: p must be in [0, 1), got undefined', () => any.dropout(f(2), {})],
    ['uniform: options must be an object with seed, got undefined', () => any.uniform(gpu, [2])],
    ['uniform: seed must be a whole number in [0, 2^53), got undefined', () => any.uniform(gpu, [2], {})],
    ['randn: options must be an object with seed, got null', () => any.randn(gpu, [2], null)],
    ['randint: options must be an object with seed and high, got 3', () => any.randint(gpu, [2], 3)],
    ['permutation: options must be an object with seed, got undefined', () => any.permutation(gpu, 2)],
    ['gumbelSoftmax: options must be an object with seed, got undefined', () => any.gumbelSoftmax(f(2))],
    ['additiveAttention: options must be an object with v, got undefined', () => any.additiveAttention(f(1, 3), f(1, 2, 3), f(1, 2, 3))],
    ['additiveAttention: v must be a tensor, got undefined', () => any.additiveAttention(f(1, 3), f(1, 2, 3), f(1, 2, 3), {})],
    ['maxPool2d: options must be an object with kernelSize, got undefined', () => any.maxPool2d(f(1, 1, 2, 2))],
    ['maxPool2d: kernelSize must be a whole number of at least 1, or 2 of them, got undefined', () => any.maxPool2d(f(1, 1, 2, 2), {})],
    ['avgPool1d: options must be an object with kernelSize, got undefined', () => any.avgPool1d(f(1, 1, 2))],
    ['lpPool1d: options must be an object with kernelSize and p, got undefined', () => any.lpPool1d(f(1, 1, 2))],
    ['maxUnpool1d: options must be an object with kernelSize, got undefined', () => any.maxUnpool1d(f(1, 1, 2), gpu.zeros([1, 1, 2], 'i32'))],
    ['adaptiveAvgPool1d: outputSize must be a whole number of at least 1, or 1 of them, got undefined', () => any.adaptiveAvgPool1d(f(1, 1, 2))],
    ['scope: f must be synchronous, got a function that returns a promise; read results after the scope', () => noGrad(async () => f())],
  ]; // biome-ignore format: a table

  test.each(refused)('%s', async (sentence, call) => {
    expect(() => scope(() => void call())).toThrow(sentence);
    expect(() => scope(() => void call())).toThrow(FoveaError);
    expect(await sum(add(gpu.tensor([1, 2]), 1)).item()).toBe(5);
  });

  test('a custom op whose backward gives too few gradients', () => {
    for (const [dxs, got] of [
      [[], 0],
      [undefined, 'undefined'],
    ] as const) {
      const op = customOp({ name: 'mine', forward: (x: Tensor) => ({ output: neg(x) }), backward: () => dxs as Any }); // biome-ignore format: a table
      const x = f(2);
      expect(() => grad(() => sum(op(x)), x)).toThrow(
        new ShapeError('mine', `backward must return 1 gradients, got ${got}`),
      );
    }
  });

  test('tensors of two devices', () =>
    bare(async (other) => {
      const there = other.zeros([2, 2]);
      expect(() => add(f(2, 2), there)).toThrow(new ArgumentError('add', 'a and b must be of one Gpu'));
      expect(() => matmul(there, f(2, 2))).toThrow(new ArgumentError('matmul', 'a and b must be of one Gpu'));
      expect(() => fovea.gather(f(2), other.zeros([1], 'i32'))).toThrow(KernelError);
    }));
});
