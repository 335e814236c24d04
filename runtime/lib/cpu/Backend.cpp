// oneDNN memory descriptions, packed weights, scratch memory.
#include "cpu/Backend.h"
#include "math/Workspace.h"

#include <algorithm>
#include <new>

namespace dtcrt {

using dnnl::memory;

void *Context::Backend::grow(Block &block, std::size_t bytes) {
  if (bytes > block.bytes) {
    const std::size_t rounded = (std::max(bytes, block.bytes * 2) + 4095) / 4096 * 4096;
    block = {};
    block.memory.reset(std::aligned_alloc(4096, rounded));
    if (!block.memory)
      throw std::bad_alloc();
    block.bytes = rounded;
  }
  return block.memory.get();
}

void *workspace(Context &ctx, std::size_t bytes) { return ctx.backend().workspace(bytes); }

memory::dims memory_dims(const Dims &dims) { return {dims.begin(), dims.end()}; }

bool Context::Backend::has_avx512() {
  const auto isa = static_cast<unsigned>(dnnl::get_effective_cpu_isa()), wanted = static_cast<unsigned>(dnnl::cpu_isa::avx512_core);
  return (isa & wanted) == wanted;
}

template <class T> memory::desc memory_desc(const Tensor<T> &tensor) {
  using tag = memory::format_tag;
  static constexpr tag plain[] = {tag::undef, tag::a, tag::ab, tag::abc, tag::abcd, tag::abcde};
  static constexpr tag last[] = {tag::undef, tag::undef, tag::undef, tag::acb, tag::acdb, tag::acdeb};
  const int rank = tensor.rank();
  const memory::dims dims = memory_dims(tensor.shape());
  if (rank >= 1 && rank <= 5 && tensor.layout() == row_major)
    return memory::desc(dims, data_type_of<T>, plain[rank]);
  if (rank >= 3 && rank <= 5 && tensor.layout() == channels_last)
    return memory::desc(dims, data_type_of<T>, last[rank]);
  return memory::desc(dims, data_type_of<T>, memory_dims(tensor.strides()));
}
template memory::desc memory_desc(const Tensor<f32> &);
template memory::desc memory_desc(const Tensor<bf16> &);

dnnl::primitive_attr attributes(Activation activation, f32 alpha, bool accumulate) {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  dnnl::post_ops post;
  if (accumulate)
    post.append_sum(1);
  switch (activation) {
  case Activation::none: break;
  case Activation::relu: post.append_eltwise(1, dnnl::algorithm::eltwise_relu, 0, 0); break;
  case Activation::leaky_relu: post.append_eltwise(1, dnnl::algorithm::eltwise_relu, alpha, 0); break;
  case Activation::elu: post.append_eltwise(1, dnnl::algorithm::eltwise_elu, alpha, 0); break;
  case Activation::sigmoid: post.append_eltwise(1, dnnl::algorithm::eltwise_logistic, 0, 0); break;
  case Activation::tanh: post.append_eltwise(1, dnnl::algorithm::eltwise_tanh, 0, 0); break;
  case Activation::gelu: post.append_eltwise(1, dnnl::algorithm::eltwise_gelu_erf, 0, 0); break;
  case Activation::gelu_tanh: post.append_eltwise(1, dnnl::algorithm::eltwise_gelu_tanh, 0, 0); break;
  }
  attr.set_post_ops(post);
  return attr;
}

PackedWeights::PackedWeights(const dnnl::engine &engine, const memory::desc &plain, const memory::desc &wanted, Rearrange rearrange)
    : plain_(plain, engine, nullptr), reorders_(plain != wanted), rearrange_(std::move(rearrange)) {
  if (reorders_) {
    packed_ = memory(wanted, engine);
    reorder_ = dnnl::reorder(plain_, packed_);
  }
  if (rearrange_)
    rearranged_.resize(plain.get_size());
}

const memory &PackedWeights::get(Context &ctx, const void *data) {
  if (!reorders_ && !rearrange_) {
    plain_.set_data_handle(const_cast<void *>(data));
    return plain_;
  }
  const auto &generations = ctx.backend().generations;
  const auto found = generations.find(data);
  const bool is_parameter = found != generations.end();
  if (!is_parameter || packed_from_ != data || generation_ != found->second) {
    if (rearrange_)
      rearrange_(data, rearranged_.data());
    plain_.set_data_handle(rearrange_ ? static_cast<void *>(rearranged_.data()) : const_cast<void *>(data));
    if (reorders_)
      reorder_.execute(ctx.backend().stream, plain_, packed_);
    packed_from_ = is_parameter ? data : nullptr;
    generation_ = is_parameter ? found->second : 0;
  }
  return reorders_ ? packed_ : plain_;
}

} // namespace dtcrt
