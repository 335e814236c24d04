// CUDA's qualifiers for a host compiler. Blocks run one after the other, so a block's shared memory is a static variable;
// its tag lets the emulation find it, which fills it with NaNs at the start of every block.
#pragma once

#define __host__
#define __device__
#define __global__
#define __constant__
#define __managed__
#define __grid_constant__
#define __shared__ static __attribute__((abi_tag("shared_memory")))
#define __launch_bounds__(...)
#define __cluster_dims__(...)
#define __forceinline__ inline __attribute__((always_inline))
#define __align__(bytes) __attribute__((aligned(bytes)))
