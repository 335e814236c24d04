// ONNX's tensors to attributes and to compile-time integers.
#include "Tensors.h"
#include "ExternalData.h"

#include "dialects/NN/NN.h"

#include "llvm/Support/MathExtras.h"
#include <bit>
#include <cmath>
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
                                          EmitError emitError, bool orEmpty) {
  if (shape.size() > maxRank)
    return emitError() << "a tensor of rank " << shape.size()
                       << " is beyond the limit of " << maxRank;
  int64_t elements = 1;
  for (int64_t dimension : shape) {
    if (dimension < !orEmpty || dimension > maxDimension)
      return emitError() << "shape " << nn::formatShape(shape)
                         << " has a dimension outside " << !orEmpty << " to " << maxDimension;
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
                     << " is not supported here; models hold floats, int32, int64 and booleans";
}

bool TensorReader::holds(int32_t dataType, Type element) {
  using T = ::onnx::TensorProto;
  if (isa<FloatType>(element))
    return llvm::is_contained({T::FLOAT, T::DOUBLE, T::FLOAT16, T::BFLOAT16}, dataType);
  if (element.isInteger(1))
    return dataType == T::BOOL;
  if (element.isInteger(32))
    return dataType == T::INT32;
  return dataType == T::INT64;
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

/// Element i of `bytes`, which need not be aligned.
template <typename T>
static T at(ArrayRef<char> bytes, size_t i) {
  T value;
  std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
  return value;
}

/// 16 bits of a float as float32, which holds it exactly.
static float widen(uint16_t bits, const llvm::fltSemantics &semantics) {
  APFloat value(semantics, APInt(16, bits));
  bool inexact;
  value.convert(APFloat::IEEEsingle(), APFloat::rmNearestTiesToEven, &inexact);
  return value.convertToFloat();
}

namespace {
/// How a type of ONNX lies in raw data and in its typed field, and what it becomes.
struct Encoding {
  uint64_t rawSize;
  /// The typed field, its elements and their size.
  const void *typed;
  int typedCount;
  uint64_t typedSize;
};
} // namespace

static std::optional<Encoding> encodingOf(const ::onnx::TensorProto &tensor) {
  using T = ::onnx::TensorProto;
  auto narrow = [&](uint64_t size) { return Encoding{size, tensor.int32_data().data(), tensor.int32_data_size(), sizeof(int32_t)}; };
  switch (tensor.data_type()) {
  case T::FLOAT:
    return Encoding{sizeof(float), tensor.float_data().data(), tensor.float_data_size(), sizeof(float)};
  case T::DOUBLE:
    return Encoding{sizeof(double), tensor.double_data().data(), tensor.double_data_size(), sizeof(double)};
  case T::INT64:
    return Encoding{sizeof(int64_t), tensor.int64_data().data(), tensor.int64_data_size(), sizeof(int64_t)};
  case T::INT32:
    return narrow(sizeof(int32_t));
  case T::FLOAT16:
  case T::BFLOAT16:
    return narrow(sizeof(int16_t));
  case T::BOOL:
    return narrow(sizeof(bool));
  default:
    return std::nullopt;
  }
}

FailureOr<DenseElementsAttr> TensorReader::read(const ::onnx::TensorProto &tensor, EmitError emitError) {
  using T = ::onnx::TensorProto;
  int32_t dataType = tensor.data_type();
  std::optional<Encoding> encoding = encodingOf(tensor);
  if (!encoding)
    return refuseType(dataType, emitError);
  bool isReal = llvm::is_contained({T::FLOAT, T::DOUBLE, T::FLOAT16, T::BFLOAT16}, dataType);
  ArrayRef<int64_t> shape(tensor.dims().data(), tensor.dims_size());
  if (failed(checkShape(shape, emitError, /*orEmpty=*/true)))
    return failure();
  bool isTyped = tensor.data_location() != T::EXTERNAL && !tensor.has_raw_data();
  uint64_t size = isTyped ? encoding->typedSize : encoding->rawSize;
  std::vector<char> storage;
  FailureOr<ArrayRef<char>> data = bytes(tensor, size, encoding->typed, encoding->typedCount, storage, emitError);
  if (failed(data))
    return failure();
  auto typeOf = [&](Type element) { return RankedTensorType::get(shape, element); };
  if (dataType == T::FLOAT)
    return DenseElementsAttr::getFromRawBuffer(typeOf(Float32Type::get(&context)), *data);
  size_t count = data->size() / size;
  if (isReal) {
    std::vector<float> values(count);
    for (size_t i = 0; i < count; ++i) {
      if (dataType == T::DOUBLE) {
        double wide = at<double>(*data, i);
        values[i] = static_cast<float>(wide);
        if (std::isfinite(wide) && !std::isfinite(values[i]))
          return emitError() << "holds a double that is too large for float32, in which models compute";
        continue;
      }
      uint16_t bits = size == sizeof(int32_t) ? static_cast<uint16_t>(at<int32_t>(*data, i)) : at<uint16_t>(*data, i);
      values[i] = widen(bits, dataType == T::FLOAT16 ? APFloat::IEEEhalf() : APFloat::BFloat());
    }
    return DenseElementsAttr::get(typeOf(Float32Type::get(&context)), ArrayRef(values));
  }
  if (dataType == T::INT64)
    return DenseElementsAttr::getFromRawBuffer(typeOf(IntegerType::get(&context, 64)), *data);
  if (dataType == T::INT32)
    return DenseElementsAttr::getFromRawBuffer(typeOf(IntegerType::get(&context, 32)), *data);
  SmallVector<bool> values(count);
  for (size_t i = 0; i < count; ++i)
    values[i] = size == sizeof(int32_t) ? at<int32_t>(*data, i) != 0 : at<int8_t>(*data, i) != 0;
  return DenseElementsAttr::get(typeOf(IntegerType::get(&context, 1)), ArrayRef<bool>(values));
}

LogicalResult TensorReader::takeIn(::onnx::TensorProto &tensor, EmitError emitError) {
  if (tensor.data_location() != ::onnx::TensorProto::EXTERNAL)
    return success();
  std::optional<Encoding> encoding = encodingOf(tensor);
  if (!encoding)
    return refuseType(tensor.data_type(), emitError);
  std::vector<char> storage;
  FailureOr<ArrayRef<char>> data = bytes(tensor, encoding->rawSize, nullptr, 0, storage, emitError);
  if (failed(data))
    return failure();
  tensor.clear_data_location();
  tensor.clear_external_data();
  tensor.set_raw_data(data->data(), data->size());
  return success();
}
