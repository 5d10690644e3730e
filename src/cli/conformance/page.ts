// The page's side of `npm run conformance`: runs cases with Fovea's ops on the page's GPU and judges the results.
import { DeviceLostError, DTypeError, Gpu, scope } from '../../index.ts';
import { Unsupported } from './args.ts';
import type { Case, Mismatch, Outcome } from './case.ts';
import { compare } from './compare.ts';
import { lackOf } from './incomplete.ts';
import type { Check, Suite } from './suite.ts';
import { runKeras } from './suites/keras.ts';
import { runOnnx } from './suites/onnx.ts';
import { runPytorch } from './suites/pytorch.ts';
import { runTfjs } from './suites/tfjs.ts';
import { runTorchGrads } from './suites/torch_grads.ts';
import { runTorchModule } from './suites/torch_modules.ts';
import { runWebnn } from './suites/webnn.ts';
import { runWebnnBaseline } from './suites/webnn_baseline.ts';

const SUITES: Readonly<Record<string, Suite>> = {
  onnx: runOnnx,
  'onnx-pytorch-converted': runOnnx,
  'onnx-pytorch-operator': runOnnx,
  webnn: runWebnn,
  'webnn-baseline': runWebnnBaseline,
  keras: runKeras,
  tfjs: runTfjs,
  pytorch: runPytorch,
  'torch-grads': runTorchGrads,
  'torch-modules': runTorchModule,
};

let device: Gpu | null = null;

/** Runs the cases one after another. */
export async function runCases(cases: readonly Case[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const c of cases) {
    device ??= await Gpu.create();
    const reason = lackOf(c);
    outcomes.push(reason ? { status: 'unsupported', reason } : await runCase(device, SUITES[c.suite] as Suite, c.body));
  }
  return outcomes;
}

async function runCase(gpu: Gpu, suite: Suite, body: unknown): Promise<Outcome> {
  try {
    const checks = scope(() => suite(gpu, body));
    const mismatches = await judge(checks);
    return mismatches.length === 0 ? { status: 'passed' } : { status: 'failed', mismatches };
  } catch (error) {
    if (error instanceof Unsupported) return { status: 'unsupported', reason: error.message };
    // Whether an op takes a type is the op's to say, and it says it before anything else.
    if (error instanceof DTypeError) return { status: 'unsupported', reason: `dtype: ${error.message}` };
    // The next case starts on a new device.
    if (error instanceof DeviceLostError) device = null;
    return { status: 'failed', mismatches: [{ result: 'error', message: String(error) }] };
  }
}

async function judge(checks: readonly Check[]): Promise<Mismatch[]> {
  const mismatches: Mismatch[] = [];
  try {
    for (const { result, got, want, tolerance } of checks) {
      const mismatch = compare(result, { shape: got.shape, dtype: got.dtype, data: await got.data() }, want, tolerance);
      if (mismatch) mismatches.push(mismatch);
    }
  } finally {
    for (const { got } of checks) got.dispose();
  }
  return mismatches;
}
