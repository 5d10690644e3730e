// C by vec4, for rows of a multiple of four numbers.
@group(0) @binding(6) var<storage, read_write> c: array<vec4<Out>>; // [batch, M, N], or [splits, batch, M, N] of partial sums

fn store4(i: u32, n: u32, v: vec4f) { c[i / 4u] = vec4<Out>(v); }
