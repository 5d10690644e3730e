// The sum of one number per invocation over the workgroup (WG invocations, a power of two), in a fixed order; all of them get it. All must
// call it, once.
var<workgroup> sums: array<f32, WG>;

fn workgroupSum(value: f32, lid: u32) -> f32 {
  sums[lid] = value;
  workgroupBarrier();
  for (var half = WG / 2u; half > 0u; half /= 2u) {
    if (lid < half) { sums[lid] += sums[lid + half]; }
    workgroupBarrier();
  }
  return sums[0];
}
