import { expect, test } from 'vitest';
import type { Outcome } from '../../src/cli/conformance/case.ts';
import { toMarkdown } from '../../src/cli/conformance/markdown.ts';
import type { Verdict } from '../../src/cli/conformance/report.ts';

const verdict = (suite: string, op: string, outcome: Outcome): Verdict => ({
  case: { suite, op, name: 'test', file: 'file.json', body: null },
  outcome,
});
const passed: Outcome = { status: 'passed' };
const without = (reason: string): Outcome => ({ status: 'unsupported', reason });

test('operators by family and suite, with the different reasons counted', () => {
  const lines = toMarkdown([
    verdict('tfjs', 'softmax', passed),
    verdict('onnx', 'Softmax', passed),
    verdict('onnx', 'Softmax', without('a | b')),
    verdict('onnx', 'Softmax', without('a | b')),
    verdict('onnx', 'Softmax', without('c')),
    verdict('onnx', 'Softmax', { status: 'failed', mismatches: [] }),
    verdict('onnx', 'MaxPool', passed),
    verdict('onnx', 'Softplus', passed),
  ]).split('\n');
  expect(lines).toContain('2 passed, 1 failed, 3 unsupported.');
  expect(lines).toContain('| onnx | Softmax | 1 | 1 | 2: a \\| b; 1: c |');
  expect(lines).toContain('| tfjs | softmax | 1 | 0 |  |');
  expect(lines.filter((line) => line.startsWith('## '))).toEqual(['## Softmax', '## Pooling']);
  expect(lines.join()).not.toContain('Softplus');
});

test.each([
  'FlexAttention',
  'dot_product_attention',
  'GroupedQueryAttention',
  'TransformerEncoderLayer',
  'softmax',
  'log_softmax',
  'LogSoftmax',
  'Hardmax',
  'sparsemax',
  'logSumExp',
  'ReduceLogSumExp',
  'SoftmaxCrossEntropyLoss',
  'losses.softmaxCrossEntropy',
  'SparseCategoricalCrossentropy',
  'CrossEntropy',
  'maxPoolWithArgmax',
  'AdaptivePool2d',
  'GlobalAveragePooling1D',
  'averagePool2d',
  'max_pool',
  'MaxUnpool',
])('%s is of a family', (op) => {
  expect(toMarkdown([verdict('suite', op, passed)])).toContain(`| suite | ${op} | 1 |`);
});
