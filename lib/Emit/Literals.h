// Numbers and shapes as source text; private to Emit.
#ifndef DTC_LIB_EMIT_LITERALS_H
#define DTC_LIB_EMIT_LITERALS_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"

namespace dtc::emit {

/// `0.5f`, `1e-08`: the shortest text that reads back the same.
std::string formatReal(double value, bool isF32);
/// `7`, of one bit `true`.
std::string formatInteger(const llvm::APInt &value);
/// `{64, 128}`.
std::string formatList(llvm::ArrayRef<int64_t> values);
/// The runtime's name of an element type: `f32`, `i64`, `u8`, `bool`.
llvm::StringRef elementTypeName(mlir::Type type);

} // namespace dtc::emit

#endif // DTC_LIB_EMIT_LITERALS_H
