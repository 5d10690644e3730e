// Softmax of rows of which each lane holds HELD quads in registers, so that x is read once. To be included after lib/online.inc.wgsl; includers say what
// quad k of a lane is and where it goes: load4(lane, k), which gives the mask value past the end, and store4(lane, k, v).
override HELD: u32 = 0; // at most 4; with 0 the row is read twice

// A lane's first element, the row's end, and the place of the former's mask.
struct Lane { at: u32, end: u32, seen: u32 }

fn softmax4(v: vec4f, scale: f32, logS: f32) -> vec4f {
  if (LOG) { return v - logS; }
  return exp(v) * scale;
}

fn softmaxHeld(own: Lane, lid: u32, lane: u32) {
  var b = vec4f();
  var c = vec4f();
  var d = vec4f();
  let a = load4(own, 0u);
  var pair = fold4(vec2f(FLOOR, 0.0), a);
  if (HELD > 1u) {
    b = load4(own, 1u);
    pair = fold4(pair, b);
  }
  if (HELD > 2u) {
    c = load4(own, 2u);
    pair = fold4(pair, c);
  }
  if (HELD > 3u) {
    d = load4(own, 3u);
    pair = fold4(pair, d);
  }
  pair = mergeLanes(pair, lid, lane);
  let scale = reciprocalSum(pair);
  let logS = logSum(pair);
  store4(own, 0u, softmax4(a - pair.x, scale, logS));
  if (HELD > 1u) { store4(own, 1u, softmax4(b - pair.x, scale, logS)); }
  if (HELD > 2u) { store4(own, 2u, softmax4(c - pair.x, scale, logS)); }
  if (HELD > 3u) { store4(own, 3u, softmax4(d - pair.x, scale, logS)); }
}
