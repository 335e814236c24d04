// What calls of the library keep from one run to the next: plans and primitives, by everything that they depend on.
#pragma once

#include "dtcrt/tensor.h"

#include <array>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <unordered_map>

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
    return *this << i64(bool(tensor)) + 2 * i64(sizeof(T)) << tensor.shape() << tensor.strides();
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

class MadeCalls {
public:
  /// The thing made for this key, made now if it is the first time.
  template <class T, class Make> T &get(const Key &key, Make make) {
    auto found = made_.find(key);
    if (found == made_.end())
      found = made_.emplace(key, std::make_unique<T>(make())).first;
    return static_cast<T &>(*found->second);
  }
  bool has(const Key &key) const { return made_.count(key) != 0; }

private:
  std::unordered_map<Key, std::unique_ptr<Made>, KeyHash> made_;
};

} // namespace dtcrt
