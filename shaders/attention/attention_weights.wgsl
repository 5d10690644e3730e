// The weights before dropout, P = exp(S - maximum) / sum, from the statistics of the forward pass. An invocation has a block of 4 MB rows of
// queries and eight keys.
// flops: 256 * MB * (items - first) * d4
#include "lib/attention.inc.wgsl"
#include "lib/attention_registers.inc.wgsl"

@group(0) @binding(5) var<storage, read> stats: array<vec2f>;              // [B, H, L], of attention_forward.wgsl
@group(0) @binding(6) var<storage, read_write> weights: array<Scalar>;     // [B, H, L, S]

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let item = params.first + linearIndex(wid, nwg, lid, WG);
  if (item >= params.items) { return; }
  let blocks = (params.s + KEYS - 1u) / KEYS;
  let j = item % blocks * KEYS;
  let tile = tileOf(item / blocks, ROWS);
  var p: array<vec4f, 16>;
  if (!isEmpty(tile, j, KEYS)) {
    let ka = keyLines(tile.batch, tile.hkv, j, params.kAt);
    let kb = keyLines(tile.batch, tile.hkv, j + 4u, params.kAt);
    p = rowsOf(dotsQK(linesOf(tile, 0u, params.qAt), linesOf(tile, 4u, params.qAt), ka, kb));
  }
  for (var i = 0u; i < 2u * min(ROWS, params.span - tile.row); i++) {
    let row = rowAt(tile, i / 2u);
    let at = j + i % 2u * 4u;
    let stat = stats[rowIndex(tile.batch, row)];
    let score = scoresOf(p[i], tile.batch, row, at).x;
    let hidden = !seen(tile.batch, row, at) | (score <= vec4f(FLOOR)) | vec4<bool>(stat.y == 0.0);
    let weight = select(exp(score - stat.x) / stat.y, vec4f(), hidden);
    let to = rowIndex(tile.batch, row) * params.s + at;
    for (var c = 0u; c < min(4u, params.s - min(at, params.s)); c++) { weights[to + c] = Scalar(weight[c]); }
  }
}
