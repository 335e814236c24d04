// Numbers and shapes as source text.
#include "Literals.h"

#include "llvm/ADT/StringExtras.h"

#include <charconv>
#include <cmath>

using namespace mlir;

std::string dtc::emit::formatReal(double value, bool isF32) {
  if (std::isnan(value))
    return "NAN";
  if (std::isinf(value))
    return value < 0 ? "-INFINITY" : "INFINITY";
  char buffer[64];
  std::to_chars_result end =
      isF32 ? std::to_chars(buffer, std::end(buffer), static_cast<float>(value))
            : std::to_chars(buffer, std::end(buffer), value);
  std::string text(buffer, end.ptr);
  if (text.find_first_of(".e") == std::string::npos)
    text += ".0";
  return isF32 ? text + "f" : text;
}

std::string dtc::emit::formatInteger(const APInt &value) {
  if (value.getBitWidth() == 1)
    return value.isZero() ? "false" : "true";
  // C++ has no literal for the lowest, only for its neighbour.
  return value.isMinSignedValue() ? toString(value + 1, 10, /*Signed=*/true) + " - 1" : toString(value, 10, /*Signed=*/true);
}

std::string dtc::emit::formatList(ArrayRef<int64_t> values) {
  std::string text = "{";
  for (size_t i = 0; i < values.size(); ++i)
    text += (i ? ", " : "") + std::to_string(values[i]);
  return text + "}";
}

StringRef dtc::emit::elementTypeName(Type type) {
  if (type.isF32())
    return "f32";
  if (type.isBF16())
    return "bf16";
  if (type.isF64())
    return "f64";
  if (type.isInteger(64))
    return "i64";
  if (type.isInteger(32))
    return "i32";
  if (type.isInteger(1))
    return "bool";
  assert(type.isInteger(8) && "the rt dialect has no other element types");
  return "u8";
}
