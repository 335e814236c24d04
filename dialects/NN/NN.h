// The nn dialect: dialect class, attributes and ops.
#ifndef DTC_DIALECTS_NN_NN_H
#define DTC_DIALECTS_NN_NN_H

#include "dtc/Optimizers/FormulaSize.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include <mutex>

namespace dtc::nn {
/// A double as a parameter of an attribute (`lr = 1.0e-3`): it hashes and
/// compares by its bits, and prints so that it reads back the same.
struct Real {
  Real() = default;
  explicit Real(double value) : value(value) {}
  operator double() const { return value; }
  double value = 0;

  friend bool operator==(Real a, Real b) {
    return llvm::bit_cast<uint64_t>(a.value) == llvm::bit_cast<uint64_t>(b.value);
  }
  friend llvm::hash_code hash_value(Real real) {
    return llvm::hash_value(llvm::bit_cast<uint64_t>(real.value));
  }
  friend mlir::AsmPrinter &operator<<(mlir::AsmPrinter &printer, Real real) {
    printer.printFloat(llvm::APFloat(real.value));
    return printer;
  }
};
} // namespace dtc::nn

template <>
struct mlir::FieldParser<dtc::nn::Real> {
  static FailureOr<dtc::nn::Real> parse(AsmParser &parser) {
    double value;
    if (parser.parseFloat(value))
      return failure();
    return dtc::nn::Real(value);
  }
};

#include "dialects/NN/NNDialect.h.inc"
#include "dialects/NN/NNEnums.h.inc"

namespace dtc::nn {

/// An op whose result element i needs element i (after broadcasting) of each
/// operand and nothing else.
template <typename ConcreteType>
class Elementwise
    : public mlir::OpTrait::TraitBase<ConcreteType, Elementwise> {};

/// The type that numpy's broadcasting gives for `operands`: bf16 if one of them is, else their element type. Fails
/// with one diagnostic naming both shapes or both element types that disagree.
llvm::LogicalResult
inferElementwise(std::optional<mlir::Location> location,
                 mlir::ValueRange operands,
                 llvm::SmallVectorImpl<mlir::Type> &types);

/// The same of what is compared, with booleans as elements; and of what a condition, the first operand, chooses from.
llvm::LogicalResult inferComparison(std::optional<mlir::Location> location, mlir::ValueRange operands,
                                    llvm::SmallVectorImpl<mlir::Type> &types);
llvm::LogicalResult inferWhere(std::optional<mlir::Location> location, mlir::ValueRange operands,
                               llvm::SmallVectorImpl<mlir::Type> &types);

/// The shape to which numpy's broadcasting brings `operands`; nothing if they do not fit together.
std::optional<llvm::SmallVector<int64_t>> broadcastShape(mlir::ValueRange operands);

/// Whether a value can have a gradient: a tensor of floating-point numbers, not of integers or booleans.
bool hasGradient(mlir::Type type);

/// f32 for bf16, any other type as it is: in what values of `element` are added up.
mlir::Type accumulatedType(mlir::Type element);

/// `[1, 2, 3]`, for diagnostics.
std::string formatShape(llvm::ArrayRef<int64_t> shape);

/// Names of the attributes on functions, arguments and results.
namespace names {
inline constexpr llvm::StringLiteral input = "nn.input";
inline constexpr llvm::StringLiteral parameter = "nn.parameter";
inline constexpr llvm::StringLiteral init = "nn.init";
inline constexpr llvm::StringLiteral frozen = "nn.frozen";
inline constexpr llvm::StringLiteral rateScale = "nn.rate_scale";
inline constexpr llvm::StringLiteral noDecay = "nn.no_decay";
inline constexpr llvm::StringLiteral constantUse = "nn.constant_use";
inline constexpr llvm::StringLiteral label = "nn.label";
inline constexpr llvm::StringLiteral classes = "nn.classes";
inline constexpr llvm::StringLiteral sampleWeight = "nn.sample_weight";
inline constexpr llvm::StringLiteral lossWeight = "nn.loss_weight";
inline constexpr llvm::StringLiteral sampleIndex = "nn.sample_index";
inline constexpr llvm::StringLiteral step = "nn.step";
inline constexpr llvm::StringLiteral learningRate = "nn.learning_rate";
inline constexpr llvm::StringLiteral state = "nn.state";
inline constexpr llvm::StringLiteral statistic = "nn.statistic";
inline constexpr llvm::StringLiteral output = "nn.output";
inline constexpr llvm::StringLiteral loss = "nn.loss";
inline constexpr llvm::StringLiteral correct = "nn.correct";
inline constexpr llvm::StringLiteral model = "nn.model";
inline constexpr llvm::StringLiteral ownLoss = "nn.own_loss";
inline constexpr llvm::StringLiteral recipe = "nn.recipe";
inline constexpr llvm::StringLiteral phase = "nn.phase";
inline constexpr llvm::StringLiteral precision = "nn.precision";
inline constexpr llvm::StringLiteral wholeBatches = "nn.whole_batches";
} // namespace names

} // namespace dtc::nn

#define GET_ATTRDEF_CLASSES
#include "dialects/NN/NNAttrs.h.inc"

namespace dtc::nn {

/// Which epilogues an op may have.
struct EpilogueForms {
  bool activation = false, residual = false, gradient = false;
  bool admit(EpilogueAttr epilogue) const;
};

/// One diagnostic if `op`, a TakesEpilogue, has an epilogue that it does not take, or one whose operand is missing, stands alone or has
/// another type than the result.
llvm::LogicalResult verifyEpilogue(mlir::Operation *op);

} // namespace dtc::nn

#include "dialects/NN/NNInterfaces.h.inc"

#define GET_OP_CLASSES
#include "dialects/NN/NNOps.h.inc"

#endif // DTC_DIALECTS_NN_NN_H
