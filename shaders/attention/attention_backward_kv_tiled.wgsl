// attention_backward_kv.wgsl for GPUs: a workgroup has a tile of keys and walks over the rows, a tile at a time.
// flops: 512 * MB * (items - first) / splits * l * h / hkv * (d4 + dv4)
#include "lib/attention.inc.wgsl"
#include "lib/attention_tiles.inc.wgsl"
#include "lib/attention_gradient_products.inc.wgsl"
#include "lib/attention_gradient_tiled.inc.wgsl"

alias Out = f32; // dtype

@group(0) @binding(8) var<storage, read_write> dkv: array<vec4<Out>>; // dK as k, then from params.dvAt on dV as v; of splits so many

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) index: u32) {
  let item = params.first + wid.y * nwg.x + wid.x;
  if (item >= params.items) { return; }
  let split = item % params.splits;
  let blocks = (params.s + TILE - 1u) / TILE;
  let j = item / params.splits % blocks * TILE;
  let kv = item / params.splits / blocks;
  let hkv = kv % params.hkv;
  let batch = batchAt(kv / params.hkv);
  let lx = index % LX;
  let ly = index / LX;
  let linesK = keyLines(batch, hkv, j + index / DEPTH, STEP, params.kAt);
  let linesV = keyLines(batch, hkv, j + index / DEPTH, STEP, params.vAt);
  var sumsK: Sums; // columns are keys
  var sumsV: Sums;
  var span = vec2u(0u, params.span);
  if (params.span <= params.l) {
    let begin = u32(clamp(i32(j) - batch.offset - params.right, 0, i32(params.l)));
    let end = u32(clamp(i32(j + TILE) - batch.offset + params.left, 0, i32(batch.queries)));
    span = vec2u(begin / TILE * TILE, end);
  }
  span = shareOf(span, split);
  for (var turn = 0u; turn < params.loops; turn++) {
    for (var row = span.x; row < span.y; row += TILE) {
      let tile = tileAt(batch, hkv, turn, row, TILE);
      if (isEmpty(tile, j, TILE)) { continue; }
      let whole = isWhole(tile, j);
      let scores = dotsQK(linesOf(tile, index / DEPTH, STEP, params.qAt), linesK, index);
      let dp = dotsOV(linesOf(tile, index / DEPTH, STEP, params.oAt), linesV, index);
      let g = gradientOf(tile, j + 4u * lx, whole, scores, dp, ly);
      putWeights(g.p, lx, ly);
      for (var k0 = 0u; k0 < TILE; k0 += CHUNK) {
        workgroupBarrier(); // all are done with the last tiles
        for (var i = index; i < CHUNK * WIDTH; i += WG) {
          let d = i % WIDTH;
          var x = vec4f();
          if (d < params.dv4) { x = vec4f(dO[lineOf(tile, k0 + i / WIDTH, params.oAt) + d]); }
          tiles[i] = x;
        }
        workgroupBarrier(); // the weights and the chunk are complete
        addProducts(&sumsV, k0, true, whole, lx, ly);
      }
      workgroupBarrier(); // all are done with P
      putWeights(g.ds, lx, ly);
      for (var k0 = 0u; k0 < TILE; k0 += CHUNK) {
        if (k0 > 0u) { workgroupBarrier(); } // all are done with the last chunk
        for (var i = index; i < CHUNK * WIDTH; i += WG) {
          let d = i % WIDTH;
          var x = vec4f();
          if (d < params.d4) { x = vec4f(q[lineOf(tile, k0 + i / WIDTH, params.qAt) + d]); }
          tiles[i] = x;
        }
        workgroupBarrier(); // dS and the chunk are complete
        addProducts(&sumsK, k0, true, whole, lx, ly);
      }
    }
  }
  for (var m = 0u; m < MB; m++) {
    let key = vec3u(batch.b, hkv, j + 4u * ly + 32u * m);
    finishKey(&sumsK, &sumsV, m, 0u, key, split, lx);
    finishKey(&sumsK, &sumsV, m, 1u, key + vec3u(0u, 0u, 1u), split, lx);
    finishKey(&sumsK, &sumsV, m, 2u, key + vec3u(0u, 0u, 2u), split, lx);
    finishKey(&sumsK, &sumsV, m, 3u, key + vec3u(0u, 0u, 3u), split, lx);
  }
}

fn finishKey(sumsK: ptr<function, Sums>, sumsV: ptr<function, Sums>, m: u32, i: u32, key: vec3u, split: u32, lx: u32) {
  if (key.z >= params.s) { return; }
  let toK = split * params.part + dot(params.kAt.xyz, key);
  let toV = split * params.part + params.dvAt + dot(params.vAt.xyz, key);
  for (var c = 0u; c < COLUMNS; c++) {
    let d = c * LX + lx;
    if (d < params.d4) { dkv[toK + d] = vec4<Out>((*sumsK)[m * COLUMNS + c][i]); }
    if (d < params.dv4) { dkv[toV + d] = vec4<Out>((*sumsV)[m * COLUMNS + c][i]); }
  }
}
