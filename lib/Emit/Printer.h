// What the parts of the emitter share: the program, its names, the output.
#ifndef DTC_LIB_EMIT_PRINTER_H
#define DTC_LIB_EMIT_PRINTER_H

#include "Names.h"

#include "dtc/Emit/Emit.h"

#include "llvm/Support/raw_ostream.h"

namespace dtc::emit {

struct Printer {
  rt::ProgramOp program;
  mlir::SymbolTable symbols;
  Names names;
  llvm::raw_ostream &os;
  Target target;
  /// The slot that statements work on: `microbatch` in fragments, a number in
  /// timelines.
  std::string slot = "0";

  Printer(rt::ProgramOp program, llvm::raw_ostream &os, Target target)
      : program(program), symbols(program), names(program), os(os), target(target) {}

  /// `b.conv1_weight`, `b.conv1[microbatch]`.
  std::string buffer(mlir::Value memory) const {
    return ("b." + names.of(memory) + (slotsOf(memory) > 1 ? "[" + slot + "]" : "")).str();
  }
  /// How often the memory is there; a view of the batch's rows, once a microbatch.
  static int64_t slotsOf(mlir::Value memory);

  /// The variable that holds communication under way: `pool1_to_1_0`.
  std::string pending(mlir::Value started);
  /// A new function: the names of such variables are free again.
  void beginTimeline() { pendingNames.clear(); }

private:
  llvm::DenseMap<mlir::Value, std::string> pendings;
  llvm::StringSet<> pendingNames;
};

/// Program.cpp: "data parallel on 4 devices".
std::string describeStrategy(rt::ProgramOp program);
/// Fragments.cpp: which of a program's timelines is of the phase, or null.
rt::TimelineOp timelineOf(rt::ProgramOp program, llvm::StringRef phase);
/// Fragments.cpp: kernels, buffers, fragments, timelines and the binding of a program.
llvm::LogicalResult printRole(Printer &printer);
/// Kernels.cpp: `struct relu { … };`. Fails on an op without an expression.
llvm::LogicalResult printKernel(Printer &printer, rt::KernelOp kernel);
/// Formulas.cpp: `struct adam { … };`. Fails on an op without an expression.
llvm::LogicalResult printFormula(Printer &printer, rt::FormulaOp formula);
/// Lanes.cpp: neighbouring elements of the innermost dimension that a GPU's thread can
/// take at a time: 16 bytes, or as many as all that is read and written side by side allows.
int64_t lanesOf(rt::ProgramOp program, rt::KernelOp kernel);
/// Buffers.cpp: offset in bytes of a buffer or of a view into one.
int64_t offsetOf(mlir::Value memory);
/// Buffers.cpp: bytes from one slot to the next.
int64_t strideOf(mlir::Value memory);
/// Buffers.cpp: arrays of constants, and `struct Buffers { … };`.
llvm::LogicalResult printBuffers(Printer &printer);
/// Calls.cpp: one op of a fragment or a timeline, as a statement.
llvm::LogicalResult printCall(Printer &printer, mlir::Operation *op);
/// Facts.cpp: `Plan plan()` of all programs together.
void printPlan(llvm::ArrayRef<rt::ProgramOp> programs, Target target, llvm::StringRef identity,
               llvm::raw_ostream &os);
/// Binding.cpp: `Binding bind(Buffers &)`. Fails on state that does not start as one value.
llvm::LogicalResult printBinding(Printer &printer);

} // namespace dtc::emit

#endif // DTC_LIB_EMIT_PRINTER_H
