// How an op is evaluated: a rule an op, a file a family.
#ifndef DTC_TEST_REFERENCE_RULES_H
#define DTC_TEST_REFERENCE_RULES_H

#include "dialects/NN/NN.h"
#include "test/Reference/Reference.h"

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringMap.h"

namespace dtc::reference {

using Operands = llvm::ArrayRef<const Tensor *>;
using Results = llvm::MutableArrayRef<Tensor>;

/// Computes `results`, which already have their shapes and hold zeros. Operands
/// are in the op's order, absent optional ones left out.
using Rule = llvm::LogicalResult (*)(mlir::Operation *, Operands, Results);
using Rules = llvm::StringMap<Rule>;

void addElementwiseRules(Rules &rules);
void addConvolutionRules(Rules &rules);
void addMatmulRules(Rules &rules);
void addPoolingRules(Rules &rules);
void addNormalisationRules(Rules &rules);
void addSampleNormalisationRules(Rules &rules);
void addRandomRules(Rules &rules);
void addAttentionRules(Rules &rules);
void addRecurrentRules(Rules &rules);
void addShapeRules(Rules &rules);
void addSoftmaxRules(Rules &rules);
void addGatherRules(Rules &rules);
void addLossRules(Rules &rules);
void addOptimizerRules(Rules &rules);

/// Calls `body` with each index of `shape`, in row-major order, and its number.
void forEachIndex(
    llvm::ArrayRef<int64_t> shape,
    llvm::function_ref<void(llvm::ArrayRef<int64_t> index, int64_t flat)> body);

/// The row-major number of `index`, whose trailing dimensions are those of
/// `shape`; where `shape` has length 1 the index counts as 0 (numpy's rule).
int64_t flatten(llvm::ArrayRef<int64_t> index, llvm::ArrayRef<int64_t> shape);

/// The value after an epilogue that Fusion put into an op.
double activate(nn::Activation activation, double alpha, double value);
/// dy times the derivative of an activation at x, of those that Fusion puts into ops.
double activationGradient(nn::Activation activation, double dy, double x);

} // namespace dtc::reference

#endif // DTC_TEST_REFERENCE_RULES_H
