// dQ = dS K, with dS = P (dO V^T - delta) computed again from Q, K and the saved statistics (Dao et al.: FlashAttention, arXiv:2205.14135,
// algorithm 4, the sum over keys by one invocation instead of atomics). An invocation has 4 MB rows of queries and walks over the keys.
// flops: 32 * MB * (items - first) * s * (2 * d4 + dv4)
#include "lib/attention.inc.wgsl"
#include "lib/attention_registers.inc.wgsl"
#include "lib/attention_gradient.inc.wgsl"

const D4: u32 = 16; // tunable; D / 4

@group(0) @binding(8) var<storage, read_write> dq: array<vec4<Scalar>>; // as q

var<private> sums: array<mat4x4f, MB * D4>; // of dQ, columns are rows of queries

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let item = params.first + linearIndex(wid, nwg, lid, WG);
  if (item >= params.items) { return; }
  let tile = tileOf(item, ROWS);
  let range = keysOf(tile.batch, tile.low, tile.high, KEYS);
  for (var j = range.x; j < range.y; j += KEYS) {
    if (isHidden(tile, j, KEYS)) { continue; }
    let full = isFull(tile, j, KEYS);
    var rows = gradientOf(tile, j, full, false).ds;
    let ds = blockOf(rows);
    var ka = keyLines(tile.batch, tile.hkv, j, params.kAt);
    var kb = keyLines(tile.batch, tile.hkv, j + 4u, params.kAt);
    for (var d = 0u; d < D4; d++) {
      let k0 = readK(ka);
      let k1 = readK(kb);
      ka += 1u;
      kb += 1u;
      if (!full && !areFinite(k0, k1)) {
        for (var r = 0u; r < ROWS; r++) { sums[r / 4u * D4 + d][r % 4u] += weighted(k0, k1, rows[2u * r], rows[2u * r + 1u]); }
        continue;
      }
      sums[d] = sums[d] + k0 * ds.aa + k1 * ds.ab;
      if (MB > 1u) { sums[D4 + d] = sums[D4 + d] + k0 * ds.ba + k1 * ds.bb; }
    }
  }
  for (var r = 0u; r < min(ROWS, params.span - tile.row); r++) {
    let to = dot(params.qAt.xyz, vec3u(tile.batch.b, rowAt(tile, r)));
    for (var d = 0u; d < D4; d++) { dq[to + d] = vec4<Scalar>(sums[r / 4u * D4 + d][r % 4u]); }
  }
}
