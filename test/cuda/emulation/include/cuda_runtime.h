// A stand-in for the CUDA runtime, for a host compiler: kernels run on the CPU, a block's threads as fibres. For tests.
#pragma once

#include "cuda_runtime_api.h"
#include "device_atomics.h"
#include "device_math.h"
#include "device_qualifiers.h"
#include "device_threads.h"
#include "vector_types.h"
