// Registration of dialects, interfaces and passes of every stage.
#include "dtc/Pipelines/Registration.h"

#include "dialects/NN/NN.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Transforms/Passes.h"

void dtc::registerDialects(mlir::DialectRegistry &registry) {
  registry.insert<nn::NNDialect, mlir::func::FuncDialect>();
}

void dtc::registerPasses() { mlir::registerTransformsPasses(); }
