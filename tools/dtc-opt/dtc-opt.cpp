// dtc-opt: runs passes of dtc on MLIR text, one by one or as pipelines.
#include "dtc/Pipelines/Registration.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  dtc::registerDialects(registry);
  dtc::registerPasses();
  return mlir::asMainReturnCode(mlir::MlirOptMain(
      argc, argv, "dtc's passes, from nn to the emitted program\n", registry));
}
