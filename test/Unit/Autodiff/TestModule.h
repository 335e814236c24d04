// What the tests of this folder share: modules from text, inputs, comparison.
#ifndef DTC_TEST_UNIT_AUTODIFF_TESTMODULE_H
#define DTC_TEST_UNIT_AUTODIFF_TESTMODULE_H

#include "test/Reference/Reference.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"

#include <functional>
#include <string>
#include <vector>

namespace dtc::test {

/// nn and func, with the models of Autodiff.
const mlir::DialectRegistry &makeRegistry();

/// Parses text, or Inputs/<file>; the test fails if it is not valid.
mlir::OwningOpRef<mlir::ModuleOp> parse(mlir::MLIRContext &context,
                                        llvm::StringRef text);
mlir::OwningOpRef<mlir::ModuleOp> parseInput(mlir::MLIRContext &context,
                                             llvm::StringRef file);

/// Runs passes on a module, given as text without `builtin.module(…)`; the test
/// fails if one of them does.
void runPasses(mlir::ModuleOp module, llvm::StringRef passes);

struct Range {
  double low, high;
};

/// Elements evenly spread over a range in a shuffled order: all different, none
/// at a kink at 0, and the same on every machine.
reference::Tensor spread(mlir::RankedTensorType type, Range range, unsigned seed);

/// The slope of `scalar` along each element of arguments[i], by central
/// differences.
std::vector<double> centralDifferences(
    const std::function<double(llvm::ArrayRef<reference::Tensor>)> &scalar,
    std::vector<reference::Tensor> arguments, size_t i);

/// Expects |actual - expected| <= tolerance * (1e-2 + |expected|) everywhere.
void expectClose(llvm::ArrayRef<double> actual, llvm::ArrayRef<double> expected,
                 double tolerance, const std::string &what);

} // namespace dtc::test

#endif // DTC_TEST_UNIT_AUTODIFF_TESTMODULE_H
