// The index of this invocation when workgroups are folded into two dimensions (see `grid` in src/runtime/kernel.ts).
fn linearIndex(wid: vec3u, nwg: vec3u, lid: u32, wg: u32) -> u32 {
  return (wid.y * nwg.x + wid.x) * wg + lid;
}
