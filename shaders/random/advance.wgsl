// state = state + 1, in place. One invocation.
@group(0) @binding(1) var<storage, read_write> state: array<u32>; // [1]

@compute @workgroup_size(1)
fn main() {
  state[0] += 1u;
}
