// dx: each element gathers from the windows that hold it: dy of those that chose it (max), dy over the divisor (average), dy |x|^(p-1) sign(x) y^(1-p).
// flops: 2 * outer * cells * inner * taps
#include "lib/pool.inc.wgsl"
#include "lib/power.inc.wgsl"

@group(0) @binding(1) var<storage, read> dy: array<Scalar>;          // [outer, D', H', W', inner]
@group(0) @binding(2) var<storage, read> indices: array<i32>;        // the same, for max
@group(0) @binding(3) var<storage, read> x: array<Scalar>;           // [outer, D, H, W, inner], for LP
@group(0) @binding(4) var<storage, read> y: array<Scalar>;           // as dy, for LP
@group(0) @binding(5) var<storage, read_write> dx: array<Scalar>;    // as x

// Whether a window holds a position.
fn holds(w: Window, position: vec3u) -> bool {
  let off = vec3i(position) - w.start;
  let step = vec3i(stepOf());
  let index = off / step;
  return all(off >= vec3i(0)) && all(off % step == vec3i(0)) && all(index < vec3i(w.end));
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  let place = placeOf(i, params.x.xyz);
  if (place.outer >= params.outer) { return; }
  let n = params.x.xyz;
  let m = params.y.xyz;
  // The windows that may hold this position.
  var low: vec3u;
  var high: vec3u;
  for (var d = 0u; d < 3u; d++) {
    if (ADAPTIVE) {
      low[d] = place.at[d] * m[d] / n[d];
      high[d] = ((place.at[d] + 1u) * m[d] - 1u) / n[d] + 1u;
    } else {
      let reach = (params.kernel[d] - 1u) * params.dilation[d];
      let position = place.at[d] + params.pad[d];
      low[d] = (max(position, reach) - reach + params.stride[d] - 1u) / params.stride[d];
      high[d] = min(position / params.stride[d] + 1u, m[d]);
    }
  }
  let own = i32((place.at.x * n.y + place.at.y) * n.z + place.at.z);
  var sum = 0.0;
  for (var a = low.x; a < high.x; a++) {
    for (var b = low.y; b < high.y; b++) {
      for (var c = low.z; c < high.z; c++) {
        let at = vec3u(a, b, c);
        let o = indexOf(place.outer, at, m, place.inner);
        if (OP == MAX) {
          if (indices[o] == own) { sum += f32(dy[o]); }
          continue;
        }
        let w = windowOf(at);
        if (!holds(w, place.at)) { continue; }
        if (OP == AVERAGE) {
          sum += f32(dy[o]) / divisorOf(w);
        } else {
          let value = f32(x[i]);
          let norm = f32(y[o]);
          // 0 where all are 0, as for a norm.
          let share = select(power(abs(value) / norm, params.p - 1.0), 0.0, norm == 0.0);
          sum += f32(dy[o]) * share * sign(value);
        }
      }
    }
  }
  dx[i] = Scalar(sum);
}
