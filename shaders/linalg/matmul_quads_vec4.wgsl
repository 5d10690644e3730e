// The product in registers of matmul_registers.inc.wgsl, read by quads, where N is a multiple of 4: C is written by vec4.
enable subgroups;
diagnostic(off, subgroup_uniformity); // neighbours along N leave every branch and loop together
#include "linalg/matmul_registers.inc.wgsl"
#include "linalg/matmul_quads.inc.wgsl"
#include "linalg/matmul_store_vec4.inc.wgsl"
