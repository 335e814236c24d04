// Descriptors, heuristics and timings of cuBLASLt.
#include "cuda/MatmulPlan.h"
#include "cuda/LibraryError.h"
#include "cuda/PlanCache.h"

#include <cublasLt.h>
#include <cuda_runtime_api.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <limits>
#include <vector>

namespace dtcrt {

namespace {

/// What NVIDIA recommends for Hopper; older GPUs use less.
constexpr std::size_t most_workspace = std::size_t(32) << 20;
/// Candidates that tuning times.
constexpr int most_candidates = 24;

void check(cublasStatus_t status, const char *what) {
  if (status != CUBLAS_STATUS_SUCCESS)
    throw LibraryError(std::string("cuBLASLt could not ") + what + ": " + cublasLtGetStatusString(status));
}
void check(cudaError_t status, const char *what) {
  if (status != cudaSuccess)
    throw LibraryError(std::string("CUDA could not ") + what + ": " + cudaGetErrorString(status));
}

/// Handles of cuBLASLt that free themselves.
template <class T, cublasStatus_t (*destroy)(T)> struct Owned {
  T handle = nullptr;
  Owned() = default;
  Owned(const Owned &) = delete;
  ~Owned() {
    if (handle)
      static_cast<void>(destroy(handle));
  }
};
using LayoutHandle = Owned<cublasLtMatrixLayout_t, cublasLtMatrixLayoutDestroy>;
using DescriptionHandle = Owned<cublasLtMatmulDesc_t, cublasLtMatmulDescDestroy>;
using PreferenceHandle = Owned<cublasLtMatmulPreference_t, cublasLtMatmulPreferenceDestroy>;

cudaDataType_t type_of(Element element) { return element == Element::f32 ? CUDA_R_32F : CUDA_R_16BF; }

/// `rows` and `columns` of what is multiplied.
void describe(LayoutHandle &layout, const Stored &stored, index rows, index columns, index batch) {
  if (stored.transposed)
    std::swap(rows, columns);
  check(cublasLtMatrixLayoutCreate(&layout.handle, type_of(stored.element), std::uint64_t(rows), std::uint64_t(columns), stored.leading),
        "describe a matrix");
  const auto set = [&](cublasLtMatrixLayoutAttribute_t attribute, auto value) {
    check(cublasLtMatrixLayoutSetAttribute(layout.handle, attribute, &value, sizeof value), "describe a matrix");
  };
  if (batch > 1) {
    set(CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, std::int32_t(batch));
    set(CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, std::int64_t(stored.batch_stride));
  }
}

bool takes_bias(const Product &p) { return p.bias || p.sums_a || p.sums_b || p.sums_d; }
bool takes_aux(const Product &p) { return p.writes_mask || p.drelu || p.dgelu; }

cublasLtEpilogue_t epilogue_of(const Product &p) {
  if (p.drelu)
    return p.sums_d ? CUBLASLT_EPILOGUE_DRELU_BGRAD : CUBLASLT_EPILOGUE_DRELU;
  if (p.dgelu)
    return p.sums_d ? CUBLASLT_EPILOGUE_DGELU_BGRAD : CUBLASLT_EPILOGUE_DGELU;
  if (p.sums_a || p.sums_b)
    return p.sums_a ? CUBLASLT_EPILOGUE_BGRADA : CUBLASLT_EPILOGUE_BGRADB;
  if (p.writes_mask)
    return p.bias ? CUBLASLT_EPILOGUE_RELU_AUX_BIAS : CUBLASLT_EPILOGUE_RELU_AUX;
  if (p.bias)
    return p.relu ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_BIAS;
  return p.relu ? CUBLASLT_EPILOGUE_RELU : CUBLASLT_EPILOGUE_DEFAULT;
}

/// An algorithm as digits: it may be stored for the same version of cuBLASLt and the same device.
std::string digits(const cublasLtMatmulAlgo_t &algorithm) {
  std::string text;
  for (const std::uint64_t word : algorithm.data) {
    char part[17];
    std::snprintf(part, sizeof part, "%016llx", static_cast<unsigned long long>(word));
    text += part;
  }
  return text;
}

bool read_digits(const std::string &text, cublasLtMatmulAlgo_t &algorithm) {
  constexpr std::size_t words = std::size(decltype(algorithm.data){});
  if (text.size() != words * 16 || text.find_first_not_of("0123456789abcdef") != std::string::npos)
    return false;
  for (std::size_t i = 0; i < words; ++i)
    algorithm.data[i] = std::stoull(text.substr(i * 16, 16), nullptr, 16);
  return true;
}

struct Event {
  cudaEvent_t handle = nullptr;
  Event() { check(cudaEventCreate(&handle), "make an event"); }
  Event(const Event &) = delete;
  ~Event() { static_cast<void>(cudaEventDestroy(handle)); }
};

} // namespace

struct MatmulPlan::Impl {
  cublasLtHandle_t lt;
  DescriptionHandle description;
  LayoutHandle a, b, d;
  cublasLtMatmulAlgo_t algorithm{};
  std::size_t workspace_bytes = 0;
  float beta = 0;
  bool bias = false, sum = false, aux = false;

