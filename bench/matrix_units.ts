import type { Gpu } from '../src/index.ts';

/** One way in which the device multiplies matrices; Dawn lists them in the adapter's info. */
interface MatrixConfig {
  readonly componentType: string;
  readonly resultComponentType: string;
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

const TURNS = 1024;
const CHAINS = 4;
const WORKGROUPS = 4096;
const SAMPLES = 7;

/**
 * Floating-point operations a second of f16 products in matrix units: subgroups that do nothing else. Null where the device does not offer
 * them. The feature is Dawn's and experimental, its WGSL no standard, so that this is no kernel of shaders/ and runs on the bare device.
 */
export async function matrixUnits({ device, info, features }: Gpu): Promise<number | null> {
  if (!features.has('chromium-experimental-subgroup-matrix') || !features.has('shader-f16')) return null;
  const { subgroupMatrixConfigs: configs, subgroupMaxSize } = info as unknown as {
    subgroupMatrixConfigs?: Iterable<MatrixConfig>;
    subgroupMaxSize: number;
  };
  const halves = [...(configs ?? [])].filter((c) => c.componentType === 'f16');
  const config = halves.find((c) => c.resultComponentType === 'f32') ?? halves[0];
  if (!config) return null;
  const module = device.createShaderModule({ label: 'matrix units', code: source(config, subgroupMaxSize) });
  const pipeline = await device.createComputePipelineAsync({ layout: 'auto', compute: { module } });
  const buffer = device.createBuffer({ size: 4 * config.M * config.N * WORKGROUPS, usage: GPUBufferUsage.STORAGE });
  const entries = [{ binding: 0, resource: { buffer } }];
  const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
  const { M, N, K } = config;
  const flops = 2 * M * N * K * CHAINS * TURNS * WORKGROUPS;
  let best = 0;
  for (let sample = 0; sample < SAMPLES; sample++) {
    const start = performance.now();
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    for (let i = 0; i < 10; i++) pass.dispatchWorkgroups(WORKGROUPS);
    pass.end();
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
    best = Math.max(best, (10_000 * flops) / (performance.now() - start));
  }
  buffer.destroy();
  return best;
}

const source = ({ M, N, K, resultComponentType: R }: MatrixConfig, subgroup: number) => `
enable f16;
enable chromium_experimental_subgroup_matrix;
@group(0) @binding(0) var<storage, read_write> y: array<${R}>;

@compute @workgroup_size(${subgroup})
fn main(@builtin(workgroup_id) wid: vec3u) {
  let a = subgroup_matrix_left<f16, ${K}, ${M}>(0.5h);
  let b = subgroup_matrix_right<f16, ${N}, ${K}>(0.25h);
  ${chains((i) => `var c${i} = subgroup_matrix_result<${R}, ${N}, ${M}>(${i}${R === 'f16' ? 'h' : 'f'});`)}
  for (var t = 0; t < ${TURNS}; t++) {
    ${chains((i) => `c${i} = subgroupMatrixMultiplyAccumulate(a, b, c${i});`)}
  }
  ${chains((i) => `if (wid.x % ${CHAINS}u == ${i}u) { subgroupMatrixStore(&y, wid.x * ${M * N}u, c${i}, false, ${N}u); }`)}
}`;

const chains = (line: (i: number) => string): string => Array.from({ length: CHAINS }, (_, i) => line(i)).join('\n  ');
