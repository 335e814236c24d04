// Reading without trust, writing without parts.
#include "io/Safetensors.h"
#include "dtcrt/context.h"
#include "io/File.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <bit>
#include <cstring>
#include <fstream>

namespace dtcrt {

namespace {

using json = nlohmann::json;
static_assert(std::endian::native == std::endian::little, "safetensors is little-endian, and read as it lies");

/// The format's own limit.
constexpr std::uint64_t most_header_bytes = 100'000'000;

std::uint64_t element_bytes(const std::string &dtype) {
  static const std::map<std::string, std::uint64_t> bytes{{"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E4M3", 1}, {"F8_E5M2", 1},
                                                          {"U16", 2},  {"I16", 2}, {"F16", 2}, {"BF16", 2},    {"U32", 4},
                                                          {"I32", 4},  {"F32", 4}, {"U64", 8}, {"I64", 8},     {"F64", 8}};
  const auto found = bytes.find(dtype);
  return found == bytes.end() ? 0 : found->second;
}

std::string text_of(const std::vector<std::uint64_t> &shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i)
    text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

/// Calls visit(logical position, element) over a dense tensor in row-major logical order.
template <class Visit> void for_logical(const Tensor<f32> &tensor, Visit visit) {
  const index size = tensor.size();
  Dims at = Dims::repeat(tensor.rank(), 0);
  index offset = 0;
  for (index i = 0; i < size; ++i) {
    visit(i, tensor.data()[offset]);
    for (int d = tensor.rank() - 1; d >= 0; --d) {
      offset += tensor.strides()[d];
      if (++at[d] < tensor.dim(d))
        break;
      offset -= at[d] * tensor.strides()[d];
      at[d] = 0;
    }
  }
}

} // namespace

SafetensorsReader::SafetensorsReader(const std::string &path) : path_(path) {
  const auto fail = [&](const std::string &what) -> void { throw Error(path + ": " + what); };
  // Names come from the file: one line, and not endless.
  const auto quoted = [](const std::string &name) { return json(name.substr(0, 80)).dump(-1, ' ', true, json::error_handler_t::replace); };

  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file)
    fail("cannot open it");
  const std::streamoff file_size = file.tellg();
  if (file_size < 8)
    fail("not a safetensors file: shorter than its header length");
  file.seekg(0);
  std::uint64_t header_bytes = 0;
  file.read(reinterpret_cast<char *>(&header_bytes), 8);
  if (header_bytes > most_header_bytes || header_bytes > static_cast<std::uint64_t>(file_size) - 8)
    fail("not a safetensors file: a header of " + std::to_string(header_bytes) + " bytes in a file of " + std::to_string(file_size));
  std::string text(header_bytes, 0);
  if (!file.read(text.data(), static_cast<std::streamsize>(header_bytes)))
    fail("cannot read its header");
  const json header = json::parse(text, nullptr, false);
  if (!header.is_object())
    fail("its header is not a JSON object");

