// The operands of out[4 i] to out[4 i + 3], when a and b, arrays of vec4<Scalar>, are broadcast to the shape of out.
#include "lib/broadcast.inc.wgsl"

struct Operands { a: vec4<Scalar>, b: vec4<Scalar> }

// A number's place is left for the includer to fill in.
fn operandsAt(i: u32) -> Operands {
  var o: Operands;
  if (RANK == 0) {
    if (NUMBER != 1) { o.a = a[i]; }
    if (NUMBER != 2) { o.b = b[i]; }
    return o;
  }
  let p = operandsOf(i * 4);
  let q = operandsOf(i * 4 + 1);
  let r = operandsOf(i * 4 + 2);
  let s = operandsOf(i * 4 + 3);
  o.a = vec4<Scalar>(a[p.x / 4][p.x % 4], a[q.x / 4][q.x % 4], a[r.x / 4][r.x % 4], a[s.x / 4][s.x % 4]);
  o.b = vec4<Scalar>(b[p.y / 4][p.y % 4], b[q.y / 4][q.y % 4], b[r.y / 4][r.y % 4], b[s.y / 4][s.y % 4]);
  return o;
}
