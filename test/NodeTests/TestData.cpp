// Writes the tensors of a node test.
#include "TestData.h"

#include "Step.h"

#include "dialects/NN/NN.h"

#include "llvm/Support/EndianStream.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::test;
namespace names = dtc::nn::names;

static void writeHead(StringRef type, ArrayRef<int64_t> shape, StringRef name, llvm::raw_ostream &os) {
  os << type << " " << shape.size();
  for (int64_t size : shape)
    os << " " << size;
  os << " " << name << "\n";
}

template <typename T, typename Field> static void writeElements(const ::onnx::TensorProto &tensor, const Field &field, llvm::raw_ostream &os) {
  if (tensor.has_raw_data()) {
    os << tensor.raw_data();
    return;
  }
  llvm::support::endian::Writer writer(os, llvm::endianness::little);
  for (auto value : field)
    writer.write(static_cast<T>(value));
}

/// False if it has a type of which dtc has no tensors.
static bool write(const ::onnx::TensorProto &tensor, StringRef name, llvm::raw_ostream &os) {
  ArrayRef<int64_t> shape(tensor.dims().data(), tensor.dims().size());
  switch (tensor.data_type()) {
  case ::onnx::TensorProto::FLOAT:
    writeHead("f32", shape, name, os);
    writeElements<float>(tensor, tensor.float_data(), os);
    return true;
  case ::onnx::TensorProto::INT64:
    writeHead("i64", shape, name, os);
    writeElements<int64_t>(tensor, tensor.int64_data(), os);
    return true;
  case ::onnx::TensorProto::INT32:
    writeHead("i32", shape, name, os);
    writeElements<int32_t>(tensor, tensor.int32_data(), os);
    return true;
  case ::onnx::TensorProto::BOOL:
    writeHead("bool", shape, name, os);
    writeElements<uint8_t>(tensor, tensor.int32_data(), os);
    return true;
  default:
    return false;
  }
}

/// Under the name of the parameter or of the running statistic.
static void writeInitialValue(func::FuncOp model, unsigned number, ElementsAttr elements, llvm::raw_ostream &os) {
  auto name = model.getArgAttrOfType<StringAttr>(number, names::parameter);
  if (!name)
    name = model.getArgAttrOfType<StringAttr>(number, names::state);
  writeHead("f32", elements.getShapedType().getShape(), name, os);
  llvm::support::endian::Writer writer(os, llvm::endianness::little);
  for (const APFloat &value : elements.getValues<APFloat>())
    writer.write(value.convertToFloat());
}

std::string dtc::test::writeTestData(const NodeTest &test, func::FuncOp model, llvm::raw_ostream &os) {
  SmallVector<std::pair<unsigned, ElementsAttr>> stored;
  for (unsigned number = 0; number < model.getNumArguments(); ++number)
    if (auto elements = model.getArgAttrOfType<ElementsAttr>(number, names::init))
      stored.push_back({number, elements});
  os << test.name << " " << test.inputs.size() + test.outputs.size() + stored.size() << "\n";
  for (size_t number = 0; number < test.inputs.size(); ++number)
    if (!write(test.inputs[number], inputName(number), os))
      return inputName(number) + " is of a type that no tensor has";
  for (size_t number = 0; number < test.outputs.size(); ++number)
    if (!write(test.outputs[number], outputName(number), os))
      return outputName(number) + " is of a type that no tensor has";
  for (auto [number, elements] : stored)
    writeInitialValue(model, number, elements, os);
  return "";
}
