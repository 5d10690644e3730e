// Tiny cases in each format of conformance suites, with values that can be checked by hand.

const f32 = (dims: readonly number[], data: readonly unknown[], name?: string) => ({
  ...(name && { name }),
  dtype: 'float32',
  dims,
  data,
});
const bare = (dims: readonly number[], data: readonly unknown[]) => ({ dims, data });

const onnx = (
  name: string,
  op_type: string,
  inputs: readonly unknown[],
  outputs: readonly unknown[],
  attributes = {},
) => ({ case: name, op_type, domain: 'ai.onnx', opset: { 'ai.onnx': 13 }, attributes, inputs, outputs });

const webnn = (
  name: string,
  operators: readonly unknown[],
  inputs: readonly unknown[],
  outputs: readonly unknown[],
  tolerance: unknown,
) => ({ case: name, operators, inputs, outputs, tolerance });

const double = { leaves: [f32([2], [1, 2])], nodes: [{ op: 'mul', args: [{ leaf: 0 }, 2] }] };

/** Files by path, all of whose cases pass, are unsupported or are in quarantine. */
export const CASES: Readonly<Record<string, unknown>> = {
  'onnx/Add/add.json': onnx(
    'test_add',
    'Add',
    [f32([2], [1, 'Infinity']), f32([1], [2])],
    [f32([2], [3, 'Infinity'], 'sum')],
  ),
  'onnx/Reshape/reshape.json': onnx(
    'test_reshape',
    'Reshape',
    [
      { dtype: 'int64', dims: [2], data: [5, '-6'] },
      { dtype: 'int64', dims: [2], data: [1, -1] },
    ],
    [{ dtype: 'int64', dims: [1, 2], data: [5, -6] }],
  ),
  'onnx/Mul/mul.json': onnx('test_mul', 'Mul', [f32([2], [1, 2]), f32([2], [3, 5])], [f32([2], [3, 10])]),
  'onnx/Unheard/unheard.json': onnx(
    'test_unheard',
    'Unheard',
    [f32([1, 1, 1], [1]), f32([1, 1, 1], [1])],
    [f32([1, 1, 1], [1])],
  ),
  'onnx/Elu/elu.json': onnx('test_elu_strange', 'Elu', [f32([1], [1])], [f32([1], [1])], { alpha: 1, strange: 7 }),
  'onnx/Neg/double.json': onnx(
    'test_wide',
    'Neg',
    [{ dtype: 'float64', dims: [1], data: [1e300] }],
    [{ dtype: 'float64', dims: [1], data: [-1e300] }],
  ),
  'onnx/Neg/wrong.json': onnx('test_wrong_a', 'Neg', [f32([1], [1])], [f32([1], [5])]),
  'onnx-pytorch-converted/Relu/relu.json': onnx('test_ReLU', 'Relu', [f32([2], [-1, 1])], [f32([2], [0, 1])]),
  'onnx-pytorch-operator/Exp/exp.json': onnx('test_exp', 'Exp', [f32([1], [0])], [f32([1], [1])]),
  'webnn/abs.json': {
    cases: [
      webnn(
        'abs of a fill',
        [{ name: 'abs', arguments: [{ input: 'x' }], outputs: 'y' }],
        [{ name: 'x', dtype: 'float32', dims: [2, 2], data: { fill: -1.5 } }],
        [{ name: 'y', dtype: 'float32', dims: [2, 2], data: { fill: 1.5 } }],
        { metricType: 'ULP', value: 0 },
      ),
      webnn(
        'neg, then equal',
        [
          { name: 'neg', arguments: [{ input: 'x' }], outputs: 'n' },
          { name: 'equal', arguments: [{ a: 'n' }, { b: 'x' }], outputs: 'y' },
        ],
        [f32([2], [0, 1], 'x')],
        [{ name: 'y', dtype: 'uint8', dims: [2], data: [1, 0] }],
        { metricType: 'ULP', value: 0 },
      ),
    ],
  },
  'webnn-baseline/unary.json': {
    cases: [
      {
        case: 'neg',
        op: 'neg',
        args: [bare([3], [-1, 0, 1])],
        outputs: [{ index: 0, ...bare([3], [1, '-0', -1]), tolerance: { metric: 'ULP64', value: 0 } }],
      },
    ],
  },
  'keras/activations.json': {
    cases: [
      {
        case: 'test_relu',
        kind: 'activation',
        op: 'relu',
        args: [f32([2], [-1, 3])],
        kwargs: { max_value: 2 },
        expected: [{ path: [], dtype: 'float64', dims: [2], data: [0, 2], tolerance: { atol: 1e-6, rtol: 1e-6 } }],
      },
    ],
  },
  'keras/optimizers.sgd.json': {
    cases: [
      {
        case: 'test_step',
        kind: 'optimizer',
        op: 'SGD',
        config: { name: 'sgd', learning_rate: 0.5, momentum: 0, nesterov: false, use_ema: false, weight_decay: null },
        initial: f32([2], [1, 2]),
        grads: [f32([2], [1, 1]), f32([2], [2, 0])],
        expected: { dtype: 'float64', dims: [2], data: [-0.5, 1.5] },
        tolerance: { atol: 1e-6, rtol: 1e-6 },
      },
      {
        case: 'test_ema',
        kind: 'optimizer',
        op: 'SGD',
        config: { learning_rate: 1 },
        initial: f32([1], [1]),
        grads: [],
        expected: { dtype: 'float64', dims: [1], data: [9] },
        tolerance: { atol: 1e-6, rtol: 1e-6 },
      },
    ],
  },
  'tfjs/mul.json': {
    cases: [
      {
        case: 'double',
        gradient: false,
        ops: ['mul'],
        ...double,
        output: { node: 0, out: 0 },
        dims: [2],
        expected: [2, 4],
        computed: [2, 4],
        tolerance: { atol: 0.001 },
      },
      {
        case: 'double',
        gradient: true,
        ops: ['mul', 'grad'],
        leaves: double.leaves,
        nodes: [...double.nodes, { op: 'grad', of: { node: 0, out: 0 }, wrt: [{ leaf: 0 }], dy: null }],
        output: { node: 1, out: 0 },
        dims: [2],
        expected: [2, 2],
        computed: [2, 2],
        tolerance: { atol: 0.001 },
      },
      {
        case: 'nan',
        gradient: false,
        ops: ['mul'],
        ...double,
        output: { node: 0, out: 0 },
        dims: [2],
        expected: ['NaN', 4],
        computed: ['NaN', 4],
        tolerance: { atol: 0.001 },
      },
    ],
  },
  'pytorch/layers.json': {
    cases: [
      {
        case: 'SomeLayer relu',
        config: {},
        weights: {},
        inputs: {},
        masks: {},
        expected: bare([1], [1]),
        tolerance: { atol: 1e-5, rtol: 0 },
      },
    ],
  },
  'torch-grads/Mul.json': {
    cases: [
      {
        case: 'test_mul',
        onnx_file: 'Mul/mul.json',
        wrt_output: 0,
        dy: 'cos(arange(numel))',
        f32_err: { output: 0, grads: [0, 0] },
        grads: [
          { slot: 0, name: 'a', ...bare([2], [3, 2.7015115]) },
          { slot: 1, name: 'b', ...bare([2], [1, 1.0806046]) },
        ],
      },
    ],
  },
  'torch-modules/Softmax.json': {
    cases: [
      {
        case: 'even',
        config: { axis: -1 },
        inputs: { x: bare([1, 2], [3, 3]) },
        fixed: {},
        params: {},
        buffers: {},
        outputs: [bare([1, 2], [0.5, 0.5])],
        // y (dy - <y, dy>) with dy = 1, cos(1)
        grads: { x: bare([1, 2], [0.1149244, -0.1149244]) },
        f32_err: { outputs: [0], grads: { x: 0 } },
      },
    ],
  },
  'licences/onnx.txt': 'not a suite',
  'QUARANTINE.json': [
    { suite: 'onnx', case: 'test_wrong, _a', why: 'the first is not there' },
    { suite: 'tfjs', case: 'any case with NaN/Infinity in expected', why: '' },
    { suite: 'keras', case: 'optimizers test_ema*, RNN with custom cells', why: '' },
  ],
};
