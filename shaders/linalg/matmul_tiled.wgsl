// The tiled product of matmul_tiled.inc.wgsl for any N.
#include "linalg/matmul_tiled.inc.wgsl"
#include "linalg/matmul_store.inc.wgsl"
