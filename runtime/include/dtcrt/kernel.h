// Fused kernels: a body written by the compiler for one element, and launch(ctx, grid(...), body), which is loops on the host
// and a grid of threads on a GPU.
//
//   struct bias_relu {
//     Read<f32> in0, in1;
//     Write<f32> out;
//     static constexpr int lanes = 4; // GPU alone: elements of a thread; sizes, strides and offsets are multiples of it
//     DTC_HOST_DEVICE void operator()(index i0, auto i1) const {
//       const auto t0 = in0[i0 * 3072 + i1] + in1[i1];
//       out[i0 * 3072 + i1] = select(t0 > 0.0f, t0, 0.0f);
//     }
//   };
#pragma once

#include "dtcrt/access.h"
#include "dtcrt/grid.h"
#include "dtcrt/lanes.h"
#include "dtcrt/scalars.h"

#ifdef DTCRT_CUDA
#include <cuda_runtime.h>
#ifdef __launch_bounds__ // a compiler that knows kernels: nvcc, or the host's with an emulation
#include "dtcrt/kernel_grid.h"
#endif
#else
#include "dtcrt/kernel_loop.h"
#endif
