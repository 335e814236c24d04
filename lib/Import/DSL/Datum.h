// What an expression stands for while a model is built.
#ifndef DTC_LIB_IMPORT_DSL_DATUM_H
#define DTC_LIB_IMPORT_DSL_DATUM_H

#include "mlir/IR/Attributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Value.h"

#include <variant>
#include <vector>

namespace dtc::dsl {

/// The value of an expression with an error in it; whatever uses it stays
/// silent, so that one mistake gives one message.
struct Invalid {};
/// A predeclared word, such as `same`.
struct Symbol { llvm::StringRef text; };
using IntegerList = std::vector<int64_t>;
/// The results of a block that has several.
using Tuple = std::vector<mlir::Value>;

/// What a parameter starts as: `normal(stddev: 0.02)`.
struct InitialValue { mlir::Attribute attribute; };

using Datum = std::variant<Invalid, mlir::Value, int64_t, double, bool, Symbol,
                           IntegerList, Tuple, InitialValue>;

inline bool isInvalid(const Datum &datum) {
  return std::holds_alternative<Invalid>(datum);
}

/// `a tensor of shape [256, 10]`, `3.5`, `the list [1, 2]`; for messages.
std::string describe(const Datum &datum);

/// The type of a tensor value.
inline mlir::RankedTensorType tensorType(mlir::Value value) {
  return llvm::cast<mlir::RankedTensorType>(value.getType());
}

} // namespace dtc::dsl

#endif // DTC_LIB_IMPORT_DSL_DATUM_H
