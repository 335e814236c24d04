// Runs the programs of node tests on their inputs and compares what comes out with ONNX's outputs.
//
//   driver tests.data [TEST]
//
// A line a test: its name, a tab, and `passed` or what differs. The name is written before the program runs.
#include "program.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>

using namespace dtcrt;

namespace nodetests {

static std::map<std::string, const Entry *> &entries() {
  static std::map<std::string, const Entry *> all;
  return all;
}

Entry::Entry(const char *name, std::size_t arena_bytes, void *(*make)(Arena &), Binding (*call_bind)(Function, void *),
             void (*call_step)(Function, Context &, void *), Function bind, Function step)
    : name(name), arena_bytes(arena_bytes), make(make), call_bind(call_bind), call_step(call_step), bind(bind), step(step) {
  entries()[name] = this;
}

void Binding::add(const char *name, const AnyTensor &tensor) { kept.push_back({name, tensor}); }

/// A tensor of the data file.
struct Datum {
  std::string type, name;
  Dims shape;
  std::vector<char> bytes;
};

template <class T> constexpr const char *type_name = nullptr;
template <> constexpr const char *type_name<f32> = "f32";
template <> constexpr const char *type_name<i64> = "i64";
template <> constexpr const char *type_name<i32> = "i32";
template <> constexpr const char *type_name<bool> = "bool";

static bool read(std::istream &file, Datum &datum) {
  std::string line;
  if (!std::getline(file, line))
    return false;
  std::istringstream head(line);
  int rank = 0;
  head >> datum.type >> rank;
  std::vector<index> sizes(rank);
  for (index &size : sizes)
    head >> size;
  head.get();
  std::getline(head, datum.name);
  datum.shape = Dims::repeat(rank, 1);
  for (int i = 0; i < rank; ++i)
    datum.shape[i] = sizes[i];
  std::size_t width = datum.type == "i64" ? 8 : datum.type == "bool" ? 1 : 4;
  datum.bytes.resize(datum.shape.product() * width);
  return static_cast<bool>(file.read(datum.bytes.data(), datum.bytes.size()));
}

/// Calls with the offset of each element in row-major order.
template <class T, class F> static void for_each_offset(const Tensor<T> &tensor, F call) {
  for (index flat = 0; flat < tensor.size(); ++flat) {
    index rest = flat, offset = 0;
    for (int d = tensor.rank() - 1; d >= 0; --d) {
      offset += rest % tensor.dim(d) * tensor.strides()[d];
      rest /= tensor.dim(d);
    }
    call(flat, offset);
  }
}

template <class T> static T element(const Datum &datum, index flat) {
  T value;
  std::memcpy(&value, datum.bytes.data() + flat * sizeof(T), sizeof(T));
  return value;
}

/// ONNX's tolerance for floats, and what cancels out is no more exact than the `largest` element; integers and booleans are exact.
template <class T> static bool close(T actual, T expected, double largest) {
  if constexpr (std::is_same_v<T, f32>)
    return actual == expected || (std::isnan(actual) && std::isnan(expected)) ||
           std::abs(double(actual) - double(expected)) <= std::max(1e-7, 1e-7 * largest) + 1e-3 * std::abs(double(expected));
  else
    return actual == expected;
}

/// The tensor of a datum: what is wrong with its type or shape, or nothing.
template <class T> static std::string mismatch(const Tensor<T> &tensor, const Datum &datum) {
  if (datum.type != type_name<T>)
    return datum.name + " is of " + type_name<T> + ", not " + datum.type;
  return tensor.shape() == datum.shape ? "" : datum.name + " has another shape";
}

template <class T> static std::string fill(const Tensor<T> &tensor, const Datum &datum) {
  std::string wrong = mismatch(tensor, datum);
  if (wrong.empty())
    for_each_offset(tensor, [&](index flat, index offset) { tensor.data()[offset] = element<T>(datum, flat); });
  return wrong;
}

template <class T> static std::string compare(const Tensor<T> &tensor, const Datum &datum) {
  std::string wrong = mismatch(tensor, datum);
  double largest = 0;
  for (index flat = 0; wrong.empty() && flat < tensor.size(); ++flat)
    if (double size = std::abs(double(element<T>(datum, flat))); std::isfinite(size))
      largest = std::max(largest, size);
  if (wrong.empty())
    for_each_offset(tensor, [&](index flat, index offset) {
      T actual = tensor.data()[offset], expected = element<T>(datum, flat);
      if (wrong.empty() && !close(actual, expected, largest))
        wrong = datum.name + " element " + std::to_string(flat) + " is " + std::to_string(actual) + ", not " + std::to_string(expected);
    });
  return wrong;
}

/// Calls for the tensor of the name; what it says, or that there is none.
template <class F> static std::string with_tensor(const Binding &binding, const Datum &datum, F call) {
  for (const Binding::Named &named : binding.kept)
    if (named.name == datum.name)
      return std::visit([&](const auto &tensor) -> std::string {
        if constexpr (std::is_same_v<std::decay_t<decltype(tensor)>, std::monostate>)
          return "no tensor";
        else
          return call(tensor);
      }, named.tensor);
  return "nothing is called " + datum.name;
}

static std::string run(const Entry &entry, const std::vector<Datum> &data) {
  std::size_t bytes = (entry.arena_bytes + 63) / 64 * 64 + 64;
  void *memory = std::aligned_alloc(64, bytes);
  std::memset(memory, 0x7f, bytes); // what is not written is no number that anybody expects
  Arena arena(memory, entry.arena_bytes);
  void *buffers = entry.make(arena);
  Binding binding = entry.call_bind(entry.bind, buffers);
  auto is_output = [](const Datum &datum) { return datum.name.starts_with("output."); };
  std::string wrong;
  for (const Datum &datum : data)
    if (wrong.empty() && !is_output(datum))
      wrong = with_tensor(binding, datum, [&](const auto &tensor) { return fill(tensor, datum); });
  if (wrong.empty()) {
    Context ctx(1);
    entry.call_step(entry.step, ctx, buffers);
  }
  for (const Datum &datum : data)
    if (wrong.empty() && is_output(datum))
      wrong = with_tensor(binding, datum, [&](const auto &tensor) { return compare(tensor, datum); });
  std::free(memory);
  return wrong;
}

static int run_all(const char *path, const std::string &only) {
  std::ifstream file(path, std::ios::binary);
  std::string line;
  int failed = 0;
  while (std::getline(file, line)) {
    std::istringstream head(line);
    std::string name;
    std::size_t count = 0;
    head >> name >> count;
    std::vector<Datum> data(count);
    for (Datum &datum : data)
      if (!read(file, datum))
        return std::fprintf(stderr, "%s ends within %s\n", path, name.c_str()), 2;
    if (!only.empty() && name != only)
      continue;
    std::printf("%s\t", name.c_str());
    std::fflush(stdout);
    auto entry = entries().find(name);
    std::string wrong;
    try {
      wrong = entry == entries().end() ? "is not among the programs" : run(*entry->second, data);
    } catch (const std::exception &error) {
      wrong = error.what();
    }
    failed += !wrong.empty();
    std::printf("%s\n", wrong.empty() ? "passed" : wrong.c_str());
  }
  return failed ? 1 : 0;
}

} // namespace nodetests

int main(int argc, char **argv) {
  if (argc < 2 || argc > 3)
    return std::fprintf(stderr, "usage: driver tests.data [TEST]\n"), 2;
  return nodetests::run_all(argv[1], argc > 2 ? argv[2] : "");
}
