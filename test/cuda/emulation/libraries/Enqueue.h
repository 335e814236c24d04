// The way from a stand-in for one of NVIDIA's libraries into a stream of the emulation. What these files compile against are NVIDIA's own
// headers, which declare the same streams: the emulation's headers are not seen beside them.
#pragma once

#include <driver_types.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <stdexcept>

namespace cuda_emulation {

enum Status : int {};
/// As in cuda_runtime_api.h of the emulation, whose errors are numbers to callers from here.
Status enqueue(cudaStream_t stream, std::function<void()> work);
/// Work that may have to wait for another process: false until it is done. It is asked again, and in a graph anew at each launch.
Status enqueue_communication(cudaStream_t stream, std::function<bool()> work);

/// As tensor cores read f32: ten bits of the fraction, to nearest.
inline float rounded_to_tf32(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  if ((bits & 0x7F800000u) != 0x7F800000u)
    bits = (bits + 0xFFFu + (bits >> 13 & 1u)) & ~0x1FFFu;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

inline float from_bf16(std::uint16_t value) {
  const std::uint32_t bits = std::uint32_t(value) << 16;
  float result;
  std::memcpy(&result, &bits, sizeof result);
  return result;
}

inline std::uint16_t to_bf16(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  if (std::isnan(value))
    return static_cast<std::uint16_t>(bits >> 16 | 0x40);
  return static_cast<std::uint16_t>((bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16);
}

/// Elements of an array whose type is known when the program runs.
inline double element(const void *data, bool is_bf16, std::int64_t at) {
  return is_bf16 ? double(from_bf16(static_cast<const std::uint16_t *>(data)[at])) : double(static_cast<const float *>(data)[at]);
}
inline void set_element(void *data, bool is_bf16, std::int64_t at, double value) {
  if (is_bf16)
    static_cast<std::uint16_t *>(data)[at] = to_bf16(static_cast<float>(value));
  else
    static_cast<float *>(data)[at] = static_cast<float>(value);
}

/// Whether activations in the libraries make 0 of NaN, which their documentation leaves open: CUDA_EMULATION_NAN=dropped.
inline bool drops_nan() {
  const char *const text = std::getenv("CUDA_EMULATION_NAN");
  return text && !std::strcmp(text, "dropped");
}

/// What a library may leave in its workspace: a value that spoils every sum it gets into.
inline void spoil(void *workspace, std::size_t bytes) { std::memset(workspace, 0xFF, bytes); }

} // namespace cuda_emulation
