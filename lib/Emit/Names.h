// Identifiers for what has a name in the model; private to Emit.
#ifndef DTC_LIB_EMIT_NAMES_H
#define DTC_LIB_EMIT_NAMES_H

#include "dialects/RT/RT.h"

#include "llvm/ADT/StringSet.h"

namespace dtc::emit {

/// Gives every buffer of a program an identifier made from its name:
/// "conv1.weight" is conv1_weight. Distinct buffers get distinct ones; no
/// keyword, no name of the runtime's.
class Names {
public:
  explicit Names(rt::ProgramOp program);
  llvm::StringRef of(mlir::Value memory) const;

private:
  llvm::DenseMap<mlir::Value, std::string> identifiers;
};

/// An identifier close to `name`: letters, digits and single underscores.
std::string makeIdentifier(llvm::StringRef name);

/// A C++ string literal. Everything but letters, digits and `._/-: ` is an
/// octal escape, so that no name can end the literal or start a trigraph.
std::string quote(llvm::StringRef text);

/// For comments: what is not in the set above is an underscore.
std::string forComment(llvm::StringRef text);

} // namespace dtc::emit

#endif // DTC_LIB_EMIT_NAMES_H
