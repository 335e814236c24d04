// cuBLASLt as its documentation describes it, in plain loops: column-major matrices, transposes, batches, epilogues. What the library
// would refuse is refused, and memory that is less aligned than was said is an error.
#include "Enqueue.h"

#include <cublasLt.h>

#include <algorithm>
#include <cstdint>
#include <cmath>
#include <cstdlib>
#include <initializer_list>
#include <memory>
#include <numbers>

using namespace cuda_emulation;

namespace {

struct Layout {
  cudaDataType type;
  std::uint64_t rows, columns;
  std::int64_t leading, batch_stride = 0;
  std::int32_t batch = 1;
  bool is_bf16() const { return type == CUDA_R_16BF; }
};
struct Description {
  cublasComputeType_t compute;
  cublasOperation_t transpose_a = CUBLAS_OP_N, transpose_b = CUBLAS_OP_N;
  cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
  const void *bias = nullptr;
  std::int32_t bias_type = -1;
  void *aux = nullptr;
  std::int64_t aux_leading = 0;
};
struct Preference {
  std::size_t workspace = 0;
  std::uint32_t reductions = CUBLASLT_REDUCTION_SCHEME_MASK, alignment[4] = {256, 256, 256, 256};
};

constexpr std::uint64_t magic = 0x656D756C61746564;
/// What an algorithm keeps: which of the candidates it is, and what it was told of alignments: of a, b, c, d, the bias, the auxiliary matrix.
struct Algorithm {
  std::uint64_t magic, number, alignment[6];
};
static_assert(sizeof(Algorithm) == sizeof(cublasLtMatmulAlgo_t));

const Layout &of(cublasLtMatrixLayout_t handle) { return *reinterpret_cast<const Layout *>(handle); }
const Description &of(cublasLtMatmulDesc_t handle) { return *reinterpret_cast<const Description *>(handle); }

bool is_one_of(const Description &d, std::initializer_list<cublasLtEpilogue_t> all) { return std::find(all.begin(), all.end(), d.epilogue) != all.end(); }
bool has_bias(const Description &d) {
  return is_one_of(d, {CUBLASLT_EPILOGUE_BIAS, CUBLASLT_EPILOGUE_RELU_BIAS, CUBLASLT_EPILOGUE_RELU_AUX_BIAS});
}
bool has_relu(const Description &d) {
  return is_one_of(d, {CUBLASLT_EPILOGUE_RELU, CUBLASLT_EPILOGUE_RELU_BIAS, CUBLASLT_EPILOGUE_RELU_AUX, CUBLASLT_EPILOGUE_RELU_AUX_BIAS});
}
bool writes_mask(const Description &d) { return is_one_of(d, {CUBLASLT_EPILOGUE_RELU_AUX, CUBLASLT_EPILOGUE_RELU_AUX_BIAS}); }
bool is_drelu(const Description &d) { return is_one_of(d, {CUBLASLT_EPILOGUE_DRELU, CUBLASLT_EPILOGUE_DRELU_BGRAD}); }
bool is_dgelu(const Description &d) { return is_one_of(d, {CUBLASLT_EPILOGUE_DGELU, CUBLASLT_EPILOGUE_DGELU_BGRAD}); }
bool sums_a(const Description &d) { return d.epilogue == CUBLASLT_EPILOGUE_BGRADA; }
bool sums_b(const Description &d) { return d.epilogue == CUBLASLT_EPILOGUE_BGRADB; }
bool sums_d(const Description &d) { return is_one_of(d, {CUBLASLT_EPILOGUE_DRELU_BGRAD, CUBLASLT_EPILOGUE_DGELU_BGRAD}); }
bool takes_bias(const Description &d) { return has_bias(d) || sums_a(d) || sums_b(d) || sums_d(d); }
bool takes_aux(const Description &d) { return writes_mask(d) || is_drelu(d) || is_dgelu(d); }

/// The derivative of gelu by tanh: the library's gelu is that one.
double gelu_slope(double x) {
  const double factor = std::sqrt(2 / std::numbers::pi), t = std::tanh(factor * (x + 0.044715 * x * x * x));
  return (1 + t) / 2 + x / 2 * (1 - t * t) * factor * (1 + 3 * 0.044715 * x * x);
}

/// Whether the operands fit each other and lie as they must.
bool is_valid(const Description &d, const Layout &a, const Layout &b, const Layout &c, const Layout &y) {
  const auto rows = [](const Layout &l, cublasOperation_t op) { return op == CUBLAS_OP_N ? l.rows : l.columns; };
  const auto columns = [](const Layout &l, cublasOperation_t op) { return op == CUBLAS_OP_N ? l.columns : l.rows; };
  bool valid = rows(a, d.transpose_a) == y.rows && columns(b, d.transpose_b) == y.columns && columns(a, d.transpose_a) == rows(b, d.transpose_b) &&
               c.rows == y.rows && c.columns == y.columns && c.type == y.type && a.type == b.type;
  for (const Layout *l : {&a, &b, &c, &y})
    valid = valid && l->rows > 0 && l->columns > 0 && l->leading >= static_cast<std::int64_t>(l->rows) && l->batch == y.batch;
  // Matrices of a result do not overlap.
  valid = valid && (y.batch == 1 || y.batch_stride != 0);
  return valid;
}

/// Whether there is an algorithm: not for every epilogue, and on some GPUs for few. CUDA_EMULATION_EPILOGUES=forward: for none of backward.
bool is_supported(const Description &d, const Layout &y) {
  static const char *const which = std::getenv("CUDA_EMULATION_EPILOGUES");
  if (is_one_of(d, {CUBLASLT_EPILOGUE_DEFAULT, CUBLASLT_EPILOGUE_RELU, CUBLASLT_EPILOGUE_BIAS, CUBLASLT_EPILOGUE_RELU_BIAS}))
    return true;
  const bool known = sums_a(d) || sums_b(d) || takes_aux(d);
  return known && y.batch == 1 && !(which && !std::strcmp(which, "forward"));
}

/// Rows of an auxiliary matrix: a mask's are whole runs of 128 bits, those of gelu's arguments of 8 elements; both lie at multiples of 16 bytes.
bool is_aux_valid(const Description &d, const Layout &y) {
  return !takes_aux(d) || (d.aux && reinterpret_cast<std::uintptr_t>(d.aux) % 16 == 0 && d.aux_leading % (is_dgelu(d) ? 8 : 128) == 0 &&
                           d.aux_leading >= static_cast<std::int64_t>(y.rows));
}

/// The alignment that a pointer has, or will have: up to 256 bytes.
std::uint64_t alignment_of(const void *pointer) {
  const std::uint64_t bits = 256 | reinterpret_cast<std::uintptr_t>(pointer);
  return bits & -bits;
}

std::size_t workspace_of(std::uint64_t number) { return number * 512; }

template <class T> cublasStatus_t take(T &field, const void *value, std::size_t bytes) {
  if (!value || bytes != sizeof field)
    return CUBLAS_STATUS_INVALID_VALUE;
  std::memcpy(&field, value, bytes);
  return CUBLAS_STATUS_SUCCESS;
}

} // namespace

