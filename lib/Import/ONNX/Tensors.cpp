// ONNX's tensors to attributes and to compile-time integers.
#include "Tensors.h"
#include "ExternalData.h"

#include "dialects/NN/NN.h"

#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/xxhash.h"
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

/// Bytes that somebody else owns.
static AsmResourceBlob shown(ArrayRef<char> bytes) { return AsmResourceBlob(bytes, alignof(float), {}, /*dataIsMutable=*/false); }

FailureOr<AsmResourceBlob>
TensorReader::bytes(const ::onnx::TensorProto &tensor, uint64_t elementSize,
                    const void *typed, uint64_t typedCount,
                    EmitError emitError) {
  int64_t count = 1;
  for (int64_t dimension : tensor.dims())
    if (dimension < 0 || llvm::MulOverflow(count, dimension, count) ||
        count > maxElements)
      return emitError() << "the shape has a negative dimension or more than "
                         << maxElements << " elements";
  uint64_t size = count * elementSize;
  if (tensor.has_segment())
    return emitError() << "tensors in segments are not supported";

  if (tensor.data_location() == ::onnx::TensorProto::EXTERNAL)
    return readExternalData(tensor, modelPath, size, budget, files, emitError);
  if (tensor.has_raw_data()) {
    if (typedCount)
      return emitError() << "data is given twice, raw and typed";
    if (tensor.raw_data().size() != size)
      return emitError() << "the shape needs " << size << " bytes but "
                         << tensor.raw_data().size() << " are given";
    return shown(ArrayRef<char>(tensor.raw_data().data(), size));
  }
  if (typedCount != static_cast<uint64_t>(count))
    return emitError() << "the shape needs " << count << " elements but "
                       << typedCount << " are given";
  return shown(ArrayRef<char>(static_cast<const char *>(typed), size));
}

/// Element i of `bytes`, which need not be aligned.
template <typename T>
static T at(ArrayRef<char> bytes, size_t i) {
  T value;
  std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
  return value;
}

