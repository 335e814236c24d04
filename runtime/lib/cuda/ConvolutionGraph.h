// Convolutions and their gradients as graphs of cuDNN: which engine computes them is decided once, when a graph is made.
//
// Nothing of CUDA's or cuDNN's headers is in here: the file behind it is the only one that they reach.
#pragma once

#include "cuda/Element.h"
#include "dtcrt/activation.h"

#include <functional>
#include <memory>
#include <string>

struct CUstream_st;

namespace dtcrt {

class PlanCache;

/// cuDNN on one device and stream.
class Cudnn {
public:
  explicit Cudnn(CUstream_st *stream);
  /// No device at all: graphs are made for the one that `properties` describes (cuDNN's JSON), and can not be run.
  static Cudnn of_properties(const std::string &properties);
  Cudnn(Cudnn &&) noexcept;
  ~Cudnn();

  /// "cudnn 91900", for the names of caches.
  std::string version() const;

  struct Impl;
  const Impl &impl() const { return *impl_; }

private:
  Cudnn();
  std::unique_ptr<Impl> impl_;
};

/// How a tensor lies: logical dimensions N, C, spatial..., and strides in elements.
struct Lie {
  Dims dims, strides;
};

struct Convolution {
  enum class Pass : u8 { forward, input_gradient, weight_gradient };

  Pass pass = Pass::forward;
  Element element = Element::f32; ///< of all operands, sums are f32
  bool tf32 = false;              ///< f32 operands may be rounded to tf32 before they are multiplied
  Lie x, w, y;                    ///< forward's names; the gradients of them lie likewise
  Dims strides, dilations, begins, ends;
  bool bias = false;                        ///< forward: [M] is added
  Activation activation = Activation::none; ///< forward: of the sum
  f32 alpha = 0;

  /// Everything that a plan depends on, in one line.
  std::string text() const;
};

class ConvolutionGraph {
public:
  /// In the names of Convolution: forward reads x and w and writes y, input_gradient reads y and w and writes x,
  /// weight_gradient reads x and y and writes w.
  struct Memory {
    void *x, *w, *y, *bias;
  };

  /// How candidates are told apart by time: what was found out before, and what they are tried on, with so many bytes of workspace.
  struct Trial {
    Memory memory;
    void *workspace;
  };
  struct Tuning {
    PlanCache *cache;
    std::function<Trial(std::size_t bytes)> prepare;
  };

  /// The best engine by cuDNN's own judgement; with `tuning`, by trying all, which overwrites what they write. Only engines
  /// that give the same bits every time. nullptr: no engine computes this as one graph. LibraryError: the convolution makes no sense
  /// to cuDNN.
  static std::unique_ptr<ConvolutionGraph> make(const Cudnn &cudnn, const Convolution &convolution, const Tuning *tuning = nullptr);
  ~ConvolutionGraph();

  std::size_t workspace_bytes() const;
  /// cuDNN's name of the engine and its settings.
  const std::string &engine() const;
  /// Starts it on the stream. LibraryError when it cannot start.
  void run(const Memory &memory, void *workspace) const;

private:
  struct Impl;
  explicit ConvolutionGraph(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

} // namespace dtcrt
