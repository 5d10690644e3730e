// Two sums over the lanes of a row, to each of its lanes. To be included after lib/lanes.inc.wgsl.
var<workgroup> laneSums: array<vec2f, WG>;

fn sumLanes(own: vec2f, lid: u32, lane: u32) -> vec2f {
  if (LANES == 1u) { return own; }
  workgroupBarrier(); // an earlier call's result may still be being read
  laneSums[lid] = own;
  for (var s = LANES / 4u; s > 1u; s /= 2u) {
    workgroupBarrier();
    if (inHalf(lane) < s) { laneSums[lid] += laneSums[lid + ahead(s)]; }
  }
  // The last step stands by itself: SwiftShader waits at the end of a loop, and would hide that the barrier after it is needed.
  workgroupBarrier();
  if (LANES > 2u && inHalf(lane) == 0u) { laneSums[lid] += laneSums[lid + ahead(1u)]; }
  workgroupBarrier();
  let first = lid - ahead(lane);
  return laneSums[first] + laneSums[first + ahead(LANES / 2u)];
}
