// ONNX's tensors to attributes and to compile-time integers.
#include "Tensors.h"
#include "ExternalData.h"

#include "dialects/NN/NN.h"

#include "llvm/Support/MathExtras.h"
#include <bit>
#include <cstring>
#include <unistd.h>

using namespace mlir;
using namespace dtc::onnximport;

// ONNX's raw_data is little-endian (onnx.proto) and is copied as it is.
static_assert(std::endian::native == std::endian::little);

static constexpr int64_t maxDimension = INT32_MAX;
static constexpr int64_t maxElements = int64_t{1} << 40;
static constexpr size_t maxRank = 64;

LogicalResult dtc::onnximport::checkShape(ArrayRef<int64_t> shape,
                                          EmitError emitError) {
  if (shape.size() > maxRank)
    return emitError() << "a tensor of rank " << shape.size()
                       << " is beyond the limit of " << maxRank;
  int64_t elements = 1;
  for (int64_t dimension : shape) {
    if (dimension < 1 || dimension > maxDimension)
      return emitError() << "shape " << nn::formatShape(shape)
                         << " has a dimension outside 1 to " << maxDimension;
    if (llvm::MulOverflow(elements, dimension, elements) ||
        elements > maxElements)
      return emitError() << "shape " << nn::formatShape(shape)
                         << " has more than " << maxElements << " elements";
  }
  return success();
}

static uint64_t physicalMemory() {
  return static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) *
         static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

TensorReader::TensorReader(StringRef modelPath, MLIRContext &context)
    : modelPath(modelPath), context(context), budget(physicalMemory()) {}

InFlightDiagnostic TensorReader::refuseType(int32_t dataType,
                                            EmitError emitError) {
  return emitError() << "element type " << elementTypeName(dataType)
                     << " is not supported here; models compute in float32, "
                        "and take int32 and int64 as constants";
}

FailureOr<ArrayRef<char>>
TensorReader::bytes(const ::onnx::TensorProto &tensor, uint64_t elementSize,
                    const void *typed, uint64_t typedCount,
                    std::vector<char> &storage, EmitError emitError) {
  int64_t count = 1;
  for (int64_t dimension : tensor.dims())
    if (dimension < 0 || llvm::MulOverflow(count, dimension, count) ||
        count > maxElements)
      return emitError() << "the shape has a negative dimension or more than "
                         << maxElements << " elements";
  uint64_t size = count * elementSize;
  if (tensor.has_segment())
    return emitError() << "tensors in segments are not supported";

  if (tensor.data_location() == ::onnx::TensorProto::EXTERNAL) {
    FailureOr<std::vector<char>> data =
        readExternalData(tensor, modelPath, size, budget, files, emitError);
    if (failed(data))
      return failure();
    storage = std::move(*data);
    return ArrayRef<char>(storage);
  }
  if (tensor.has_raw_data()) {
    if (typedCount)
      return emitError() << "data is given twice, raw and typed";
    if (tensor.raw_data().size() != size)
      return emitError() << "the shape needs " << size << " bytes but "
                         << tensor.raw_data().size() << " are given";
    return ArrayRef<char>(tensor.raw_data().data(), size);
  }
  if (typedCount != static_cast<uint64_t>(count))
    return emitError() << "the shape needs " << count << " elements but "
                       << typedCount << " are given";
  return ArrayRef<char>(static_cast<const char *>(typed), size);
}

FailureOr<DenseElementsAttr>
TensorReader::readFloats(const ::onnx::TensorProto &tensor,
                         EmitError emitError) {
  if (tensor.data_type() != ::onnx::TensorProto::FLOAT)
    return refuseType(tensor.data_type(), emitError);
  ArrayRef<int64_t> shape(tensor.dims().data(), tensor.dims_size());
  if (failed(checkShape(shape, emitError)))
    return failure();
  std::vector<char> storage;
  FailureOr<ArrayRef<char>> data =
      bytes(tensor, sizeof(float), tensor.float_data().data(),
            tensor.float_data_size(), storage, emitError);
  if (failed(data))
    return failure();
  return DenseElementsAttr::getFromRawBuffer(
      RankedTensorType::get(shape, Float32Type::get(&context)), *data);
}

template <typename T>
static std::vector<int64_t> toIntegers(ArrayRef<char> bytes) {
  std::vector<int64_t> result(bytes.size() / sizeof(T));
  for (size_t i = 0; i < result.size(); ++i) {
    T value; // raw data need not be aligned
    std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
    result[i] = value;
  }
  return result;
}

FailureOr<IntegerTensor>
TensorReader::readIntegers(const ::onnx::TensorProto &tensor,
                           EmitError emitError) {
  std::vector<char> storage;
  FailureOr<ArrayRef<char>> data;
  bool wide = tensor.data_type() == ::onnx::TensorProto::INT64;
  if (wide)
    data = bytes(tensor, sizeof(int64_t), tensor.int64_data().data(),
                 tensor.int64_data_size(), storage, emitError);
  else if (tensor.data_type() == ::onnx::TensorProto::INT32)
    data = bytes(tensor, sizeof(int32_t), tensor.int32_data().data(),
                 tensor.int32_data_size(), storage, emitError);
  else
    return refuseType(tensor.data_type(), emitError);
  if (failed(data))
    return failure();
  IntegerTensor result;
  result.shape.assign(tensor.dims().begin(), tensor.dims().end());
  result.values =
      wide ? toIntegers<int64_t>(*data) : toIntegers<int32_t>(*data);
  return result;
}
