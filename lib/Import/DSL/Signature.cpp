// Kinds of arguments, and matching a call's arguments with its signature.
#include "Signature.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"

using namespace dtc::dsl;
using llvm::StringRef;

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

namespace {
struct Describe {
  std::string operator()(Invalid) const { return "an invalid value"; }
  std::string operator()(mlir::Value value) const {
    mlir::Type element = tensorType(value).getElementType();
    std::string text = element.isInteger(64)   ? "an i64 tensor of shape ["
                       : element.isInteger(32) ? "an i32 tensor of shape ["
                       : element.isInteger(1)  ? "a bool tensor of shape ["
                                               : "a tensor of shape [";
    llvm::raw_string_ostream stream(text);
    llvm::interleaveComma(tensorType(value).getShape(), stream);
    stream << "]";
    return text;
  }
  std::string operator()(int64_t value) const { return std::to_string(value); }
  std::string operator()(double value) const {
    std::string text;
    llvm::raw_string_ostream(text) << llvm::format("%g", value);
    return text;
  }
  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(Symbol symbol) const {
    return ("'" + symbol.text + "'").str();
  }
  std::string operator()(const IntegerList &list) const {
    std::string text = "the list [";
    llvm::raw_string_ostream stream(text);
    llvm::interleaveComma(llvm::ArrayRef(list).take_front(8), stream);
    stream << (list.size() > 8 ? ", …]" : "]");
    return text;
  }
  std::string operator()(const Tuple &tuple) const {
    return std::to_string(tuple.size()) + " results";
  }
  std::string operator()(InitialValue) const { return "an initial value"; }
};
} // namespace

std::string dtc::dsl::describe(const Datum &datum) {
  return std::visit(Describe(), datum);
}

//===----------------------------------------------------------------------===//
// Kinds
//===----------------------------------------------------------------------===//

static bool isReal(mlir::Value value) {
  return llvm::isa<mlir::FloatType>(tensorType(value).getElementType());
}

static constexpr int64_t maxSize = INT32_MAX;

template <typename T>
static Datum ifHolds(const Datum &datum) {
  return std::holds_alternative<T>(datum) ? datum : Datum(Invalid());
}

static Datum ifInteger(const Datum &datum, int64_t low, int64_t high) {
  auto *value = std::get_if<int64_t>(&datum);
  return value && *value >= low && *value <= high ? datum : Datum(Invalid());
}

static Datum ifIntegers(const Datum &datum, int64_t low, int64_t high) {
  IntegerList list;
  if (auto *value = std::get_if<int64_t>(&datum))
    list = {*value};
  else if (auto *values = std::get_if<IntegerList>(&datum))
    list = *values;
  else
    return Invalid();
  for (int64_t value : list)
    if (value < low || value > high)
      return Invalid();
  return list;
}

namespace dtc::dsl::kinds {
const Kind any = {"a value", [](const Datum &datum) { return datum; }};
const Kind tensor = {"an f32 tensor", [](const Datum &datum) {
                       auto *value = std::get_if<mlir::Value>(&datum);
                       return value && isReal(*value) ? datum : Datum(Invalid());
                     }};
const Kind anyTensor = {"a tensor", ifHolds<mlir::Value>};
const Kind ids = {"a tensor of i64 or i32", [](const Datum &datum) {
                    auto *value = std::get_if<mlir::Value>(&datum);
                    bool whole = value && !isReal(*value) && tensorType(*value).getElementTypeBitWidth() > 1;
                    return whole ? datum : Datum(Invalid());
                  }};
const Kind parameter = {
    "an initial value or an f32 tensor", [](const Datum &datum) {
      return std::holds_alternative<InitialValue>(datum) ? datum : tensor.convert(datum);
    }};
const Kind optionalParameter = {
    "true, false, an initial value or an f32 tensor", [](const Datum &datum) {
      return std::holds_alternative<bool>(datum) ? datum : parameter.convert(datum);
    }};
const Kind real = {"a number", [](const Datum &datum) {
                     if (auto *value = std::get_if<int64_t>(&datum))
                       return Datum(static_cast<double>(*value));
                     return ifHolds<double>(datum);
                   }};
const Kind boolean = {"true or false", ifHolds<bool>};
const Kind integer = {"an integer", ifHolds<int64_t>};
const Kind positive = {
    "an integer from 1 to 2147483647",
    [](const Datum &datum) { return ifInteger(datum, 1, maxSize); }};
const Kind integers = {
    "an integer or a list of integers",
    [](const Datum &datum) { return ifIntegers(datum, INT64_MIN, INT64_MAX); }};
const Kind positives = {
    "an integer from 1 to 2147483647 or a list of such",
    [](const Datum &datum) { return ifIntegers(datum, 1, maxSize); }};
const Kind padding = {
    "an integer from 0 to 2147483647, a list of such, or 'same'",
    [](const Datum &datum) {
      auto *symbol = std::get_if<Symbol>(&datum);
      return symbol && symbol->text == "same" ? datum
                                              : ifIntegers(datum, 0, maxSize);
    }};
} // namespace dtc::dsl::kinds

