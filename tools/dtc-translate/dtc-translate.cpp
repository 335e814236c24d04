// dtc-translate: prints rt programs as what the emitter makes of them, and dist
// modules as pictures.
#include "dtc/Cost/ClusterMachine.h"
#include "dtc/Emit/Emit.h"
#include "dtc/Explain/PartitionDot.h"
#include "dtc/Explain/TimetableSVG.h"
#include "dtc/Pipelines/Registration.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Tools/mlir-translate/MlirTranslateMain.h"
#include "mlir/Tools/mlir-translate/Translation.h"

/// Applies `print` to the programs of a module, all roles together.
template <typename Print>
static llvm::LogicalResult withPrograms(mlir::Operation *op, Print print) {
  llvm::SmallVector<dtc::rt::ProgramOp> programs(
      llvm::cast<mlir::ModuleOp>(op).getOps<dtc::rt::ProgramOp>());
  if (programs.empty())
    return op->emitError("has no program");
  return print(dtc::emit::Programs(programs));
}

/// The training step as it is predicted for the default cluster.
static llvm::LogicalResult drawTimetable(mlir::ModuleOp module, llvm::raw_ostream &os) {
  auto timelines = dtc::timeline::PhaseTimelines::of(module, "train");
  if (failed(timelines))
    return llvm::failure();
  dtc::Cluster cluster = dtc::Cluster::defaultCPU();
  auto simulation = dtc::simulate(*timelines, dtc::ClusterMachine(cluster));
  if (failed(simulation))
    return llvm::failure();
  dtc::explain::TimetablePicture picture{"train", {}, &simulation->timetable};
  for (int64_t rank = 0; rank < timelines->ranks(); ++rank) {
    dtc::dist::TimelineOp timeline = timelines->roleOf(rank).timeline;
    picture.roles.push_back(timeline.getRole().str());
  }
  dtc::explain::drawTimetable(os, picture);
  return llvm::success();
}

int main(int argc, char **argv) {
  mlir::TranslateFromMLIRRegistration source(
      "rt-to-source", "the translation unit of a planned program",
      [](mlir::Operation *op, llvm::raw_ostream &os) {
        return withPrograms(op, [&](dtc::emit::Programs programs) {
          return dtc::emit::emitProgram(programs, os);
        });
      },
      dtc::registerDialects);
  mlir::TranslateFromMLIRRegistration cuda(
      "rt-to-cuda", "the translation unit of a planned program, for GPUs",
      [](mlir::Operation *op, llvm::raw_ostream &os) {
        return withPrograms(op, [&](dtc::emit::Programs programs) {
          return dtc::emit::emitProgram(programs, os, dtc::emit::EntryPoint::Run,
                                        dtc::Target::cuda());
        });
      },
      dtc::registerDialects);
  mlir::TranslateFromMLIRRegistration plan(
      "rt-to-plan", "the plan of a program as JSON",
      [](mlir::Operation *op, llvm::raw_ostream &os) {
        return withPrograms(op, [&](dtc::emit::Programs programs) {
          return dtc::emit::emitPlan(programs, os), llvm::success();
        });
      },
      dtc::registerDialects);
  mlir::TranslateFromMLIRRegistration dot(
      "dist-to-dot", "the partitioned training step as a Graphviz graph",
      [](mlir::Operation *op, llvm::raw_ostream &os) {
        return dtc::explain::drawPartition(os, llvm::cast<mlir::ModuleOp>(op));
      },
      dtc::registerDialects);
  mlir::TranslateFromMLIRRegistration timetable(
      "dist-to-svg", "the timetable of the training step as predicted for the default cluster",
      [](mlir::Operation *op, llvm::raw_ostream &os) {
        return drawTimetable(llvm::cast<mlir::ModuleOp>(op), os);
      },
      dtc::registerDialects);
  return mlir::failed(mlir::mlirTranslateMain(argc, argv, "dtc's emitter and pictures"));
}
