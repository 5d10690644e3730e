// The gradients of q, k and v in one for GPUs, where a head has one tile of rows and one of keys: a workgroup has the heads that share keys, and
// computes P and dS of each once.
// flops: 8 * (items - first) * l * h / hkv * s * (3 * d4 + 2 * dv4)
#include "lib/attention.inc.wgsl"
#include "lib/attention_tiles.inc.wgsl"
#include "lib/attention_gradient_products.inc.wgsl"
#include "lib/attention_gradient_tiled.inc.wgsl"

alias Out = f32; // dtype

@group(0) @binding(8) var<storage, read_write> grads: array<vec4<Out>>; // dQ as q; from params.part on dK as k; params.dvAt behind it dV as v

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) index: u32) {
  let item = params.first + wid.y * nwg.x + wid.x;
  if (item >= params.items) { return; }
  let hkv = item % params.hkv;
  let batch = batchAt(item / params.hkv);
  let lx = index % LX;
  let ly = index / LX;
  let linesK = keyLines(batch, hkv, index / DEPTH, STEP, params.kAt);
  let linesV = keyLines(batch, hkv, index / DEPTH, STEP, params.vAt);
  var sumsK: Sums; // columns are keys
  var sumsV: Sums;
  for (var turn = 0u; turn < params.loops; turn++) {
    let tile = tileAt(batch, hkv, turn, 0u, TILE);
    var sums = Sums(); // columns are rows of queries
    if (!isEmpty(tile, 0u, TILE)) {
      let whole = isWhole(tile, 0u);
      let scores = dotsQK(linesOf(tile, index / DEPTH, STEP, params.qAt), linesK, index);
      let dp = dotsOV(linesOf(tile, index / DEPTH, STEP, params.oAt), linesV, index);
      let g = gradientOf(tile, 4u * lx, whole, scores, dp, ly);
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
      for (var k0 = 0u; k0 < TILE; k0 += CHUNK) {
        workgroupBarrier(); // all are done with the last chunk
        for (var i = index; i < CHUNK * WIDTH; i += WG) {
          let d = i % WIDTH;
          var x = vec4f();
          if (d < params.d4) { x = vec4f(k[keyLine(batch, hkv, k0 + i / WIDTH, params.kAt) + d]); }
          tiles[i] = x;
        }
        workgroupBarrier(); // the chunk is complete
        addProducts(&sums, k0, false, whole, lx, ly);
      }
    }
    for (var m = 0u; m < MB; m++) {
      let r = 4u * ly + 32u * m;
      finishRow(&sums, m, 0u, tile, r, lx);
      finishRow(&sums, m, 1u, tile, r + 1u, lx);
      finishRow(&sums, m, 2u, tile, r + 2u, lx);
      finishRow(&sums, m, 3u, tile, r + 3u, lx);
    }
  }
  for (var m = 0u; m < MB; m++) {
    let key = vec3u(batch.b, hkv, 4u * ly + 32u * m);
    finishKey(&sumsK, &sumsV, m, 0u, key, lx);
    finishKey(&sumsK, &sumsV, m, 1u, key + vec3u(0u, 0u, 1u), lx);
    finishKey(&sumsK, &sumsV, m, 2u, key + vec3u(0u, 0u, 2u), lx);
    finishKey(&sumsK, &sumsV, m, 3u, key + vec3u(0u, 0u, 3u), lx);
  }
}

fn finishRow(sums: ptr<function, Sums>, m: u32, i: u32, tile: Tile, r: u32, lx: u32) {
  if (r >= params.span) { return; }
  let to = dot(params.qAt.xyz, vec3u(tile.batch.b, rowAt(tile, r)));
  for (var c = 0u; c < COLUMNS; c++) {
    let d = c * LX + lx;
    if (d < params.d4) { grads[to + d] = vec4<Out>((*sums)[m * COLUMNS + c][i]); }
  }
}
fn finishKey(sumsK: ptr<function, Sums>, sumsV: ptr<function, Sums>, m: u32, i: u32, key: vec3u, lx: u32) {
  if (key.z >= params.s) { return; }
  let toK = params.part + dot(params.kAt.xyz, key);
  let toV = params.part + params.dvAt + dot(params.vAt.xyz, key);
  for (var c = 0u; c < COLUMNS; c++) {
    let d = c * LX + lx;
    if (d < params.d4) { grads[toK + d] = vec4<Out>((*sumsK)[m * COLUMNS + c][i]); }
    if (d < params.dv4) { grads[toV + d] = vec4<Out>((*sumsV)[m * COLUMNS + c][i]); }
  }
}
