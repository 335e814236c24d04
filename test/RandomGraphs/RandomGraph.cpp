// Inputs, families one behind the other, and an output that reads everything.
#include "test/RandomGraphs/RandomGraph.h"

#include "test/RandomGraphs/GraphMaker.h"

using namespace dtc::test;
using llvm::ArrayRef;

static std::vector<Family> allFamilies() {
  std::vector<Family> all;
  for (ArrayRef<Family> families : {elementwiseFamilies(), shapeFamilies(), selectionFamilies(), reductionFamilies(), productFamilies(), windowFamilies(),
                                    normalisationFamilies(), sequenceFamilies()})
    all.insert(all.end(), families.begin(), families.end());
  return all;
}

static void describe(::onnx::ValueInfoProto &info, const std::string &name, int type, ArrayRef<int64_t> shape) {
  info.set_name(name);
  auto &tensor = *info.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(type);
  tensor.mutable_shape()->add_dim()->set_dim_param("N");
  for (int64_t size : shape.drop_front())
    tensor.mutable_shape()->add_dim()->set_dim_value(size);
}

static ::onnx::TensorProto &addInput(GraphMaker &maker, const std::string &name, int type, ArrayRef<int64_t> shape) {
  describe(*maker.graph.model.mutable_graph()->add_input(), name, type, shape);
  ::onnx::TensorProto &tensor = maker.graph.inputs.emplace_back();
  tensor.set_name(name);
  tensor.set_data_type(type);
  for (int64_t size : shape)
    tensor.add_dims(size);
  return tensor;
}

static void addFloatInput(GraphMaker &maker, const std::string &name, ArrayRef<int64_t> shape) {
  Value value{name, Shape(shape), 2};
  ::onnx::TensorProto &tensor = addInput(maker, name, ::onnx::TensorProto::FLOAT, shape);
  for (int64_t i = 0; i < value.features() * shape[0]; ++i)
    tensor.add_float_data(static_cast<float>(static_cast<double>(maker.draw(32) - 16) / 8 + 1.0 / 16));
  maker.raw.push_back(maker.keep(name, shape, 2));
}

/// Ids below 3, which every table has and every labels' class is.
static void addIds(GraphMaker &maker) {
  int64_t batch = maker.graph.batch, length = 2 + maker.draw(4), width = maker.oneOf<int64_t>({3, 4, 6});
  ::onnx::TensorProto &tensor = addInput(maker, "ids", ::onnx::TensorProto::INT64, {batch, length});
  for (int64_t i = 0; i < batch * length; ++i)
    tensor.add_int64_data(maker.draw(3));
  maker.keep(maker.node("Gather", {maker.parameter({3 + maker.draw(4), width}, 0.6), "ids"}), {batch, length, width}, 2);
}

static void addInputs(GraphMaker &maker) {
  auto size = [&](int64_t least) { return least + maker.draw(4); };
  int64_t batch = maker.graph.batch;
  int64_t kind = maker.draw(4);
  if (kind == 0)
    addFloatInput(maker, "x", {batch, size(3)});
  else if (kind == 1)
    addFloatInput(maker, "x", {batch, size(2), size(3)});
  else
    addFloatInput(maker, "x", {batch, size(1), size(4), size(4)});
  if (maker.chance(40))
    addFloatInput(maker, "z", {batch, size(2), 2 * size(1)});
  if (maker.chance(40))
    addIds(maker);
}

/// [N, classes], of every value that nothing reads yet.
static void addOutput(GraphMaker &maker) {
  int64_t features = 0, classes = 3 + maker.draw(3);
  std::vector<std::string> rows;
  for (const Value &value : maker.unreadValues()) {
    features += value.features();
    rows.push_back(maker.node("Flatten", {value.name}));
  }
  std::string all = rows.size() == 1 ? rows.front() : maker.node("Concat", rows, {{"axis", int64_t{1}}});
  std::string output = maker.node("Gemm", {all, maker.weight({features, classes}, features), maker.parameter({classes}, 0.1)});
  describe(*maker.graph.model.mutable_graph()->add_output(), output, ::onnx::TensorProto::FLOAT, {maker.graph.batch, classes});
}

RandomGraph dtc::test::makeRandomGraph(uint64_t seed, int operators) {
  static const std::vector<Family> families = allFamilies();
  GraphMaker maker(seed);
  maker.graph.loss = maker.oneOf<std::string>({"cross-entropy", "mse", "bce-logits"});
  addInputs(maker);
  while (maker.nodes() < operators)
    families[maker.draw(static_cast<int64_t>(families.size()))].add(maker);
  addOutput(maker);
  return std::move(maker.graph);
}
