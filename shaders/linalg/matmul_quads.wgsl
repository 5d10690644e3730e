// The product in registers of matmul_registers.inc.wgsl, read by quads, for any N.
enable subgroups;
diagnostic(off, subgroup_uniformity); // neighbours along N leave every branch and loop together
#include "linalg/matmul_registers.inc.wgsl"
#include "linalg/matmul_quads.inc.wgsl"
#include "linalg/matmul_store.inc.wgsl"
