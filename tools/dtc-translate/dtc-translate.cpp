// dtc-translate: prints rt programs as what the emitter makes of them.
#include "dtc/Emit/Emit.h"
#include "dtc/Pipelines/Registration.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Tools/mlir-translate/MlirTranslateMain.h"
#include "mlir/Tools/mlir-translate/Translation.h"

/// Applies `print` to every program of a module.
template <typename Print>
static llvm::LogicalResult forEachProgram(mlir::Operation *op, Print print) {
  for (auto program : llvm::cast<mlir::ModuleOp>(op).getOps<dtc::rt::ProgramOp>())
    if (failed(print(program)))
      return llvm::failure();
  return llvm::success();
}

int main(int argc, char **argv) {
  mlir::TranslateFromMLIRRegistration source(
      "rt-to-source", "the translation unit of a planned program",
      [](mlir::Operation *op, llvm::raw_ostream &os) {
        return forEachProgram(op, [&](dtc::rt::ProgramOp program) {
          return dtc::emit::emitProgram(program, os);
        });
      },
      dtc::registerDialects);
  mlir::TranslateFromMLIRRegistration plan(
      "rt-to-plan", "the plan of a program as JSON",
      [](mlir::Operation *op, llvm::raw_ostream &os) {
        return forEachProgram(op, [&](dtc::rt::ProgramOp program) {
          return dtc::emit::emitPlan(program, os), llvm::success();
        });
      },
      dtc::registerDialects);
  return mlir::failed(mlir::mlirTranslateMain(argc, argv, "dtc's emitter"));
}
