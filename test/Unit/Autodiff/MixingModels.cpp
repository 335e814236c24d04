// Text of random models over dimensions of which some count samples.
#include "test/Unit/Autodiff/MixingModels.h"

#include <random>
#include <vector>

namespace {

/// A dimension of `size` elements, or of `size` for each sample.
struct Dim {
  int64_t size = 1;
  bool samples = false;
};
using Dims = std::vector<Dim>;

struct Value {
  std::string name;
  Dims dims;
  bool used = false;
};

/// Decides nothing by the batch, so that models of one seed have the same ops.
class Generator {
public:
  Generator(unsigned seed, int64_t batch, std::string element) : engine(seed), batch(batch), element(std::move(element)) {}

  std::string make();

private:
  size_t draw(size_t below) { return engine() % below; }
  std::string type(const Dims &dims) const {
    std::string text = "tensor<";
    for (Dim dim : dims)
      text += std::to_string(dim.samples ? dim.size * batch : dim.size) + "x";
    return text + element + ">";
  }
  /// Appends `%n = nn.<op>` of a value with these dimensions; its number.
  size_t add(const std::string &op, Dims dims) {
    std::string name = "%v" + std::to_string(values.size());
    body += "  " + name + " = nn." + op + "\n";
    values.push_back({name, std::move(dims)});
    return values.size() - 1;
  }
  std::string use(size_t i) {
    values[i].used = true;
    return values[i].name;
  }
  std::string parameter(const Dims &dims) {
    std::string name = "%w" + std::to_string(parameters++);
    arguments += ",\n    " + name + ": " + type(dims) + " {nn.parameter = \"" + name.substr(1) +
                 "\", nn.init = #nn.normal<mean = 0.0, stddev = 1.0>}";
    return name;
  }

  size_t unary(size_t x, const std::string &op) { return add(op + " " + use(x) + " : " + type(values[x].dims), values[x].dims); }
  size_t binary(size_t x, size_t y, const std::string &op) {
    return add(op + " " + use(x) + ", " + use(y) + " : " + type(values[x].dims) + ", " + type(values[y].dims), values[x].dims);
  }
  size_t alongAxis(size_t x, const std::string &op, size_t axis) {
    return add(op + " " + use(x) + " axis " + std::to_string(axis) + " : " + type(values[x].dims), values[x].dims);
  }
  size_t reduce(size_t x, const std::string &op, const std::vector<bool> &axes, bool keep) {
    Dims from = values[x].dims, to;
    std::string list;
    for (size_t d = 0; d < from.size(); ++d) {
      if (axes[d])
        list += (list.empty() ? "" : ", ") + std::to_string(d);
      if (!axes[d] || keep)
        to.push_back(axes[d] ? Dim() : from[d]);
    }
    return add(op + " " + use(x) + " axes [" + list + "]" + (keep ? " keep" : "") + " : (" + type(from) + ") -> " + type(to), to);
  }
  size_t matmul(size_t x, const std::string &y, const Dims &yDims, bool transposeX, bool transposeY) {
    Dims from = values[x].dims;
    Dim m = from[transposeX ? 1 : 0], n = yDims[transposeY ? 0 : 1];
    return add("matmul " + use(x) + (transposeX ? " transposed" : "") + ", " + y + (transposeY ? " transposed" : "") + " : (" +
                   type(from) + ", " + type(yDims) + ") -> " + type({m, n}),
               {m, n});
  }
  size_t transpose(size_t x, size_t a, size_t b) {
    Dims from = values[x].dims, to = from;
    std::swap(to[a], to[b]);
    std::string list;
    for (size_t d = 0; d < from.size(); ++d)
      list += (d ? ", " : "") + std::to_string(d == a ? b : d == b ? a : d);
    return add("transpose " + use(x) + " [" + list + "] : (" + type(from) + ") -> " + type(to), to);
  }
  void step();