  const std::uint64_t data_start = 8 + header_bytes, data_bytes = static_cast<std::uint64_t>(file_size) - data_start;
  for (const auto &[name, value] : header.items()) {
    if (name == "__metadata__") {
      if (!value.is_object())
        fail("its __metadata__ is not an object");
      for (const auto &[key, entry] : value.items())
        if (entry.is_string())
          metadata_[key] = entry.get<std::string>();
      continue;
    }
    const bool whole = value.is_object() && value.contains("dtype") && value["dtype"].is_string() && value.contains("shape") &&
                       value["shape"].is_array() && value.contains("data_offsets") && value["data_offsets"].is_array() &&
                       value["data_offsets"].size() == 2 && value["data_offsets"][0].is_number_unsigned() &&
                       value["data_offsets"][1].is_number_unsigned();
    if (!whole)
      fail("tensor " + quoted(name) + " lacks a dtype, a shape or its offsets");
    Entry entry;
    entry.dtype = value["dtype"].get<std::string>();
    std::uint64_t bytes = element_bytes(entry.dtype);
    if (bytes == 0)
      fail("tensor " + quoted(name) + " has the unknown dtype " + quoted(entry.dtype));
    for (const json &size : value["shape"]) {
      if (!size.is_number_unsigned())
        fail("tensor " + quoted(name) + " has a shape that is not made of sizes");
      entry.shape.push_back(size.get<std::uint64_t>());
      if (__builtin_mul_overflow(bytes, entry.shape.back(), &bytes))
        fail("tensor " + quoted(name) + " has a shape too large for any file");
    }
    const std::uint64_t begin = value["data_offsets"][0].get<std::uint64_t>(), end = value["data_offsets"][1].get<std::uint64_t>();
    if (begin > end || end > data_bytes)
      fail("tensor " + quoted(name) + " lies outside the file");
    if (end - begin != bytes)
      fail("tensor " + quoted(name) + " of shape " + text_of(entry.shape) + " takes " + std::to_string(bytes) + " bytes, not " +
           std::to_string(end - begin));
    entry.begin = data_start + begin;
    entry.end = data_start + end;
    entries_.emplace(name, std::move(entry));
  }

  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
  for (const auto &[name, entry] : entries_)
    ranges.emplace_back(entry.begin, entry.end);
  std::sort(ranges.begin(), ranges.end());
  std::uint64_t at = data_start;
  for (const auto &[begin, end] : ranges) {
    if (begin < at)
      fail("two of its tensors overlap");
    if (begin > at)
      fail("it has a hole between its tensors");
    at = end;
  }
  if (at != data_start + data_bytes)
    fail("it is longer than its tensors");
}

void SafetensorsReader::read(const std::string &name, const Tensor<f32> &tensor) const {
  const auto found = entries_.find(name);
  if (found == entries_.end())
    throw Error(path_ + ": no tensor '" + name + "'");
  const Entry &entry = found->second;
  if (entry.dtype != "F32")
    throw Error(path_ + ": tensor '" + name + "' is " + entry.dtype + ", the program wants F32");
  std::vector<std::uint64_t> shape(tensor.shape().begin(), tensor.shape().end());
  if (entry.shape != shape)
    throw Error(path_ + ": tensor '" + name + "' has the shape " + text_of(entry.shape) + ", the program wants " + text_of(shape));
  std::vector<f32> values(static_cast<std::size_t>(tensor.size()));
  std::ifstream file(path_, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(entry.begin));
  if (!file.read(reinterpret_cast<char *>(values.data()), static_cast<std::streamsize>(entry.end - entry.begin)))
    throw Error(path_ + ": cannot read tensor '" + name + "'");
  for_logical(tensor, [&](index i, f32 &element) { element = values[static_cast<std::size_t>(i)]; });
}

std::string SafetensorsReader::metadata(const std::string &name) const {
  const auto found = metadata_.find(name);
  return found == metadata_.end() ? "" : found->second;
}

void copy_row_major(const Tensor<f32> &tensor, f32 *values) {
  if (tensor.layout() == row_major)
    std::memcpy(values, tensor.data(), tensor.bytes());
  else
    for_logical(tensor, [&](index i, f32 &element) { values[i] = element; });
}

void write_safetensors(const std::string &path, const std::vector<NamedTensor> &tensors, const std::map<std::string, std::string> &metadata) {
  json header = json::object();
  header["__metadata__"] = metadata;
  std::uint64_t at = 0;
  for (const NamedTensor &t : tensors) {
    const std::uint64_t end = at + static_cast<std::uint64_t>(t.shape.product()) * sizeof(f32);
    header[t.name] = {{"dtype", "F32"}, {"shape", std::vector<std::uint64_t>(t.shape.begin(), t.shape.end())}, {"data_offsets", {at, end}}};
    at = end;
  }
  std::string text = header.dump(-1, ' ', false, json::error_handler_t::replace);
  text.resize((text.size() + 7) / 8 * 8, ' '); // the data begins aligned
  write_whole(path, [&](const auto &put) {
    const std::uint64_t length = text.size();
    put(&length, 8);
    put(text.data(), text.size());
    std::vector<f32> values;
    for (const NamedTensor &t : tensors) {
      values.resize(static_cast<std::size_t>(t.shape.product()));
      t.fetch(values.data());
      put(values.data(), values.size() * sizeof(f32));
    }
  });
}

} // namespace dtcrt
