// How buffers lie in memory.
#include "dialects/RT/RT.h"

using namespace mlir;

static SmallVector<int64_t> denseStrides(ArrayRef<int64_t> shape,
                                         bool channelsLast) {
  SmallVector<int64_t> strides(shape.size(), 1);
  int64_t stride = channelsLast ? shape[1] : 1;
  for (int64_t i = static_cast<int64_t>(shape.size()) - 1; i >= 0; --i) {
    if (channelsLast && i == 1)
      continue;
    strides[i] = stride;
    stride *= shape[i];
  }
  return strides;
}

/// Strides of dimensions of extent 1 never matter.
static bool hasStrides(MemRefType type, ArrayRef<int64_t> expected) {
  SmallVector<int64_t> strides = dtc::rt::stridesOf(type);
  for (auto [size, stride, wanted] :
       llvm::zip_equal(type.getShape(), strides, expected))
    if (size != 1 && stride != wanted)
      return false;
  return true;
}

MemRefType dtc::rt::channelsLast(ArrayRef<int64_t> shape, Type elementType) {
  SmallVector<int64_t> strides = denseStrides(shape, /*channelsLast=*/true);
  auto plain = MemRefType::get(shape, elementType);
  if (hasStrides(plain, strides))
    return plain;
  return MemRefType::get(
      shape, elementType,
      StridedLayoutAttr::get(elementType.getContext(), 0, strides));
}

bool dtc::rt::isMemory(MemRefType type) {
  return type.getLayout().isIdentity() || isa<StridedLayoutAttr>(type.getLayout());
}

SmallVector<int64_t> dtc::rt::stridesOf(MemRefType type) {
  if (auto strided = dyn_cast<StridedLayoutAttr>(type.getLayout()))
    return SmallVector<int64_t>(strided.getStrides());
  return denseStrides(type.getShape(), /*channelsLast=*/false);
}

bool dtc::rt::isRowMajor(MemRefType type) {
  return hasStrides(type, denseStrides(type.getShape(), false));
}

bool dtc::rt::isChannelsLast(MemRefType type) {
  return type.getRank() >= 3 &&
         hasStrides(type, denseStrides(type.getShape(), true));
}

int64_t dtc::rt::bytesOf(MemRefType type) {
  return type.getNumElements() * ((type.getElementTypeBitWidth() + 7) / 8);
}
