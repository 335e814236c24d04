// Handles, tuned plans and converted parameters live beside the plans of calls.
#include "cuda/Libraries.h"
#include "dtcrt/movement.h"

#include <utility>

namespace dtcrt {

namespace {

enum : i64 { key_cudnn = 1, key_cublas_lt, key_cache, key_filter };

struct CudnnHandle : Made {
  Cudnn cudnn;
  explicit CudnnHandle(CUstream_st *stream) : cudnn(stream) {}
};

struct CublasLtHandle : Made {
  CublasLt lt;
};

struct Answers : Made {
  PlanCache cache;
  explicit Answers(PlanCache cache) : cache(std::move(cache)) {}
};

struct Filter : Made {
  void *data = nullptr;
  bool is_made = false;
  std::uint64_t generation = 0;

  Filter() = default;
  Filter(Filter &&other) noexcept : data(std::exchange(other.data, nullptr)) {}
  ~Filter() override { static_cast<void>(cudaFree(data)); }
};

std::string device_name(int device) {
  cudaDeviceProp properties;
  device::check(cudaGetDeviceProperties(&properties, device), "describe the GPU");
  return properties.name;
}

} // namespace

Cudnn &cudnn(Context &ctx) {
  Context::Backend &backend = ctx.backend();
  return backend.made.get<CudnnHandle>(Key(key_cudnn), [&] { return CudnnHandle(backend.compute); }).cudnn;
}

CublasLt &cublas_lt(Context &ctx) {
  return ctx.backend().made.get<CublasLtHandle>(Key(key_cublas_lt), [] { return CublasLtHandle(); }).lt;
}

PlanCache &plan_cache(Context &ctx, const std::string &version) {
  Context::Backend &backend = ctx.backend();
  Key key(key_cache);
  for (const char c : version)
    key << i64(c);
  return backend.made.get<Answers>(key, [&] {
    return Answers(PlanCache(PlanCache::default_folder(), version + " " + device_name(backend.device)));
  }).cache;
}

template <class T> Tensor<T> channels_last_filter(Context &ctx, const Tensor<T> &w) {
  Context::Backend &backend = ctx.backend();
  Key key(key_filter);
  key << reinterpret_cast<i64>(w.data()) << i64(element_of<T>) << w;
  Filter &filter = backend.made.get<Filter>(key, [&] {
    Filter made;
    device::check(cudaMalloc(&made.data, w.bytes()), "allocate memory for converted weights");
    return made;
  });
  const Tensor<T> converted(static_cast<T *>(filter.data), w.shape(), channels_last);
  const auto parameter = backend.generations.find(w.data());
  const bool kept = parameter != backend.generations.end();
  if (kept && filter.is_made && filter.generation == parameter->second)
    return converted;
  copy(ctx, w, converted);
  filter.is_made = true;
  if (kept)
    filter.generation = parameter->second;
  return converted;
}

template Tensor<f32> channels_last_filter(Context &, const Tensor<f32> &);
template Tensor<bf16> channels_last_filter(Context &, const Tensor<bf16> &);

} // namespace dtcrt
