// The gradient of a float mask: dS, summed over the axes along which the mask is broadcast. An invocation has a block of 4 MB queries and
// eight keys of the mask, and walks over all the blocks of scores that it was added to.
// flops: 8 * rows * s * (d4 + dv4)
#include "lib/attention.inc.wgsl"
#include "lib/attention_registers.inc.wgsl"
#include "lib/attention_gradient.inc.wgsl"

@group(0) @binding(8) var<storage, read_write> dmask: array<Scalar>; // as the mask, [B or 1, H or 1, L or 1, S or 1]

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let item = params.first + linearIndex(wid, nwg, lid, WG);
  if (item >= params.items) { return; }
  // Along an axis: blocks there are, and those that this invocation walks over, which is one or all.
  let all = vec4u(params.rows / (params.h * params.l), params.h, (params.l + ROWS - 1u) / ROWS, (params.s + KEYS - 1u) / KEYS);
  let kept = params.maskAt != vec4u(0u);
  let count = select(vec4u(1u), all, kept);
  let walk = select(all, vec4u(1u), kept);
  let begin = vec4u(item / count.w / count.z / count.y, item / count.w / count.z % count.y, item / count.w % count.z, item % count.w);
  var sums: array<vec4f, 16>;
  for (var b = begin.x; b < begin.x + walk.x; b++) {
    let batch = batchAt(b);
    for (var h = begin.y; h < begin.y + walk.y; h++) {
      for (var row = begin.z; row < begin.z + walk.z; row++) {
        let group = params.h / params.hkv;
        var tile = tileAt(batch, h / group, 0u, row * ROWS, ROWS);
        tile.head = h;
        for (var key = begin.w; key < begin.w + walk.w; key++) {
          let j = key * KEYS;
          if (isEmpty(tile, j, KEYS)) { continue; }
          let full = isFull(tile, j, KEYS);
          var ds = gradientOf(tile, j, full, true).ds;
          for (var i = 0u; i < 2u * ROWS; i++) { sums[i] += ds[i]; }
        }
      }
    }
  }
  store(begin, kept, sums);
}

fn store(at: vec4u, kept: vec4<bool>, x: array<vec4f, 16>) {
  var sums = x;
  if (!kept.z) {
    for (var r = 1u; r < ROWS; r++) {
      sums[0] += sums[2u * r];
      sums[1] += sums[2u * r + 1u];
    }
  }
  let rows = select(1u, min(ROWS, params.l - min(at.z * ROWS, params.l)), kept.z);
  for (var r = 0u; r < rows; r++) {
    let to = dot(params.maskAt, vec4u(at.xy, at.z * ROWS + r, at.w * KEYS));
    let half = array<vec4f, 2>(sums[2u * r], sums[2u * r + 1u]);
    if (!kept.w) {
      let sum = half[0] + half[1];
      dmask[to] = Scalar((sum.x + sum.y) + (sum.z + sum.w));
      continue;
    }
    for (var c = 0u; c < min(KEYS, params.s - at.w * KEYS); c++) {
      var four = half;
      dmask[to + c * params.maskAt.w] = Scalar(four[c / 4u][c % 4u]);
    }
  }
}
