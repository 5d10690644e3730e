// y = max, average or (sum |x|^p)^(1/p) over windows of x, one an invocation, and for max the index of the chosen element in its plane [D, H, W].
// Of equal ones the first is chosen; of NaNs, which win, the last, as in PyTorch. A window with nothing in it gives -inf and no index, or 0.
// flops: outer * cells * inner * taps
#include "lib/pool.inc.wgsl"
#include "lib/power.inc.wgsl"

override INDICES: bool = false;

@group(0) @binding(1) var<storage, read> x: array<Scalar>;           // [outer, D, H, W, inner]
@group(0) @binding(2) var<storage, read_write> y: array<Scalar>;     // [outer, D', H', W', inner]
@group(0) @binding(3) var<storage, read_write> indices: array<i32>;  // the same with INDICES; else of one element

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  let place = placeOf(i, params.y.xyz);
  if (place.outer >= params.outer) { return; }
  let w = windowOf(place.at);
  let step = stepOf();
  let n = params.x.xyz;
  var best = infinityFrom(-1.0);
  var chosen = -1;
  var sum = 0.0;
  for (var a = w.first.x; a < w.end.x; a++) {
    for (var b = w.first.y; b < w.end.y; b++) {
      let row = (u32(w.start.x + i32(a * step.x)) * n.y + u32(w.start.y + i32(b * step.y))) * n.z;
      for (var c = w.first.z; c < w.end.z; c++) {
        let cell = row + u32(w.start.z + i32(c * step.z));
        let value = f32(x[(place.outer * n.x * n.y * n.z + cell) * params.inner + place.inner]);
        if (OP == MAX) {
          // By the bits: compilers may assume that no NaN occurs.
          if (chosen < 0 || isNan(value) || (value > best && !isNan(best))) {
            best = value;
            chosen = i32(cell);
          }
        } else if (OP == AVERAGE) {
          sum += value;
        } else {
          sum += power(abs(value), params.p);
        }
      }
    }
  }
  if (OP == MAX) {
    y[i] = Scalar(best);
    if (INDICES) { indices[i] = chosen; }
  } else if (OP == AVERAGE) {
    y[i] = Scalar(select(sum / divisorOf(w), 0.0, isVacant(w)));
  } else {
    y[i] = Scalar(power(sum, 1.0 / params.p));
  }
}