  void take_bias(const void *memory) {
    check(cublasLtMatmulDescSetAttribute(description.handle, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &memory, sizeof memory), "take a bias");
  }

  void take_aux(const void *memory) {
    check(cublasLtMatmulDescSetAttribute(description.handle, CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER, &memory, sizeof memory), "take a mask");
  }

  /// With the algorithm that is set.
  cublasStatus_t run(const Memory &memory, void *workspace, cudaStream_t stream) {
    if (bias || sum)
      take_bias(sum ? memory.sum : memory.bias);
    if (aux)
      take_aux(memory.aux);
    const float one = 1;
    return cublasLtMatmul(lt, description.handle, &one, memory.a, a.handle, memory.b, b.handle, &beta, memory.d, d.handle, memory.d,
                          d.handle, &algorithm, workspace, workspace_bytes, stream);
  }

  /// Milliseconds of the fastest of a few runs; infinity when it fails.
  float time(const Trial &trial) {
    const Event begin, end;
    float best = std::numeric_limits<float>::infinity();
    if (run(trial.memory, trial.workspace, trial.stream) != CUBLAS_STATUS_SUCCESS) // to warm up
      return best;
    for (int i = 0; i < 5; ++i) {
      check(cudaEventRecord(begin.handle, trial.stream), "record an event");
      check(run(trial.memory, trial.workspace, trial.stream), "start");
      check(cudaEventRecord(end.handle, trial.stream), "record an event");
      check(cudaEventSynchronize(end.handle), "time a product");
      float milliseconds = 0;
      check(cudaEventElapsedTime(&milliseconds, begin.handle, end.handle), "time a product");
      best = std::min(best, milliseconds);
    }
    return best;
  }
};

CublasLt::CublasLt() {
  cublasLtHandle_t handle = nullptr;
  check(cublasLtCreate(&handle), "start");
  handle_ = handle;
}
CublasLt::CublasLt(CublasLt &&other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
CublasLt::~CublasLt() {
  if (handle_)
    static_cast<void>(cublasLtDestroy(static_cast<cublasLtHandle_t>(handle_)));
}
std::string CublasLt::version() const { return "cublasLt " + std::to_string(cublasLtGetVersion()); }

std::string Product::text() const {
  std::string text = "matmul " + std::to_string(m) + "x" + std::to_string(n) + "x" + std::to_string(k) + " batch " + std::to_string(batch);
  const auto add = [&](const char *name, const Stored &s) {
    text += std::string(" ") + name + "=" + name_of(s.element) + (s.transposed ? ",t," : ",n,") + std::to_string(s.leading) + "," +
            std::to_string(s.batch_stride) + "," + std::to_string(s.alignment);
  };
  add("a", a), add("b", b), add("d", d);
  return text + (accumulate ? " accumulate" : "") + (bias ? " bias" : "") + (relu ? " relu" : "") + (sums_a ? " sum a" : "") + (sums_b ? " sum b" : "") +
         (writes_mask ? " mask" : "") + (drelu ? " drelu" : "") + (dgelu ? " dgelu" : "") + (sums_d ? " sum d" : "") +
         (takes_bias(*this) ? "," + std::to_string(bias_alignment) : "") +
         (takes_aux(*this) ? " aux=" + std::to_string(aux_leading) + "," + std::to_string(aux_alignment) : "") + (tf32 ? " tf32" : "");
}

MatmulPlan::MatmulPlan(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
MatmulPlan::~MatmulPlan() = default;

std::unique_ptr<MatmulPlan> MatmulPlan::make(const CublasLt &lt, const Product &p, const Tuning *tuning) {
  auto impl = std::make_unique<Impl>();
  impl->lt = static_cast<cublasLtHandle_t>(lt.handle());
  impl->beta = p.accumulate ? 1.0f : 0.0f;
  impl->bias = p.bias;
  impl->sum = p.sums_a || p.sums_b || p.sums_d;
  impl->aux = takes_aux(p);
  check(cublasLtMatmulDescCreate(&impl->description.handle, p.tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F, CUDA_R_32F),
        "describe a product");
  const auto set = [&](cublasLtMatmulDescAttributes_t attribute, auto value) {
    check(cublasLtMatmulDescSetAttribute(impl->description.handle, attribute, &value, sizeof value), "describe a product");
  };
  set(CUBLASLT_MATMUL_DESC_TRANSA, p.a.transposed ? CUBLAS_OP_T : CUBLAS_OP_N);
  set(CUBLASLT_MATMUL_DESC_TRANSB, p.b.transposed ? CUBLAS_OP_T : CUBLAS_OP_N);
  set(CUBLASLT_MATMUL_DESC_EPILOGUE, epilogue_of(p));
  if (takes_bias(p)) {
    set(CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, std::int32_t(type_of(p.d.element)));
    // Algorithms are chosen by where it seems to lie; nothing is there yet.
    impl->take_bias(reinterpret_cast<const void *>(p.bias_alignment));
  }
  if (takes_aux(p)) {
    set(CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD, std::int64_t(p.aux_leading));
    impl->take_aux(reinterpret_cast<const void *>(p.aux_alignment));
  }
  describe(impl->a, p.a, p.m, p.k, p.batch);
  describe(impl->b, p.b, p.k, p.n, p.batch);
  describe(impl->d, p.d, p.m, p.n, p.batch);

  PreferenceHandle preference;
  check(cublasLtMatmulPreferenceCreate(&preference.handle), "take preferences");
  const auto prefer = [&](cublasLtMatmulPreferenceAttributes_t attribute, auto value) {
    check(cublasLtMatmulPreferenceSetAttribute(preference.handle, attribute, &value, sizeof value), "take preferences");
  };
  prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, most_workspace);
  // Parts of sums are added in f32, never in bf16.
  prefer(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, std::uint32_t(CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE));
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, std::uint32_t(p.a.alignment));
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, std::uint32_t(p.b.alignment));
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, std::uint32_t(p.d.alignment));
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, std::uint32_t(p.d.alignment));

  const auto take = [&](const cublasLtMatmulAlgo_t &algorithm, std::size_t workspace_bytes) {
    impl->algorithm = algorithm;
    impl->workspace_bytes = workspace_bytes;
  };
  const auto made = [&] { return std::unique_ptr<MatmulPlan>(new MatmulPlan(std::move(impl))); };
  if (tuning)
    if (const auto known = tuning->cache->find(p.text())) {
      cublasLtMatmulAlgo_t algorithm{};
      cublasLtMatmulHeuristicResult_t result{};
      // Checked, since a file can hold anything.
      if (read_digits(*known, algorithm) &&
          cublasLtMatmulAlgoCheck(impl->lt, impl->description.handle, impl->a.handle, impl->b.handle, impl->d.handle, impl->d.handle, &algorithm,
                                  &result) == CUBLAS_STATUS_SUCCESS &&
          result.workspaceSize <= most_workspace) {
        take(algorithm, result.workspaceSize);
        return made();
      }
    }
  std::vector<cublasLtMatmulHeuristicResult_t> results(tuning ? most_candidates : 1);
  int count = 0;
  const cublasStatus_t status =
      cublasLtMatmulAlgoGetHeuristic(impl->lt, impl->description.handle, impl->a.handle, impl->b.handle, impl->d.handle, impl->d.handle,
                                     preference.handle, static_cast<int>(results.size()), results.data(), &count);
  if (status == CUBLAS_STATUS_NOT_SUPPORTED || (status == CUBLAS_STATUS_SUCCESS && count == 0))
    return nullptr;
  check(status, "choose an algorithm");
  results.resize(static_cast<std::size_t>(count));
  const cublasLtMatmulHeuristicResult_t *best = &results[0];
  if (tuning) {
    std::size_t bytes = 0;
    for (const auto &result : results)
      bytes = std::max(bytes, result.workspaceSize);
    const Trial trial = tuning->prepare(bytes);
    float least = std::numeric_limits<float>::infinity();
    for (const auto &result : results) {
      if (result.state != CUBLAS_STATUS_SUCCESS)
        continue;
      take(result.algo, result.workspaceSize);
      if (const float milliseconds = impl->time(trial); milliseconds < least) {
        least = milliseconds;
        best = &result;
      }
    }
    tuning->cache->keep(p.text(), digits(best->algo));
  }
  take(best->algo, best->workspaceSize);
  return made();
}

std::size_t MatmulPlan::workspace_bytes() const { return impl_->workspace_bytes; }

void MatmulPlan::run(const Memory &memory, void *workspace, CUstream_st *stream) const {
  check(impl_->run(memory, workspace, stream), "start");
}

} // namespace dtcrt
