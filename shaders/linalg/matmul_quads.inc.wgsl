// A block of A read by four neighbours along N together, a line each: a load costs a CPU's adapter ten multiply-adds, a broadcast two. Only for
// adapters whose subgroups are runs of neighbours.
const SHARERS = 4u;

fn blockA(lines: vec4u, lane: u32) -> mat4x4f {
  if (ONE_ROW) { return readA(lines); }
  let line = lines[lane % 4u];
  var own: vec4f;
  if (A_VEC4) { own = vec4f(a4[line]); } else { own = fourA(line); }
  let x = mat4x4f(quadBroadcast(own, 0u), quadBroadcast(own, 1u), quadBroadcast(own, 2u), quadBroadcast(own, 3u));
  if (A_VEC4 && A_BY_M) { return transpose(x); }
  return x;
}
