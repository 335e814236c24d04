// What a kernel sees of its block: its indices, barriers, warp votes and shuffles.
#pragma once

#include "vector_types.h"

#include <cstring>
#include <source_location>
#include <type_traits>

/// Set by the scheduler before it advances a thread.
extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;
inline constexpr int warpSize = 32;

namespace cuda_emulation {

using Where = std::source_location;

enum class Vote { count, all, any };
/// Waits for all threads of the block; the vote over their predicates.
int barrier(Vote vote, bool predicate, const Where &where);

/// Waits for all lanes of the mask. Returns the value of lane `source`; `ballot` is the lanes whose predicate holds.
struct WarpResult {
  unsigned long long value;
  unsigned ballot;
};
WarpResult warp(const char *operation, unsigned mask, unsigned long long value, int source, bool predicate, const Where &where);
unsigned lane();
unsigned active_lanes();

template <class T> T shuffle(const char *operation, unsigned mask, T value, int source, const Where &where) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 8, "shuffles move values of up to 8 bytes");
  unsigned long long bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  bits = warp(operation, mask, bits, source, false, where).value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

} // namespace cuda_emulation

#define EMULATION_WHERE const cuda_emulation::Where &where = cuda_emulation::Where::current()

inline void __syncthreads(EMULATION_WHERE) { cuda_emulation::barrier(cuda_emulation::Vote::count, false, where); }
inline int __syncthreads_count(int predicate, EMULATION_WHERE) { return cuda_emulation::barrier(cuda_emulation::Vote::count, predicate != 0, where); }
inline int __syncthreads_and(int predicate, EMULATION_WHERE) { return cuda_emulation::barrier(cuda_emulation::Vote::all, predicate != 0, where); }
inline int __syncthreads_or(int predicate, EMULATION_WHERE) { return cuda_emulation::barrier(cuda_emulation::Vote::any, predicate != 0, where); }

inline void __syncwarp(unsigned mask = 0xffffffffu, EMULATION_WHERE) { cuda_emulation::warp("__syncwarp", mask, 0, -1, false, where); }
inline unsigned __ballot_sync(unsigned mask, int predicate, EMULATION_WHERE) {
  return cuda_emulation::warp("__ballot_sync", mask, 0, -1, predicate != 0, where).ballot;
}
inline int __any_sync(unsigned mask, int predicate, EMULATION_WHERE) {
  return cuda_emulation::warp("__any_sync", mask, 0, -1, predicate != 0, where).ballot != 0;
}
inline int __all_sync(unsigned mask, int predicate, EMULATION_WHERE) {
  return cuda_emulation::warp("__all_sync", mask, 0, -1, predicate != 0, where).ballot == mask;
}
inline unsigned __activemask() { return cuda_emulation::active_lanes(); }

// A lane that asks beyond its segment of `width` lanes gets its own value, as on the device.
template <class T> T __shfl_sync(unsigned mask, T value, int source, int width = warpSize, EMULATION_WHERE) {
  const int own = static_cast<int>(cuda_emulation::lane());
  return cuda_emulation::shuffle("__shfl_sync", mask, value, (own & ~(width - 1)) | (source & (width - 1)), where);
}
template <class T> T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = warpSize, EMULATION_WHERE) {
  const int own = static_cast<int>(cuda_emulation::lane()), from = own + static_cast<int>(delta);
  return cuda_emulation::shuffle("__shfl_down_sync", mask, value, (own & (width - 1)) + static_cast<int>(delta) < width ? from : own, where);
}
template <class T> T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = warpSize, EMULATION_WHERE) {
  const int own = static_cast<int>(cuda_emulation::lane()), from = own - static_cast<int>(delta);
  return cuda_emulation::shuffle("__shfl_up_sync", mask, value, (own & (width - 1)) >= static_cast<int>(delta) ? from : own, where);
}
template <class T> T __shfl_xor_sync(unsigned mask, T value, int lanes, int width = warpSize, EMULATION_WHERE) {
  const int own = static_cast<int>(cuda_emulation::lane()), from = own ^ lanes;
  return cuda_emulation::shuffle("__shfl_xor_sync", mask, value, from / width <= own / width ? from : own, where);
}

inline void __threadfence() {}
inline void __threadfence_block() {}
inline void __threadfence_system() {}

#undef EMULATION_WHERE
