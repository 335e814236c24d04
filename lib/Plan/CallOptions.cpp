// Options of runtime calls.
#include "dtc/Plan/FragmentBuilder.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::plan;

using Kind = rt::RuntimeOption::Kind;

static const rt::RuntimeCall &declarationOf(StringRef callee) {
  const rt::RuntimeCall *call = rt::runtimeCall(callee);
  assert(call && "a lowering makes a call that the runtime does not have");
  return *call;
}

CallOptions::CallOptions(Builder &builder, StringRef callee) : builder(builder), declared(declarationOf(callee)) {}

const rt::RuntimeOption &CallOptions::option(StringRef name, Kind kind) const {
  const rt::RuntimeOption *option = declared.option(name);
  assert(option && option->kind == kind && "a lowering says what the call does not declare");
  return *option;
}

CallOptions &CallOptions::add(StringRef name, Attribute value) {
  names.push_back(builder.getStringAttr(name));
  values.push_back(value);
  return *this;
}

CallOptions &CallOptions::buffer(StringRef name, Value memory) {
  if (memory) {
    operandNames.push_back(builder.getStringAttr(option(name, Kind::Buffer).name));
    operands.push_back(memory);
  }
  return *this;
}

CallOptions &CallOptions::integer(StringRef name, int64_t value) {
  bool isDefault = static_cast<double>(value) == option(name, Kind::Integer).number;
  return isDefault ? *this : add(name, builder.getI64IntegerAttr(value));
}

CallOptions &CallOptions::real(StringRef name, double value) {
  return value == option(name, Kind::Real).number ? *this : add(name, builder.getF64FloatAttr(value));
}

CallOptions &CallOptions::flag(StringRef name, bool value) {
  StringRef declaredName = option(name, Kind::Flag).name;
  return value ? add(declaredName, builder.getBoolAttr(true)) : *this;
}

CallOptions &CallOptions::word(StringRef name, StringRef value) {
  return value == option(name, Kind::Word).word ? *this : add(name, builder.getStringAttr(value));
}

CallOptions &CallOptions::text(StringRef name, StringRef value) {
  StringRef declaredName = option(name, Kind::Text).name;
  return value.empty() ? *this : add(declaredName, builder.getStringAttr(value));
}

CallOptions &CallOptions::list(StringRef name, ArrayRef<int64_t> values) {
  const rt::RuntimeOption &list = option(name, Kind::List);
  if (list.isFilled && llvm::all_of(values, [&](int64_t value) { return static_cast<double>(value) == list.number; }))
    return *this;
  return add(name, builder.getDenseI64ArrayAttr(values));
}

CallOptions &CallOptions::argument(StringRef name, double value) {
  return add(option(name, Kind::Argument).name, builder.getF64FloatAttr(value));
}

CallOptions &CallOptions::sum(StringRef name, int64_t operand, ArrayRef<int64_t> axes) {
  canSum.push_back(rt::SumAttr::get(builder.getContext(), option(name, Kind::Buffer).name, operand, axes));
  return *this;
}
