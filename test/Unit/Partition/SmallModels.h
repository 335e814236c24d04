// Small models in the model language: shapes that pipelines find hard.
#ifndef DTC_TEST_UNIT_PARTITION_SMALLMODELS_H
#define DTC_TEST_UNIT_PARTITION_SMALLMODELS_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace dtc::test {

struct SmallModel {
  const char *name, *text;
};

/// A chain, a residual network, a U-Net, an autoencoder of tied weights, a
/// convolutional network with pooling, and one with several values of one layer
/// across a cut.
llvm::ArrayRef<SmallModel> smallModels();

/// A directed acyclic graph of `layers` dense layers, activations, sums and
/// products; some share a weight, some read a value of long ago.
std::string randomModel(unsigned seed, int layers);

/// The training and the evaluation step of a model, on a batch; null if it does
/// not compile.
mlir::OwningOpRef<mlir::ModuleOp> makeSteps(mlir::MLIRContext &context, llvm::StringRef model,
                                            int64_t batch);

} // namespace dtc::test

#endif // DTC_TEST_UNIT_PARTITION_SMALLMODELS_H
