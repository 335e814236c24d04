// What stands behind a CPU context: oneDNN's engine, made primitives, packed weights, scratch memory.
#pragma once

#include "dtcrt/activation.h"
#include "dtcrt/context.h"

#include <dnnl.hpp>

#include <array>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace dtcrt {

/// Names one made call by everything that it depends on: the operation, shapes, layouts, options.
class Key {
public:
  explicit Key(i64 operation) { *this << operation; }
  Key &operator<<(i64 value) {
    if (count_ == words_.size())
      throw std::logic_error("a call's key is longer than its room");
    words_[count_++] = value;
    return *this;
  }
  Key &operator<<(const Dims &dims) {
    *this << i64(dims.size());
    for (index value : dims)
      *this << value;
    return *this;
  }
  Key &operator<<(f32 value) {
    i32 bits;
    std::memcpy(&bits, &value, sizeof bits);
    return *this << i64(bits);
  }
  template <class T> Key &operator<<(const Tensor<T> &tensor) {
    return *this << i64(bool(tensor)) << tensor.shape() << tensor.strides();
  }
  bool operator==(const Key &other) const {
    return count_ == other.count_ && std::memcmp(words_.data(), other.words_.data(), count_ * sizeof(i64)) == 0;
  }
  std::size_t hash() const {
    std::uint64_t h = 0x9E3779B97F4A7C15u;
    for (std::size_t i = 0; i < count_; ++i) {
      h = (h ^ static_cast<std::uint64_t>(words_[i])) * 0xD6E8FEB86659FD93u;
      h ^= h >> 32;
    }
    return h;
  }

private:
  std::array<i64, 96> words_;
  std::size_t count_ = 0;
};

struct KeyHash {
  std::size_t operator()(const Key &key) const { return key.hash(); }
};

/// Something that a call keeps for the next call with the same key.
struct Made {
  virtual ~Made() = default;
};

struct Context::Backend {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};

  /// The thing made for this key, made now if it is the first time.
  template <class T, class Make> T &made(const Key &key, Make make) {
    auto found = cache.find(key);
    if (found == cache.end())
      found = cache.emplace(key, std::make_unique<T>(make())).first;
    return static_cast<T &>(*found->second);
  }
  std::unordered_map<Key, std::unique_ptr<Made>, KeyHash> cache;

  /// One block that oneDNN primitives use one after the other.
  void *scratchpad(std::size_t bytes) { return grow(scratchpad_, bytes); }
  /// One block for a call's own intermediate values; the next call overwrites it.
  void *workspace(std::size_t bytes) { return grow(workspace_, bytes); }

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
  static void *grow(Block &block, std::size_t bytes);
};

/// oneDNN's view of a tensor: its own strides, or the named format where the layout has a name
/// (a dimension of size 1 makes strides ambiguous, the name does not).
dnnl::memory::desc memory_desc(const Tensor<f32> &tensor);
dnnl::memory::dims memory_dims(const Dims &dims);
/// Attributes with the shared scratchpad, and after the result this activation, or the sum with what was there before.
dnnl::primitive_attr attributes(Activation activation, f32 alpha, bool accumulate = false);

/// "[64, 1, 28, 28]", for messages.
std::string to_string(const Dims &dims);

/// A parameter in the format that a primitive wants; kept as long as the parameter does not change.
class PackedWeights {
public:
  /// Rearranges plain weights into other plain weights, before they are packed.
  using Rearrange = std::function<void(const f32 *from, f32 *to)>;

  PackedWeights() = default;
  /// `plain`: the parameter, or what `rearrange` makes of it.
  PackedWeights(const dnnl::engine &engine, const dnnl::memory::desc &plain, const dnnl::memory::desc &wanted, Rearrange rearrange = {});
  /// The memory to hand to the primitive, for the values at `data`.
  const dnnl::memory &get(Context &ctx, const f32 *data);

private:
  dnnl::memory plain_, packed_;
  dnnl::reorder reorder_;
  bool reorders_ = false;
  Rearrange rearrange_;
  std::vector<f32> rearranged_;
  const void *packed_from_ = nullptr;
  std::uint64_t generation_ = 0;
};

/// Runs a oneDNN call; its failure becomes an Error that names the call and its operands.
template <class Call> void guarded(const char *name, const Dims &a, const Dims &b, const Dims &result, Call call) {
  try {
    call();
  } catch (const dnnl::error &error) {
    throw Error(std::string(name) + " of " + to_string(a) + " and " + to_string(b) + " to " + to_string(result) + ": " +
                error.what());
  }
}

/// Throws std::logic_error: a call that the compiler must not emit.
inline void require(bool holds, const char *call, const char *rule) {
  if (!holds)
    throw std::logic_error(std::string(call) + ": " + rule);
}

/// Threads for a loop over `elements` values: below some size a second thread costs more than it brings.
inline int threads_for(const Context &ctx, index elements, index serial_below = 16384) {
  return elements < serial_below ? 1 : ctx.threads();
}

} // namespace dtcrt
