// Which element of x lies at an element of y, a larger array in which element j of an axis of x is at `begin + step * j`; elsewhere y has one value.
override RANK: u32 = 8;
override WHOLE: bool = false; // the value is params.whole, not params.value: integers that f32 cannot hold

// Innermost axis first. `axes`: size, begin, step and count. A negative step is a positive one from the other end, with x read backwards.
struct Params { size: u32, offset: u32, value: f32, whole: i32, axes: array<vec4u, 8>, strides: array<vec4u, 2> }
@group(0) @binding(0) var<uniform> params: Params;

struct Placed { at: u32, inside: bool }

// Element i of y along all axes from `axis` on.
fn placedAt(i: u32, axis: u32) -> Placed {
  var rest = i;
  var p = Placed(params.offset, true);
  for (var d = axis; d < RANK; d++) {
    let a = params.axes[d];
    let q = rest / a.x;
    // Before `begin` the difference wraps to more than any axis can hold.
    let ahead = rest - q * a.x - a.y;
    let j = ahead / a.z;
    p.inside = p.inside && j < a.w && j * a.z == ahead;
    p.at += j * params.strides[d / 4u][d % 4u];
    rest = q;
  }
  return p;
}

fn emptyValue() -> Scalar {
  if (WHOLE) { return Scalar(params.whole); }
  return Scalar(params.value);
}