  std::mt19937 engine;
  int64_t batch;
  std::string element, arguments, body;
  std::vector<Value> values;
  int parameters = 0;
};

void Generator::step() {
  size_t x = draw(3) ? values.size() - 1 : draw(values.size());
  const Dims dims = values[x].dims;
  size_t rank = dims.size(), axis = rank ? draw(rank) : 0, other = rank ? draw(rank) : 0;
  switch (draw(9)) {
  case 0:
    unary(x, draw(2) ? "tanh" : "sigmoid");
    return;
  case 1: { // with a parameter that is broadcast, or with itself
    if (rank == 0 || dims.back().samples) {
      binary(x, x, "mul");
      return;
    }
    std::string w = parameter({dims.back()});
    add((draw(2) ? "mul " : "add ") + use(x) + ", " + w + " : " + type(dims) + ", " + type({dims.back()}), dims);
    return;
  }
  case 2:
    if (rank > 1)
      transpose(x, axis, other);
    return;
  case 3: {
    if (rank == 0)
      return;
    std::vector<bool> axes(rank);
    for (size_t d = 0; d < rank; ++d)
      axes[d] = d == axis || draw(3) == 0;
    reduce(x, draw(2) ? "reduce_mean" : "reduce_sum", axes, draw(2));
    return;
  }
  case 4:
    if (rank > 0)
      alongAxis(x, draw(2) ? "softmax" : "log_softmax", axis);
    return;
  case 5: // with a parameter
    if (rank == 2 && !dims[1].samples)
      matmul(x, parameter({dims[1], {3}}), {dims[1], {3}}, false, false);
    return;
  case 6: { // all pairs of rows, or of columns
    if (rank != 2)
      return;
    bool columns = draw(2);
    size_t y = unary(matmul(x, values[x].name, dims, columns, !columns), "tanh");
    if (draw(2)) // attention between them
      matmul(alongAxis(y, "softmax", 1), use(x), dims, false, columns);
    return;
  }
  case 7: { // two dimensions as one: samples in front or behind
    if (rank < 2 || (dims[rank - 2].samples && dims[rank - 1].samples))
      return;
    Dims to(dims.begin(), dims.end() - 2);
    to.push_back({dims[rank - 2].size * dims[rank - 1].size, dims[rank - 2].samples || dims[rank - 1].samples});
    add("reshape " + use(x) + " : " + type(dims) + " -> " + type(to), to);
    return;
  }
  case 8: { // centred
    if (rank == 0)
      return;
    std::vector<bool> axes(rank);
    axes[axis] = true;
    size_t mean = reduce(x, "reduce_mean", axes, true);
    binary(x, mean, draw(2) ? "sub" : "mul");
    return;
  }
  }
}

std::string Generator::make() {
  arguments = "%x: " + type({{1, true}, {3}}) + " {nn.input = \"x\"}";
  values.push_back({"%x", {{1, true}, {3}}});
  for (size_t steps = 4 + draw(6); steps; --steps)
    step();
  // Each value that nobody reads adds a number to all rows.
  Dims rows = {{1, true}, {2}};
  size_t y = matmul(0, parameter({{3}, {2}}), {{3}, {2}}, false, false);
  for (size_t i = 1, size = values.size() - 1; i < size; ++i) {
    if (values[i].used)
      continue;
    size_t number = unary(i, "tanh");
    if (!values[number].dims.empty())
      number = reduce(number, "reduce_mean", std::vector<bool>(values[number].dims.size(), true), false);
    y = binary(y, number, "add");
  }
  return "func.func @mixing(" + arguments + ")\n    -> (" + type(rows) + " {nn.output = \"y\"})\n" +
         "    attributes {nn.model = \"mixing\", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 1.0>, batch = " +
         std::to_string(batch) + ">} {\n" + body + "  return " + values[y].name + " : " + type(rows) + "\n}\n";
}

} // namespace

std::string dtc::test::makeMixingModel(unsigned seed, int64_t batch, const std::string &element) {
  return Generator(seed, batch, element).make();
}