/// The float32 that has all that bfloat16 and float16 (IEEE 754 binary16) hold.
static float widenBFloat(uint16_t bits) { return std::bit_cast<float>(uint32_t{bits} << 16); }
static float widenHalf(uint16_t bits) {
  uint32_t sign = uint32_t{bits} >> 15 << 31, exponent = bits >> 10 & 31, fraction = bits & 1023;
  if (exponent == 0) // 0, or subnormal: a multiple of 2^-24
    return std::copysign(std::ldexp(static_cast<float>(fraction), -24), std::bit_cast<float>(sign));
  return std::bit_cast<float>(sign | (exponent == 31 ? 255 : exponent + 112) << 23 | fraction << 13);
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

/// Elements of `size` bytes, of another type of floats, as float32.
static FailureOr<std::vector<float>> toFloats(int32_t dataType, ArrayRef<char> data, uint64_t size, EmitError emitError) {
  using T = ::onnx::TensorProto;
  std::vector<float> values(data.size() / size);
  for (size_t i = 0; i < values.size(); ++i) {
    if (dataType == T::DOUBLE) {
      double wide = at<double>(data, i);
      values[i] = static_cast<float>(wide);
      if (std::isfinite(wide) && !std::isfinite(values[i]))
        return emitError() << "holds a double that is too large for float32, in which models compute";
      continue;
    }
    uint16_t bits = size == sizeof(int32_t) ? static_cast<uint16_t>(at<int32_t>(data, i)) : at<uint16_t>(data, i);
    values[i] = dataType == T::FLOAT16 ? widenHalf(bits) : widenBFloat(bits);
  }
  return values;
}

FailureOr<ElementsAttr> TensorReader::take(::onnx::TensorProto &tensor, EmitError emitError) {
  using T = ::onnx::TensorProto;
  std::optional<Encoding> encoding = encodingOf(tensor);
  if (!encoding)
    return refuseType(tensor.data_type(), emitError);
  ArrayRef<int64_t> shape(tensor.dims().data(), tensor.dims_size());
  if (failed(checkShape(shape, emitError, /*orEmpty=*/true)))
    return failure();
  constexpr int64_t leastShared = 1 << 14;
  auto type = RankedTensorType::get(shape, Float32Type::get(&context));
  if (type.getNumElements() < leastShared || !llvm::is_contained({T::FLOAT, T::FLOAT16, T::BFLOAT16, T::DOUBLE}, tensor.data_type())) {
    FailureOr<DenseElementsAttr> elements = read(tensor, emitError);
    return failed(elements) ? FailureOr<ElementsAttr>() : FailureOr<ElementsAttr>(*elements);
  }
  bool isTyped = tensor.data_location() != T::EXTERNAL && !tensor.has_raw_data();
  uint64_t size = isTyped ? encoding->typedSize : encoding->rawSize;
  FailureOr<AsmResourceBlob> data = bytes(tensor, size, encoding->typed, encoding->typedCount, emitError);
  if (failed(data))
    return failure();
  if (tensor.data_type() != T::FLOAT) {
    FailureOr<std::vector<float>> values = toFloats(tensor.data_type(), data->getData(), size, emitError);
    if (failed(values))
      return failure();
    // What is not needed any more.
    tensor.clear_raw_data();
    tensor.clear_int32_data();
    tensor.clear_double_data();
    return share(type, ownedBlob(std::move(*values)));
  }
  if (data->getDeleter())
    return share(type, std::move(*data));
  // What the message holds goes over into the attribute.
  ArrayRef<char> bytes = data->getData();
  if (isTyped) {
    google::protobuf::RepeatedField<float> values;
    values.Swap(tensor.mutable_float_data());
    return share(type, AsmResourceBlob(bytes, alignof(float), [values = std::move(values)](void *, size_t, size_t) {}, false));
  }
  std::unique_ptr<std::string> raw(tensor.release_raw_data());
  return share(type, AsmResourceBlob(bytes, alignof(float), [raw = std::move(raw)](void *, size_t, size_t) {}, false));
}

ElementsAttr TensorReader::share(RankedTensorType type, AsmResourceBlob blob) {
  ArrayRef<char> data = blob.getData();
  // One number for all, as new biases and scales have: passes look for splats.
  if (data.drop_front(sizeof(float)) == data.drop_back(sizeof(float)))
    return DenseElementsAttr::getFromRawBuffer(type, data.take_front(sizeof(float)));
  uint64_t hash = llvm::xxh3_64bits(StringRef(data.data(), data.size()));
  SmallVector<DenseResourceElementsAttr, 1> &equals = large[hash];
  for (DenseResourceElementsAttr other : equals)
    if (other.getType() == type && other.getData() == data)
      return other;
  auto elements = DenseResourceElementsAttr::get(type, "initializer_" + std::to_string(largeCount++), std::move(blob));
  equals.push_back(elements);
  return elements;
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
  FailureOr<AsmResourceBlob> blob = bytes(tensor, size, encoding->typed, encoding->typedCount, emitError);
  if (failed(blob))
    return failure();
  ArrayRef<char> data = blob->getData();
  auto typeOf = [&](Type element) { return RankedTensorType::get(shape, element); };
  if (dataType == T::FLOAT)
    return DenseElementsAttr::getFromRawBuffer(typeOf(Float32Type::get(&context)), data);
  size_t count = data.size() / size;
  if (isReal) {
    FailureOr<std::vector<float>> values = toFloats(dataType, data, size, emitError);
    if (failed(values))
      return failure();
    return DenseElementsAttr::get(typeOf(Float32Type::get(&context)), ArrayRef(*values));
  }
  if (dataType == T::INT64)
    return DenseElementsAttr::getFromRawBuffer(typeOf(IntegerType::get(&context, 64)), data);
  if (dataType == T::INT32)
    return DenseElementsAttr::getFromRawBuffer(typeOf(IntegerType::get(&context, 32)), data);
  SmallVector<bool> values(count);
  for (size_t i = 0; i < count; ++i)
    values[i] = size == sizeof(int32_t) ? at<int32_t>(data, i) != 0 : at<int8_t>(data, i) != 0;
  return DenseElementsAttr::get(typeOf(IntegerType::get(&context, 1)), ArrayRef<bool>(values));
}

LogicalResult TensorReader::takeIn(::onnx::TensorProto &tensor, EmitError emitError) {
  if (tensor.data_location() != ::onnx::TensorProto::EXTERNAL)
    return success();
  std::optional<Encoding> encoding = encodingOf(tensor);
  if (!encoding)
    return refuseType(tensor.data_type(), emitError);
  FailureOr<AsmResourceBlob> data = bytes(tensor, encoding->rawSize, nullptr, 0, emitError);
  if (failed(data))
    return failure();
  tensor.clear_data_location();
  tensor.clear_external_data();
  tensor.set_raw_data(data->getData().data(), data->getData().size());
  return success();
}
