// Marks functions that the host and kernels call alike.
#pragma once

#ifdef __CUDACC__
#define DTCRT_HOST_DEVICE __host__ __device__
#else
#define DTCRT_HOST_DEVICE
#endif
