// What the programs of node tests are called with, as a file that they read.
#ifndef DTC_TEST_NODETESTS_TESTDATA_H
#define DTC_TEST_NODETESTS_TESTDATA_H

#include "NodeTest.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/raw_ostream.h"

namespace dtc::test {

/// Writes a line `NAME TENSORS`, and of each tensor a line `TYPE RANK SIZES... NAME` (TYPE: f32, i64, i32 or bool) with the elements behind it,
/// little-endian: the inputs and expected outputs under their names in the step, and the initial values that `model` stores under their own.
/// Returns what is wrong with the test's data, or nothing.
std::string writeTestData(const NodeTest &test, mlir::func::FuncOp model, llvm::raw_ostream &os);

} // namespace dtc::test

#endif // DTC_TEST_NODETESTS_TESTDATA_H