//===----------------------------------------------------------------------===//
// Arguments
//===----------------------------------------------------------------------===//

llvm::ArrayRef<Datum> Arguments::all(StringRef name) const {
  auto it = bound.find(name);
  return it == bound.end() ? llvm::ArrayRef<Datum>() : it->second.values;
}

const Datum &Arguments::get(StringRef name) const {
  assert(all(name).size() == 1 && "no such argument");
  return all(name).front();
}

Position Arguments::position(StringRef name) const {
  auto it = bound.find(name);
  return it == bound.end() ? call : it->second.position;
}

mlir::InFlightDiagnostic Arguments::error(StringRef name) const {
  mlir::InFlightDiagnostic diagnostic = reporter->error(position(name));
  diagnostic << "'" << name << "' of '" << signature->name << "' ";
  return diagnostic;
}

mlir::FailureOr<llvm::SmallVector<int64_t>>
Arguments::integers(StringRef name, size_t count, int64_t byDefault) const {
  if (!has(name))
    return llvm::SmallVector<int64_t>(count, byDefault);
  const auto &list = std::get<IntegerList>(get(name));
  if (list.size() == 1)
    return llvm::SmallVector<int64_t>(count, list.front());
  if (list.size() == count)
    return llvm::SmallVector<int64_t>(list.begin(), list.end());
  error(name) << "must be one integer or " << count << ", not " << list.size();
  return mlir::failure();
}

static const FormalParameter *find(const Signature &signature, StringRef name) {
  for (const FormalParameter &parameter : signature.parameters)
    if (parameter.name == name)
      return &parameter;
  return nullptr;
}

/// `a |> conv2d` and `conv2d()` are both calls of conv2d(x, channels, …).
static std::string spell(const Signature &signature) {
  std::string text = (signature.name + "(").str();
  for (auto [i, parameter] : llvm::enumerate(signature.parameters)) {
    text += i ? ", " : "";
    text += parameter.name;
    text += parameter.arity == Arity::Rest       ? ", …"
            : parameter.arity == Arity::Optional ? ": …"
                                                 : "";
  }
  return text + ")";
}

std::optional<Arguments> dtc::dsl::bind(const Signature &signature,
                                        llvm::ArrayRef<GivenArgument> given,
                                        Position call, Reporter &reporter) {
  Arguments arguments(signature, call, reporter);
  bool valid = true;
  size_t place = 0;
  for (const GivenArgument &argument : given) {
    const FormalParameter *parameter = nullptr;
    if (argument.name) {
      parameter = find(signature, argument.name->text);
      if (!parameter) {
        llvm::SmallVector<StringRef> names;
        for (const FormalParameter &known : signature.parameters)
          names.push_back(known.name);
        reporter.error(argument.name->position)
            << "'" << signature.name << "' has no argument '"
            << argument.name->text << "'"
            << didYouMean(argument.name->text, names);
        valid = false;
        continue;
      }
    } else if (place < signature.parameters.size()) {
      parameter = &signature.parameters[place];
      if (parameter->arity != Arity::Rest)
        ++place;
    } else {
      reporter.error(argument.position)
          << "too many arguments for " << spell(signature);
      return std::nullopt;
    }

    Position where = argument.name ? argument.name->position : argument.position;
    auto [it, isNew] = arguments.bound.try_emplace(parameter->name);
    Arguments::Bound &bound = it->second;
    if (isNew)
      bound.position = argument.position;
    if (!isNew && parameter->arity != Arity::Rest) {
      reporter.error(where)
          << "'" << parameter->name << "' is given twice";
      valid = false;
      continue;
    }
    if (isInvalid(argument.value)) {
      valid = false;
      continue;
    }
    Datum converted = parameter->kind->convert(argument.value);
    if (isInvalid(converted)) {
      reporter.error(argument.position)
          << "'" << parameter->name << "' of '" << signature.name
          << "' must be " << parameter->kind->description << ", not "
          << describe(argument.value);
      valid = false;
      continue;
    }
    bound.values.push_back(std::move(converted));
  }
  // A misspelt argument is not missing as well.
  if (!valid)
    return std::nullopt;
  for (const FormalParameter &parameter : signature.parameters) {
    if (parameter.arity == Arity::Required &&
        !arguments.bound.count(parameter.name)) {
      reporter.error(call) << "'" << parameter.name << "' is missing in "
                           << spell(signature);
      return std::nullopt;
    }
  }
  return arguments;
}
