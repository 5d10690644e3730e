// Which element of x lies at an element of y, a larger array in which element j of an axis of x is at `begin + step * j`; elsewhere y has one value.
override RANK: u32 = 8;
override WHOLE: bool = false; // the value is params.whole, not params.value: integers that f32 cannot hold

// Innermost axis first. `axes`: size, begin, step and count. A negative step is a positive one from the other end, with x read backwards.
struct Params { size: u32, offset: u32, value: f32, whole: i32, axes: array<vec4u, 8>, strides: array<vec4u, 2> }
@group(0) @binding(0) var<uniform> params: Params;

struct Placed { rest: u32, at: u32, inside: bool }

// Past an axis.
fn outward(p: Placed, a: vec4u, stride: u32) -> Placed {
  let q = p.rest / a.x;
  // Before `begin` the difference wraps to more than any axis can hold.
  let ahead = p.rest - q * a.x - a.y;
  var j = ahead;
  if (a.z != 1u) { j = ahead / a.z; }
  return Placed(q, p.at + j * stride, p.inside && j < a.w && j * a.z == ahead);
}

// Element i of y along all axes but the innermost ones that are `past` already. Written out rather than looped, as in broadcast.inc.wgsl.
fn placedAt(i: u32, past: u32) -> Placed {
  var p = Placed(i, params.offset, true);
  if (past == 0u) { p = outward(p, params.axes[0], params.strides[0].x); }
  if (RANK > 1u) { p = outward(p, params.axes[1], params.strides[0].y); }
  if (RANK > 2u) { p = outward(p, params.axes[2], params.strides[0].z); }
  if (RANK > 3u) { p = outward(p, params.axes[3], params.strides[0].w); }
  if (RANK > 4u) { p = outward(p, params.axes[4], params.strides[1].x); }
  if (RANK > 5u) { p = outward(p, params.axes[5], params.strides[1].y); }
  if (RANK > 6u) { p = outward(p, params.axes[6], params.strides[1].z); }
  if (RANK > 7u) { p = outward(p, params.axes[7], params.strides[1].w); }
  return p;
}

fn emptyValue() -> Scalar {
  if (WHOLE) { return Scalar(params.whole); }
  return Scalar(params.value);
}
