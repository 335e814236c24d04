// Signatures of layers, optimizers and the like, and the arguments of a call
// matched with them.
#ifndef DTC_LIB_IMPORT_DSL_SIGNATURE_H
#define DTC_LIB_IMPORT_DSL_SIGNATURE_H

#include "Ast.h"
#include "Datum.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"

namespace dtc::dsl {

/// What an argument may be.
struct Kind {
  llvm::StringRef description; ///< completes "'kernel' must be …"
  /// The argument in the form in which the builtin reads it, or Invalid.
  Datum (*convert)(const Datum &);
};

namespace kinds {
extern const Kind any;
/// Of floating point; of any element type; of i64 or i32.
extern const Kind tensor, anyTensor, ids;
/// What a parameter may be given as: an initial value, or a tensor in its place; whether there is one.
extern const Kind parameter, optionalParameter;
extern const Kind real;
extern const Kind boolean;
/// Any integer, such as an axis.
extern const Kind integer;
/// From 1 to 2^31 - 1: sizes; products of two never overflow.
extern const Kind positive;
/// An integer or a list of integers; read as a list.
extern const Kind integers, positives;
/// As `positives` but 0 is allowed; or `same`.
extern const Kind padding;
} // namespace kinds

enum class Arity { Required, Optional, Rest };

struct FormalParameter {
  llvm::StringRef name;
  const Kind *kind;
  Arity arity = Arity::Required;
};

/// Name and parameters of something that can be called.
struct Signature {
  llvm::StringRef name;
  std::vector<FormalParameter> parameters;
};

/// An argument of a call, evaluated.
struct GivenArgument {
  std::optional<Name> name;
  Datum value;
  Position position;
};

/// The arguments of one call by the names of the parameters. Reading one that
/// is not there, or as another kind than the signature's, is a bug.
class Arguments {
public:
  Arguments(const Signature &signature, Position call, Reporter &reporter)
      : signature(&signature), call(call), reporter(&reporter) {}

  bool has(llvm::StringRef name) const { return bound.count(name); }
  const Datum &get(llvm::StringRef name) const;
  /// All arguments of a Rest parameter, or the one argument of another.
  llvm::ArrayRef<Datum> all(llvm::StringRef name) const;
  Position position(llvm::StringRef name) const;

  mlir::Value tensor(llvm::StringRef name) const {
    return std::get<mlir::Value>(get(name));
  }
  int64_t integer(llvm::StringRef name) const {
    return std::get<int64_t>(get(name));
  }
  int64_t integer(llvm::StringRef name, int64_t byDefault) const {
    return has(name) ? integer(name) : byDefault;
  }
  double real(llvm::StringRef name, double byDefault) const {
    return has(name) ? std::get<double>(get(name)) : byDefault;
  }
  bool boolean(llvm::StringRef name, bool byDefault) const {
    return has(name) ? std::get<bool>(get(name)) : byDefault;
  }
  /// `count` integers of an argument that gave one or as many; reports and
  /// fails for any other number.
  mlir::FailureOr<llvm::SmallVector<int64_t>>
  integers(llvm::StringRef name, size_t count, int64_t byDefault) const;

  /// An error at the argument, or at the call where it was not given.
  mlir::InFlightDiagnostic error(llvm::StringRef name) const;
  mlir::InFlightDiagnostic error() const { return reporter->error(call); }

private:
  friend std::optional<Arguments> bind(const Signature &,
                                       llvm::ArrayRef<GivenArgument>, Position,
                                       Reporter &);
  struct Bound {
    llvm::SmallVector<Datum, 1> values;
    Position position;
  };
  const Signature *signature;
  Position call;
  Reporter *reporter;
  llvm::StringMap<Bound> bound;
};

/// Matches arguments with parameters by place and by name; reports what is
/// unknown, given twice, missing or of the wrong kind.
std::optional<Arguments> bind(const Signature &signature,
                              llvm::ArrayRef<GivenArgument> given,
                              Position call, Reporter &reporter);

} // namespace dtc::dsl

#endif // DTC_LIB_IMPORT_DSL_SIGNATURE_H
