// What stands behind a CPU context: oneDNN's engine, made primitives, packed weights, scratch memory.
#pragma once

#include "core/CallKey.h"
#include "core/Require.h"
#include "dtcrt/activation.h"
#include "dtcrt/context.h"

#include <dnnl.hpp>

#include <cstddef>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace dtcrt {

struct Context::Backend {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};

  MadeCalls made;

  /// One block that oneDNN primitives use one after the other.
  void *scratchpad(std::size_t bytes) { return grow(scratchpad_, bytes); }
  /// One block for a call's own intermediate values; the next call overwrites it.
  void *workspace(std::size_t bytes) { return grow(workspace_, bytes); }

  /// Blocks for f32 copies of bf16 operands (Widened), by number.
  f32 *widened(std::size_t number, std::size_t bytes) {
    if (number >= widened_.size())
      widened_.resize(number + 1);
    return static_cast<f32 *>(grow(widened_[number], bytes));
  }

  /// Whether oneDNN is asked for bf16: it has kernels from AVX-512 on. Without, operands are widened.
  bool library_bf16 = has_avx512();

  /// Counts the changes of declared parameters.
  std::unordered_map<const void *, std::uint64_t> generations;

private:
  struct Free {
    void operator()(void *p) const { std::free(p); }
  };
  struct Block {
    std::unique_ptr<void, Free> memory;
    std::size_t bytes = 0;
  };
  Block scratchpad_, workspace_;
  std::vector<Block> widened_;
  static bool has_avx512();
  static void *grow(Block &block, std::size_t bytes);
};

template <class T> inline constexpr dnnl::memory::data_type data_type_of = dnnl::memory::data_type::f32;
template <> inline constexpr dnnl::memory::data_type data_type_of<bf16> = dnnl::memory::data_type::bf16;

/// oneDNN's view of a tensor: its own strides, or the named format where the layout has a name
/// (a dimension of size 1 makes strides ambiguous, the name does not).
template <class T> dnnl::memory::desc memory_desc(const Tensor<T> &tensor);
dnnl::memory::dims memory_dims(const Dims &dims);
/// Attributes with the shared scratchpad, and after the result this activation, or the sum with what was there before.
dnnl::primitive_attr attributes(Activation activation, f32 alpha, bool accumulate = false);

/// A parameter in the format that a primitive wants; kept as long as the parameter does not change.
class PackedWeights {
public:
  /// Rearranges plain weights into other plain weights, before they are packed.
  using Rearrange = std::function<void(const void *from, void *to)>;

  PackedWeights() = default;
  /// `plain`: the parameter, or what `rearrange` makes of it.
  PackedWeights(const dnnl::engine &engine, const dnnl::memory::desc &plain, const dnnl::memory::desc &wanted, Rearrange rearrange = {});
  /// The memory to hand to the primitive, for the values at `data`.
  const dnnl::memory &get(Context &ctx, const void *data);

private:
  dnnl::memory plain_, packed_;
  dnnl::reorder reorder_;
  bool reorders_ = false;
  Rearrange rearrange_;
  std::vector<std::byte> rearranged_;
  const void *packed_from_ = nullptr;
  std::uint64_t generation_ = 0;
};

/// Whether oneDNN made this out of plain loops, far slower than anything else.
template <class Desc> bool is_reference(const Desc &desc) { return std::string_view(desc.impl_info_str()).starts_with("ref"); }

/// Runs a oneDNN call; its failure becomes an Error that names the call and its operands.
template <class Call> void guarded(const char *name, const Dims &a, const Dims &b, const Dims &result, Call call) {
  try {
    call();
  } catch (const dnnl::error &error) {
    throw Error(std::string(name) + " of " + to_string(a) + " and " + to_string(b) + " to " + to_string(result) + ": " +
                error.what());
  }
}

} // namespace dtcrt
