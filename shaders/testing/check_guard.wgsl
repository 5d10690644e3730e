// flags[slot] = 1 when a guard word has changed. One invocation.
struct Params { words: u32, total: u32, guard: u32, slot: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;             // [total]: words of data, then the guard
@group(0) @binding(2) var<storage, read_write> flags: array<u32>;   // [slots]

@compute @workgroup_size(1)
fn main() {
  for (var i = params.words; i < params.total; i++) {
    if (x[i] != params.guard) { flags[params.slot] = 1u; }
  }
}
