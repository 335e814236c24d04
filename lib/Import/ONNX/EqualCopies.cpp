// Large tensors that hold the same numbers: exporters fold a Transpose of a weight into a copy of it, and the tie between both is lost.
#include "EqualCopies.h"

#include "mlir/IR/DialectResourceBlobManager.h"

#include <cstring>
#include <unordered_map>

using namespace mlir;
using namespace dtc::onnximport;

static constexpr int64_t fewestElements = 64;

/// The elements; nothing of what is no tensor to compare.
static ArrayRef<char> bytesOf(ElementsAttr elements) {
  if (!elements || !elements.getElementType().isF32() || elements.getNumElements() < fewestElements || elements.isSplat())
    return {};
  if (auto dense = dyn_cast<DenseElementsAttr>(elements))
    return dense.getRawData();
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(elements))
    return resource.getData();
  return {};
}

static uint32_t bitsAt(ArrayRef<char> bytes, size_t element) {
  uint32_t bits;
  std::memcpy(&bits, bytes.data() + element * sizeof(bits), sizeof(bits));
  return bits;
}

/// The same in whatever order the elements are. The mixing is that of splitmix64 (Steele et al. 2014).
static uint64_t sumOfBits(ArrayRef<char> bytes) {
  uint64_t sum = 0;
  for (size_t i = 0; i < bytes.size() / sizeof(uint32_t); ++i) {
    uint64_t mixed = (bitsAt(bytes, i) + 1) * 0x9E3779B97F4A7C15u;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9u;
    sum += mixed ^ (mixed >> 27);
  }
  return sum;
}

/// Whether b, [m, n], is the transpose of a, [n, m].
static bool isTranspose(ArrayRef<char> a, ArrayRef<char> b, int64_t n, int64_t m) {
  constexpr int64_t block = 32; // of either matrix as many cache lines
  for (int64_t row = 0; row < n; row += block)
    for (int64_t column = 0; column < m; column += block)
      for (int64_t i = row; i < std::min(row + block, n); ++i)
        for (int64_t j = column; j < std::min(column + block, m); ++j)
          if (bitsAt(a, i * m + j) != bitsAt(b, j * n + i))
            return false;
  return true;
}

SmallVector<EqualCopy> dtc::onnximport::findEqualCopies(ArrayRef<ElementsAttr> tensors) {
  SmallVector<EqualCopy> copies;
  // Originals by their sums. A file may be made so that many differ and agree in the sum; each is then compared with a few.
  constexpr size_t mostWithOneSum = 16;
  std::unordered_map<uint64_t, SmallVector<size_t, 1>> originals;
  for (auto [i, elements] : llvm::enumerate(tensors)) {
    ArrayRef<char> bytes = bytesOf(elements);
    if (bytes.empty())
      continue;
    ArrayRef<int64_t> shape = elements.getShapedType().getShape();
    SmallVector<size_t, 1> &candidates = originals[sumOfBits(bytes)];
    auto isCopyOf = [&](size_t candidate) -> std::optional<EqualCopy> {
      ElementsAttr other = tensors[candidate];
      ArrayRef<int64_t> otherShape = other.getShapedType().getShape();
      if (shape == otherShape && bytesOf(other) == bytes)
        return EqualCopy{i, candidate, false};
      if (shape.size() == 2 && otherShape.size() == 2 && shape[0] == otherShape[1] && shape[1] == otherShape[0] &&
          isTranspose(bytesOf(other), bytes, otherShape[0], otherShape[1]))
        return EqualCopy{i, candidate, true};
      return std::nullopt;
    };
    std::optional<EqualCopy> found;
    for (size_t candidate : candidates)
      if ((found = isCopyOf(candidate)))
        break;
    if (found)
      copies.push_back(*found);
    else if (candidates.size() < mostWithOneSum)
      candidates.push_back(i);
  }
  return copies;
}
