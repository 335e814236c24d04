// Reads the weights of classes.
#include "ClassWeights.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MemoryBuffer.h"

#include <cmath>

using namespace llvm;

bool dtc::isClassWeightsFile(StringRef text) { return text.ends_with(".npy"); }

static Error makeError(StringRef text, const Twine &message) {
  return createStringError(inconvertibleErrorCode(), "--class-weights=" + text + ": " + message);
}

static Expected<std::vector<double>> readFile(StringRef path) {
  auto file = MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!file)
    return makeError(path, file.getError().message());
  StringRef bytes = (*file)->getBuffer();
  auto fail = [&](const Twine &message) { return makeError(path, message); };
  if (!bytes.consume_front("\x93NUMPY") || bytes.size() < 6 || bytes[0] < 1 || bytes[0] > 3)
    return fail("not a NumPy file");
  bool isLong = bytes[0] > 1; // the header's length has 4 bytes since version 2
  size_t length = isLong ? support::endian::read32le(bytes.data() + 2) : support::endian::read16le(bytes.data() + 2);
  bytes = bytes.drop_front(isLong ? 6 : 4);
  if (length > bytes.size())
    return fail("its header is longer than the file");
  std::string header = bytes.take_front(length).str();
  bytes = bytes.drop_front(length);
  erase_if(header, [](char c) { return isSpace(c); });
  StringRef text = header;
  size_t width = text.contains("'descr':'<f8'") ? 8 : text.contains("'descr':'<f4'") ? 4 : 0;
  if (!width)
    return fail("expected f32 or f64 numbers");
  size_t shape = text.find("'shape':(");
  uint64_t count;
  StringRef behind = shape == StringRef::npos ? "" : text.substr(shape + StringRef("'shape':(").size());
  if (behind.consumeInteger(10, count) || !behind.starts_with(",)"))
    return fail("expected one dimension, of the classes");
  if (bytes.size() / width != count || bytes.size() % width != 0)
    return fail("its header names " + Twine(count) + " numbers, but it holds " + Twine(bytes.size()) + " bytes of them");
  std::vector<double> weights(count);
  for (auto [i, weight] : enumerate(weights))
    weight = width == 8 ? bit_cast<double>(support::endian::read64le(bytes.data() + 8 * i))
                        : bit_cast<float>(support::endian::read32le(bytes.data() + 4 * i));
  return weights;
}

Expected<std::vector<double>> dtc::readClassWeights(StringRef text) {
  if (isClassWeightsFile(text))
    return readFile(text);
  std::vector<double> weights;
  for (StringRef item : split(text, ','))
    if (item.getAsDouble(weights.emplace_back()))
      return makeError(text, "expected numbers behind commas, or a file whose name ends in .npy");
  return weights;
}
