// Identifiers for what has a name in the model; private to Emit.
#ifndef DTC_LIB_EMIT_NAMES_H
#define DTC_LIB_EMIT_NAMES_H

#include "dialects/RT/RT.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

namespace dtc::emit {

/// The identifiers of a program: "conv1.weight" is conv1_weight. Each is distinct from the others of its scope
/// and from what the emitted text calls there; Rationale.md says how.
class Names {
public:
  explicit Names(rt::ProgramOp program);

  /// A buffer's, a view's or a constant's: a member of Buffers, and in `constants` the array of its values. Of a member of an array
  /// `fc_weight[3]`; an array's own.
  llvm::StringRef of(mlir::Value memory) const;
  /// Where in which array a buffer lies; a null array: in none.
  std::pair<rt::ArrayOp, int64_t> placeOf(mlir::Value memory) const { return places.lookup(memory); }
  /// A kernel's or a fragment's: a struct or a function of the file.
  llvm::StringRef of(mlir::Operation *symbol) const;
  /// Whether a variable of this name, in a function of the file, hides nothing that the function uses.
  bool isFreeInFunctions(llvm::StringRef identifier) const { return !ofFile.contains(identifier); }

private:
  /// Identifiers that are taken, each with the number that comes next behind it.
  using Scope = llvm::StringMap<int>;
  static void take(llvm::StringRef identifier, Scope &scope) { scope.try_emplace(identifier, 2); }
  /// `wanted`, or it with the first number behind it that makes it new in `scope`.
  static std::string claim(std::string wanted, Scope &scope);
  void takeWordsOfCalls(rt::ProgramOp program);

  llvm::DenseMap<mlir::Value, std::string> members;
  llvm::DenseMap<mlir::Value, std::pair<rt::ArrayOp, int64_t>> places;
  llvm::DenseMap<mlir::Operation *, std::string> symbols;
  Scope ofFile;
};

/// The model's name of a buffer, a view, a constant or an array.
llvm::StringRef nameOf(mlir::Value memory);

/// An identifier close to `name`: letters, digits and single underscores, that no keyword is and no macro.
std::string makeIdentifier(llvm::StringRef name);
/// The same for a namespace of the file: the role of a program.
std::string roleIdentifier(rt::ProgramOp program);

/// A C++ string literal. Everything but letters, digits and `._/-: ` is an
/// octal escape, so that no name can end the literal or start a trigraph. It ends
/// where a C string ends: a NUL is spelled `\x00`.
std::string quote(llvm::StringRef text);
/// An expression from which a std::string is made: `text` whole, also with NULs.
std::string quoteWhole(llvm::StringRef text);

/// For comments: what is not in the set above is an underscore.
std::string forComment(llvm::StringRef text);

} // namespace dtc::emit

#endif // DTC_LIB_EMIT_NAMES_H
