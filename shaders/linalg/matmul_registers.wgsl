// The product in registers of matmul_registers.inc.wgsl, each invocation by itself.
#include "linalg/matmul_registers.inc.wgsl"
#include "linalg/matmul_store.inc.wgsl"

const SHARERS = 1u;

fn blockA(lines: vec4u, lane: u32) -> mat4x4f { return readA(lines); }
