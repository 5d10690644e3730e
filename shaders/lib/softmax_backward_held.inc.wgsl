// The backward of softmax, four elements at a time; and for rows of which each lane holds HELD quads in registers, so that y and dy are read once. To be
// included after lib/lane_sums.inc.wgsl and lib/softmax_terms.inc.wgsl; includers say what quad k of a lane is and where it goes: y4(lane, k), past the
// end 0 (LOG: the mask value), dy4(lane, k), past the end 0, and store4(lane, k, v).
override HELD: u32 = 0; // at most 4; with 0 the rows are read twice

// A lane's first element, and the row's end.
struct Lane { at: u32, end: u32 }

fn term4(y: vec4f, dy: vec4f) -> vec2f {
  if (LOG) { return vec2f((dy.x + dy.y) + (dy.z + dy.w), select(1.0, 0.0, all(y <= vec4f(-3.3e38)))); }
  var v = y * dy;
  if (MASK) { v = select(v, vec4f(0.0), y == vec4f(0.0)); }
  return vec2f((v.x + v.y) + (v.z + v.w), 0.0);
}

fn slope4(y: vec4f, dy: vec4f, sums: vec2f) -> vec4f {
  if (LOG) { return params.scale * select(vec4f(0.0), dy - exp(y) * sums.x, sums.y > 0.0); }
  let v = params.scale * y * (dy - sums.x);
  if (MASK) { return select(v, vec4f(0.0), y == vec4f(0.0)); }
  return v;
}

fn backwardHeld(own: Lane, lid: u32, lane: u32) {
  var b = vec4f();
  var c = vec4f();
  var d = vec4f();
  var bUp = vec4f();
  var cUp = vec4f();
  var dUp = vec4f();
  let a = y4(own, 0u);
  let aUp = dy4(own, 0u);
  var sums = term4(a, aUp);
  if (HELD > 1u) {
    b = y4(own, 1u);
    bUp = dy4(own, 1u);
    sums += term4(b, bUp);
  }
  if (HELD > 2u) {
    c = y4(own, 2u);
    cUp = dy4(own, 2u);
    sums += term4(c, cUp);
  }
  if (HELD > 3u) {
    d = y4(own, 3u);
    dUp = dy4(own, 3u);
    sums += term4(d, dUp);
  }
  sums = sumLanes(sums, lid, lane);
  store4(own, 0u, slope4(a, aUp, sums));
  if (HELD > 1u) { store4(own, 1u, slope4(b, bUp, sums)); }
  if (HELD > 2u) { store4(own, 2u, slope4(c, cUp, sums)); }
  if (HELD > 3u) { store4(own, 3u, slope4(d, dUp, sums)); }
}
