// Options of runtime calls.
#include "dtc/Plan/FragmentBuilder.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::plan;

CallOptions &CallOptions::add(StringRef name, Attribute value) {
  names.push_back(builder.getStringAttr(name));
  values.push_back(value);
  return *this;
}

CallOptions &CallOptions::buffer(StringRef name, Value memory) {
  if (memory) {
    operandNames.push_back(builder.getStringAttr(name));
    operands.push_back(memory);
  }
  return *this;
}

CallOptions &CallOptions::integer(StringRef name, int64_t value,
                                  int64_t defaultValue) {
  return value == defaultValue ? *this
                               : add(name, builder.getI64IntegerAttr(value));
}

CallOptions &CallOptions::real(StringRef name, double value,
                               double defaultValue) {
  return value == defaultValue ? *this : add(name, builder.getF64FloatAttr(value));
}

CallOptions &CallOptions::flag(StringRef name, bool value) {
  return value ? add(name, builder.getBoolAttr(true)) : *this;
}

CallOptions &CallOptions::word(StringRef name, StringRef value,
                               StringRef defaultValue) {
  return value == defaultValue ? *this : add(name, builder.getStringAttr(value));
}

CallOptions &CallOptions::list(StringRef name, ArrayRef<int64_t> values,
                               std::optional<int64_t> defaultElement) {
  if (defaultElement && llvm::all_of(values, [&](int64_t value) {
        return value == *defaultElement;
      }))
    return *this;
  return add(name, builder.getDenseI64ArrayAttr(values));
}

CallOptions &CallOptions::sum(StringRef option, int64_t operand, ArrayRef<int64_t> axes) {
  canSum.push_back(rt::SumAttr::get(builder.getContext(), option, operand, axes));
  return *this;
}

CallOptions &CallOptions::positional(double value) {
  return add("", builder.getF64FloatAttr(value));
}
