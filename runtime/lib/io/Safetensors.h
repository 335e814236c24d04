// The safetensors format (https://github.com/huggingface/safetensors): an 8-byte little-endian header length, a JSON header
// {"name": {"dtype", "shape", "data_offsets"}, "__metadata__": {...}}, then the data without holes.
#pragma once

#include "dtcrt/tensor.h"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace dtcrt {

/// A file to read. The constructor checks the whole header: lengths, types, shapes, offsets, overlaps and holes. Throws Error.
class SafetensorsReader {
public:
  explicit SafetensorsReader(const std::string &path);

  bool has(const std::string &name) const { return entries_.count(name) != 0; }
  /// Copies the tensor `name` into `tensor` (dense, any layout). Throws Error when it is absent, not F32 or of another shape.
  void read(const std::string &name, const Tensor<f32> &tensor) const;
  /// "" when absent.
  std::string metadata(const std::string &name) const;

private:
  struct Entry {
    std::string dtype;
    std::vector<std::uint64_t> shape;
    std::uint64_t begin = 0, end = 0; ///< in the file
  };
  std::string path_;
  std::map<std::string, Entry> entries_;
  std::map<std::string, std::string> metadata_;
};

/// Copies a dense tensor of any layout into row-major order.
void copy_row_major(const Tensor<f32> &tensor, f32 *values);

/// A tensor of a file that is written; its values are fetched when it is their turn, for they may come from another rank.
struct NamedTensor {
  std::string name;
  Dims shape;
  std::function<void(f32 *values)> fetch; ///< row-major

  NamedTensor(std::string name, const Dims &shape, std::function<void(f32 *)> fetch)
      : name(std::move(name)), shape(shape), fetch(std::move(fetch)) {}
  /// One that is at hand.
  NamedTensor(std::string name, const Tensor<f32> &tensor)
      : NamedTensor(std::move(name), tensor.shape(), [tensor](f32 *values) { copy_row_major(tensor, values); }) {}
};

/// Writes all or nothing. The data lie in the order given.
void write_safetensors(const std::string &path, const std::vector<NamedTensor> &tensors, const std::map<std::string, std::string> &metadata);

} // namespace dtcrt