extern "C" {

cublasStatus_t cublasLtCreate(cublasLtHandle_t *handle) {
  *handle = reinterpret_cast<cublasLtHandle_t>(new int(0));
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) {
  delete reinterpret_cast<int *>(handle);
  return CUBLAS_STATUS_SUCCESS;
}
std::size_t cublasLtGetVersion() { return 0; }
const char *cublasLtGetStatusString(cublasStatus_t status) {
  switch (status) {
  case CUBLAS_STATUS_SUCCESS: return "success";
  case CUBLAS_STATUS_INVALID_VALUE: return "invalid value";
  case CUBLAS_STATUS_NOT_SUPPORTED: return "not supported";
  default: return "failed";
  }
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t *handle, cudaDataType type, std::uint64_t rows, std::uint64_t columns,
                                          std::int64_t leading) {
  *handle = reinterpret_cast<cublasLtMatrixLayout_t>(new Layout{type, rows, columns, leading});
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t handle) {
  delete reinterpret_cast<Layout *>(handle);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t handle, cublasLtMatrixLayoutAttribute_t attribute, const void *value,
                                                std::size_t bytes) {
  Layout &layout = *reinterpret_cast<Layout *>(handle);
  switch (attribute) {
  case CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT: return take(layout.batch, value, bytes);
  case CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET: return take(layout.batch_stride, value, bytes);
  default: return CUBLAS_STATUS_NOT_SUPPORTED;
  }
}

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t *handle, cublasComputeType_t compute, cudaDataType_t scale) {
  if (scale != CUDA_R_32F || (compute != CUBLAS_COMPUTE_32F && compute != CUBLAS_COMPUTE_32F_FAST_TF32))
    return CUBLAS_STATUS_NOT_SUPPORTED;
  *handle = reinterpret_cast<cublasLtMatmulDesc_t>(new Description{compute});
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t handle) {
  delete reinterpret_cast<Description *>(handle);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t handle, cublasLtMatmulDescAttributes_t attribute, const void *value,
                                              std::size_t bytes) {
  Description &description = *reinterpret_cast<Description *>(handle);
  switch (attribute) {
  case CUBLASLT_MATMUL_DESC_TRANSA: return take(description.transpose_a, value, bytes);
  case CUBLASLT_MATMUL_DESC_TRANSB: return take(description.transpose_b, value, bytes);
  case CUBLASLT_MATMUL_DESC_EPILOGUE: return take(description.epilogue, value, bytes);
  case CUBLASLT_MATMUL_DESC_BIAS_POINTER: return take(description.bias, value, bytes);
  case CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER: return take(description.aux, value, bytes);
  case CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD: return take(description.aux_leading, value, bytes);
  case CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE: return take(description.bias_type, value, bytes);
  default: return CUBLAS_STATUS_NOT_SUPPORTED;
  }
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t *handle) {
  *handle = reinterpret_cast<cublasLtMatmulPreference_t>(new Preference);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t handle) {
  delete reinterpret_cast<Preference *>(handle);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t handle, cublasLtMatmulPreferenceAttributes_t attribute,
                                                    const void *value, std::size_t bytes) {
  Preference &preference = *reinterpret_cast<Preference *>(handle);
  switch (attribute) {
  case CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES: return take(preference.workspace, value, bytes);
  case CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK: return take(preference.reductions, value, bytes);
  case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES: return take(preference.alignment[0], value, bytes);
  case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES: return take(preference.alignment[1], value, bytes);
  case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES: return take(preference.alignment[2], value, bytes);
  case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES: return take(preference.alignment[3], value, bytes);
  default: return CUBLAS_STATUS_NOT_SUPPORTED;
  }
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t, cublasLtMatmulDesc_t description, cublasLtMatrixLayout_t a,
                                              cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t preference, int wanted, cublasLtMatmulHeuristicResult_t results[],
                                              int *count) {
  *count = 0;
  if (!is_valid(of(description), of(a), of(b), of(c), of(d)))
    return CUBLAS_STATUS_INVALID_VALUE;
  // An auxiliary matrix that lies badly leaves no algorithm.
  if (!is_supported(of(description), of(d)) || !is_aux_valid(of(description), of(d)))
    return CUBLAS_STATUS_NOT_SUPPORTED;
  const Preference &preferred = *reinterpret_cast<const Preference *>(preference);
  for (int number = 0; number < std::min(wanted, 3); ++number) {
    Algorithm algorithm{magic, std::uint64_t(number) + 1, {}};
    std::copy(std::begin(preferred.alignment), std::end(preferred.alignment), algorithm.alignment);
    algorithm.alignment[4] = alignment_of(of(description).bias);
    algorithm.alignment[5] = alignment_of(of(description).aux);
    cublasLtMatmulHeuristicResult_t &result = results[(*count)++];
    result = {};
    std::memcpy(&result.algo, &algorithm, sizeof algorithm);
    result.workspaceSize = workspace_of(algorithm.number);
    result.state = CUBLAS_STATUS_SUCCESS;
  }
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulAlgoCheck(cublasLtHandle_t, cublasLtMatmulDesc_t description, cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                       cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d, const cublasLtMatmulAlgo_t *algo,
                                       cublasLtMatmulHeuristicResult_t *result) {
  Algorithm algorithm;
  std::memcpy(&algorithm, algo, sizeof algorithm);
  if (algorithm.magic != magic || algorithm.number < 1 || algorithm.number > 3 || !is_valid(of(description), of(a), of(b), of(c), of(d)) ||
      !is_supported(of(description), of(d)))
    return CUBLAS_STATUS_INVALID_VALUE;
  *result = {};
  result->algo = *algo;
  result->workspaceSize = workspace_of(algorithm.number);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t, cublasLtMatmulDesc_t description, const void *alpha, const void *a, cublasLtMatrixLayout_t a_layout,
                              const void *b, cublasLtMatrixLayout_t b_layout, const void *beta, const void *c, cublasLtMatrixLayout_t c_layout,
                              void *d, cublasLtMatrixLayout_t d_layout, const cublasLtMatmulAlgo_t *algo, void *workspace,
                              std::size_t workspace_bytes, cudaStream_t stream) {
  Algorithm algorithm;
  std::memcpy(&algorithm, algo, sizeof algorithm);
  const Description what = of(description);
  const Layout la = of(a_layout), lb = of(b_layout), lc = of(c_layout), ld = of(d_layout);
  if (algorithm.magic != magic || !is_valid(what, la, lb, lc, ld) || !is_supported(what, ld) || !is_aux_valid(what, ld) ||
      (takes_bias(what) && (!what.bias || what.bias_type != ld.type)) || !workspace || workspace_bytes < workspace_of(algorithm.number))
    return CUBLAS_STATUS_INVALID_VALUE;
  const void *const memory[] = {a, b, c, d, takes_bias(what) ? what.bias : nullptr, takes_aux(what) ? what.aux : nullptr};
  for (int i = 0; i < 6; ++i)
    if (reinterpret_cast<std::uintptr_t>(memory[i]) % algorithm.alignment[i] != 0)
      return CUBLAS_STATUS_INVALID_VALUE;
  const double by = *static_cast<const float *>(alpha), plus = *static_cast<const float *>(beta);
  return enqueue(stream, [=, bytes = workspace_of(algorithm.number)] {
    spoil(workspace, bytes);
    const bool tf32 = what.compute == CUBLAS_COMPUTE_32F_FAST_TF32;
    const auto read = [&](const void *data, const Layout &layout, cublasOperation_t op, std::int64_t batch, std::uint64_t row, std::uint64_t column) {
      if (op == CUBLAS_OP_T)
        std::swap(row, column);
      const double value = element(data, layout.is_bf16(), batch * layout.batch_stride + std::int64_t(row) + std::int64_t(column) * layout.leading);
      return tf32 ? double(rounded_to_tf32(static_cast<float>(value))) : value;
    };
    const std::uint64_t depth = what.transpose_a == CUBLAS_OP_N ? la.columns : la.rows;
    for (std::int64_t batch = 0; batch < ld.batch; ++batch)
      for (std::uint64_t column = 0; column < ld.columns; ++column)
        for (std::uint64_t row = 0; row < ld.rows; ++row) {
          double sum = 0;
          for (std::uint64_t k = 0; k < depth; ++k)
            sum += read(a, la, what.transpose_a, batch, row, k) * read(b, lb, what.transpose_b, batch, k, column);
          const std::int64_t at = std::int64_t(row) + std::int64_t(column) * ld.leading;
          double value = by * sum;
          if (plus != 0) // what is there is not read otherwise
            value += plus * element(c, lc.is_bf16(), batch * lc.batch_stride + std::int64_t(row) + std::int64_t(column) * lc.leading);
          if (has_bias(what))
            value += element(what.bias, ld.is_bf16(), std::int64_t(row));
          // How a mask lies is not documented, so nobody else may know: here the other way around than one would write it.
          const std::int64_t aux = std::int64_t(row) + std::int64_t(column) * what.aux_leading;
          std::uint8_t *const byte = static_cast<std::uint8_t *>(what.aux) + aux / 8;
          const auto bit = static_cast<std::uint8_t>(0x80u >> aux % 8);
          if (writes_mask(what))
            *byte = static_cast<std::uint8_t>(value > 0 ? *byte & ~bit : *byte | bit);
          if (is_drelu(what) && (*byte & bit))
            value = 0;
          if (is_dgelu(what))
            value *= gelu_slope(element(what.aux, ld.is_bf16(), aux));
          if (has_relu(what))
            value = value > 0 || (std::isnan(value) && !drops_nan()) ? value : 0;
          set_element(d, ld.is_bf16(), batch * ld.batch_stride + at, value);
        }
    // Bias gradients: an operand summed over k, or d over its columns, in place of what was there.
    const std::uint64_t sums = sums_a(what) || sums_d(what) ? ld.rows : sums_b(what) ? ld.columns : 0;
    for (std::uint64_t i = 0; i < sums; ++i) {
      double sum = 0;
      for (std::uint64_t k = 0; k < (sums_d(what) ? ld.columns : depth); ++k)
        sum += sums_d(what)   ? element(d, ld.is_bf16(), std::int64_t(i) + std::int64_t(k) * ld.leading)
               : sums_a(what) ? read(a, la, what.transpose_a, 0, i, k)
                              : read(b, lb, what.transpose_b, 0, k, i);
      set_element(const_cast<void *>(what.bias), ld.is_bf16(), std::int64_t(i), sum);
    }
  }) == 0
             ? CUBLAS_STATUS_SUCCESS
             : CUBLAS_STATUS_EXECUTION_FAILED;
}

} // extern "C"
