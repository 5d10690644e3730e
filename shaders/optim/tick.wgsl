// Begins an optimiser's step: counts it and works out what changes from step to step. One workgroup, which with CLIP also adds up the
// partial sums of squares of the gradients; without, one invocation.
// flops: 4 * sum_count * CLIPPING
// bytes: 16 * sum_count * CLIPPING + steps + scalars
override WG: u32 = 256;
override CLIPPING: bool = false;
#include "lib/math.inc.wgsl"
#include "lib/step_scalars.inc.wgsl"
#include "lib/workgroup_sum.inc.wgsl"

// The partial sums are `sum_count` vec4s from `sums_at` on; log_beta: natural logarithms of Adam's betas
struct Params { sums_at: u32, sum_count: u32, max_norm: f32, log_beta1: f32, log_beta2: f32, dampening: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> flat: array<vec4f>;        // as pack.wgsl leaves it
@group(0) @binding(2) var<storage, read_write> steps: array<u32>;   // [1]
@group(0) @binding(3) var<storage, read_write> scalars: array<f32>; // [8]

@compute @workgroup_size(WG)
fn main(@builtin(local_invocation_index) lid: u32) {
  var square = 0.0;
  if (CLIPPING) {
    var squares = vec4f();
    for (var i = lid; i < params.sum_count; i += WG) { squares += flat[params.sums_at + i]; }
    square = workgroupSum(dot(squares, vec4f(1.0)), lid);
  }
  if (lid > 0u) { return; }
  let step = steps[0] + 1u;
  steps[0] = step;
  scalars[NORM] = sqrt(square);
  scalars[CLIP] = select(1.0, min(1.0, params.max_norm / (sqrt(square) + 1e-6)), CLIPPING);
  let t = f32(step);
  // By expm1, for 1 - beta^t cancels in the first steps.
  scalars[STEP_SIZE] = scalars[LR] / -expm1(t * params.log_beta1);
  scalars[ROOT] = 1.0 / sqrt(-expm1(t * params.log_beta2));
  scalars[MIX] = select(1.0 - params.dampening, 1.0, step == 1u);
}
