// Where the operands of out[i] lie when a and b are broadcast to the shape of out. Includers declare params with shape, aStrides and
// bStrides, innermost first. Written out rather than looped: indices that are not constant make it four times slower on a CPU.
override RANK: u32 = 0;   // loops over out; 0 where nothing broadcasts and i itself serves for all
override NUMBER: u32 = 0; // 1: a is params.value for all elements; 2: b is

struct Walk { rest: u32, at: vec2u }

fn inward(w: Walk, n: u32, aStride: u32, bStride: u32) -> Walk {
  let outer = w.rest / n;
  return Walk(outer, w.at + (w.rest - outer * n) * vec2u(aStride, bStride));
}

fn operandsOf(i: u32) -> vec2u {
  var w = Walk(i, vec2u(0, 0));
  if (RANK > 1) { w = inward(w, params.shape[0].x, params.aStrides[0].x, params.bStrides[0].x); }
  if (RANK > 2) { w = inward(w, params.shape[0].y, params.aStrides[0].y, params.bStrides[0].y); }
  if (RANK > 3) { w = inward(w, params.shape[0].z, params.aStrides[0].z, params.bStrides[0].z); }
  if (RANK > 4) { w = inward(w, params.shape[0].w, params.aStrides[0].w, params.bStrides[0].w); }
  if (RANK > 5) { w = inward(w, params.shape[1].x, params.aStrides[1].x, params.bStrides[1].x); }
  if (RANK > 6) { w = inward(w, params.shape[1].y, params.aStrides[1].y, params.bStrides[1].y); }
  if (RANK > 7) { w = inward(w, params.shape[1].z, params.aStrides[1].z, params.bStrides[1].z); }
  let last = max(RANK, 1) - 1;
  return w.at + w.rest * vec2u(params.aStrides[last / 4][last % 4], params.bStrides[last / 4][last % 4]);
}
