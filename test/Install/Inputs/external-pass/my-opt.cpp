// my-opt: dtc's passes and one more, which reports how many nn ops a module has.
#include "dialects/NN/NN.h"
#include "dtc/Pipelines/Registration.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

namespace {
struct CountOpsPass
    : mlir::PassWrapper<CountOpsPass, mlir::OperationPass<mlir::ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(CountOpsPass)
  llvm::StringRef getArgument() const final { return "count-ops"; }
  llvm::StringRef getDescription() const final { return "Report the number of nn ops"; }

  void runOnOperation() final {
    unsigned count = 0;
    getOperation()->walk([&](mlir::Operation *op) {
      count += llvm::isa_and_present<dtc::nn::NNDialect>(op->getDialect());
    });
    getOperation().emitRemark() << count << " nn ops";
  }
};
} // namespace

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  dtc::registerDialects(registry);
  dtc::registerPasses();
  mlir::PassRegistration<CountOpsPass>();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "a pass outside dtc\n", registry));
}
