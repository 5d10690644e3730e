// What every target must bring along before any test of ours can mean something: an adapter, a device, a kernel that runs.
import { expect, test } from 'vitest';

const SQUARE = `
@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < arrayLength(&x)) { x[id.x] = x[id.x] * x[id.x]; }
}`;

async function requestDevice() {
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) throw new Error('no WebGPU adapter: tests never pass without one');
  return adapter.requestDevice();
}

test('a kernel squares its buffer', async () => {
  const device = await requestDevice();
  const values = Float32Array.from({ length: 100 }, (_, i) => i - 50);
  const { COPY_DST, COPY_SRC, MAP_READ, STORAGE } = GPUBufferUsage;
  const storage = device.createBuffer({ size: values.byteLength, usage: STORAGE | COPY_DST | COPY_SRC });
  const readback = device.createBuffer({ size: values.byteLength, usage: MAP_READ | COPY_DST });
  device.queue.writeBuffer(storage, 0, values);

  const module = device.createShaderModule({ code: SQUARE });
  const pipeline = await device.createComputePipelineAsync({ layout: 'auto', compute: { module } });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  const entries = [{ binding: 0, resource: { buffer: storage } }];
  pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
  pass.dispatchWorkgroups(Math.ceil(values.length / 64));
  pass.end();
  encoder.copyBufferToBuffer(storage, 0, readback, 0, values.byteLength);
  device.queue.submit([encoder.finish()]);

  await readback.mapAsync(GPUMapMode.READ);
  expect([...new Float32Array(readback.getMappedRange())]).toEqual([...values].map((v) => v * v));
  device.destroy();
});

test('a compilation error names its line', async () => {
  const device = await requestDevice();
  device.pushErrorScope('validation');
  const info = await device.createShaderModule({ code: 'fn f() {\n  let x: f32 = true;\n}' }).getCompilationInfo();
  expect(await device.popErrorScope()).not.toBeNull();
  expect(info.messages.map(({ type, lineNum }) => ({ type, lineNum }))).toContainEqual({ type: 'error', lineNum: 2 });
  device.destroy();
});
