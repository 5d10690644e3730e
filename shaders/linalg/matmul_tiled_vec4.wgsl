// The tiled product of matmul_tiled.inc.wgsl where N is a multiple of 4: C is written by vec4.
#include "linalg/matmul_tiled.inc.wgsl"
#include "linalg/matmul_store_vec4.inc.wgsl"
