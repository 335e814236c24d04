// What the parts of the emitter share: the program, its names, the output.
#ifndef DTC_LIB_EMIT_PRINTER_H
#define DTC_LIB_EMIT_PRINTER_H

#include "Names.h"

#include "llvm/Support/raw_ostream.h"

namespace dtc::emit {

struct Printer {
  rt::ProgramOp program;
  Names names;
  llvm::raw_ostream &os;

  Printer(rt::ProgramOp program, llvm::raw_ostream &os)
      : program(program), names(program), os(os) {}

  /// `b.conv1_weight`.
  std::string buffer(mlir::Value memory) const {
    return ("b." + names.of(memory)).str();
  }
};

/// Program.cpp: "data parallel on 4 devices".
std::string describeStrategy(rt::ProgramOp program);
/// Kernels.cpp: `struct relu { … };`. Fails on an op without an expression.
llvm::LogicalResult printKernel(Printer &printer, rt::KernelOp kernel);
/// Buffers.cpp: arrays of constants, and `struct Buffers { … };`.
llvm::LogicalResult printBuffers(Printer &printer);
/// Calls.cpp: one op of a fragment or a timeline, as a statement.
llvm::LogicalResult printCall(Printer &printer, mlir::Operation *op);
/// Binding.cpp: `Plan plan()` and `Binding bind(Buffers &)`.
void printPlan(Printer &printer);
void printBinding(Printer &printer);

} // namespace dtc::emit

#endif // DTC_LIB_EMIT_PRINTER_H
