// Products of matrices by cuBLASLt: which of its algorithms computes them is decided once, when a plan is made.
//
// Nothing of CUDA's or cuBLASLt's headers is in here: the file behind it is the only one that they reach.
#pragma once

#include "cuda/Element.h"

#include <functional>
#include <memory>
#include <string>

struct CUstream_st;

namespace dtcrt {

class PlanCache;

/// cuBLASLt on the current device.
class CublasLt {
public:
  CublasLt();
  CublasLt(CublasLt &&other) noexcept;
  ~CublasLt();
  /// "cublasLt 130100", for the names of caches.
  std::string version() const;
  void *handle() const { return handle_; }

private:
  void *handle_ = nullptr;
};

/// A matrix as it is stored: column by column, `leading` elements from one to the next. `alignment` is that of its memory, in bytes.
struct Stored {
  index leading = 0, batch_stride = 0;
  bool transposed = false; ///< what is multiplied is the transpose of what is stored
  Element element = Element::f32;
  index alignment = 256;
};

/// d [m, n] = a [m, k] · b [k, n], `batch` times.
struct Product {
  index m = 0, n = 0, k = 0, batch = 1;
  Stored a, b, d;
  bool accumulate = false; ///< d grows by the product
  bool bias = false;       ///< [m], of d's type, is added to every column
  bool relu = false;       ///< of the sum
  bool sums_a = false;     ///< [m], of d's type: becomes the sum of a over k. Without bias and relu
  bool sums_b = false;     ///< [n]: the sum of b over k; not both
  bool writes_mask = false; ///< beside relu, for drelu
  bool drelu = false;      ///< d is 0 where the mask says so
  bool dgelu = false;      ///< d is multiplied by gelu_tanh's derivative at what lies at `aux`, of d's type. Without bias and relu, as drelu
  bool sums_d = false;     ///< [m]: becomes the sum of d over n, with drelu or dgelu
  index bias_alignment = 256; ///< of the bias or the sum
  index aux_leading = 0, aux_alignment = 256; ///< of the mask, in bits, or of dgelu's matrix, in elements
  bool tf32 = false;       ///< f32 operands may be rounded to tf32 before they are multiplied

  /// Everything that a plan depends on, in one line.
  std::string text() const;
};

class MatmulPlan {
public:
  struct Memory {
    const void *a, *b;
    void *d;
    const void *bias;
    void *sum;
    const void *aux;
  };
  /// How candidates are told apart by time: what was found out before, and what they are tried on, with so many bytes of workspace.
  struct Trial {
    Memory memory;
    void *workspace;
    CUstream_st *stream;
  };
  struct Tuning {
    PlanCache *cache;
    std::function<Trial(std::size_t bytes)> prepare;
  };

  /// The best algorithm by cuBLASLt's own judgement; with `tuning`, by trying several, which overwrites d. Only algorithms that give
  /// the same bits every time. nullptr: none computes this in one go.
  static std::unique_ptr<MatmulPlan> make(const CublasLt &lt, const Product &product, const Tuning *tuning = nullptr);
  ~MatmulPlan();

  std::size_t workspace_bytes() const;
  /// Starts it on the stream. LibraryError when it cannot start.
  void run(const Memory &memory, void *workspace, CUstream_st *stream) const;

private:
  struct Impl;
  explicit MatmulPlan(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

} // namespace dtcrt
