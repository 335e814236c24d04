// The safetensors format (https://github.com/huggingface/safetensors): an 8-byte little-endian header length, a JSON header
// {"name": {"dtype", "shape", "data_offsets"}, "__metadata__": {...}}, then the data without holes.
#pragma once

#include "dtcrt/tensor.h"

#include <cstdint>
#include <map>
#include <string>
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

struct NamedTensor {
  std::string name;
  Tensor<f32> tensor;
};

/// Writes all or nothing.
void write_safetensors(const std::string &path, const std::vector<NamedTensor> &tensors, const std::map<std::string, std::string> &metadata);

} // namespace dtcrt
