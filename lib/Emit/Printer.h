// What the parts of the emitter share: the program, its names, the output.
#ifndef DTC_LIB_EMIT_PRINTER_H
#define DTC_LIB_EMIT_PRINTER_H

#include "LayerParts.h"
#include "Names.h"

#include "dtc/Emit/Emit.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/Support/raw_ostream.h"

namespace dtc::emit {

/// A loop's variable: in run k it is `first` + `step` * k.
struct Loop {
  mlir::Value run;
  std::string variable;
  int64_t first, step;
  /// Whether it counts microbatches.
  bool ofMicrobatches;
};

struct Printer {
  rt::ProgramOp program;
  mlir::SymbolTable symbols;
  Names names;
  LayerParts parts;
  llvm::raw_ostream &os;
  const Target &target;
  /// The slot that statements work on: `microbatch` in fragments, a number in
  /// timelines.
  std::string slot = "0";
  /// What stands before a statement.
  std::string indent = "  ";
  /// Formulas that stand before the roles.
  llvm::DenseSet<mlir::Operation *> shared;
  /// Around the statement that is printed, innermost last.
  llvm::SmallVector<Loop> loops;

  Printer(rt::ProgramOp program, llvm::raw_ostream &os, const Target &target)
      : program(program), symbols(program), names(program), parts(program), os(os), target(target) {}

  /// `b.conv1_weight`, `b.conv1[microbatch]`, `b.fc_weight[i - 1]` of an element.
  std::string buffer(mlir::Value memory) const;
  /// A microbatch of the first run of the loops around: `3`, `microbatch + 3`.
  std::string microbatch(int64_t first) const;
  /// How often the memory is there; a view of the batch's rows, once a microbatch.
  static int64_t slotsOf(mlir::Value memory);

  /// Where a kernel is launched.
  llvm::ArrayRef<rt::LaunchOp> launchesOf(rt::KernelOp kernel);

  /// The variable that holds communication under way: `pool1_to_1_0`.
  std::string pending(mlir::Value started);
  /// A new function: the names of such variables are free again.
  void beginTimeline() { pendingNames.clear(); }
  /// A variable for lists of tensors that no other of the function is: `tensors`, `tensors_2`.
  std::string listName() { return ++lists == 1 ? "tensors" : "tensors_" + std::to_string(lists); }
  void beginFunction() { lists = 0; }

private:
  llvm::DenseMap<mlir::Value, std::string> pendings;
  llvm::StringSet<> pendingNames;
  llvm::DenseMap<mlir::StringAttr, llvm::SmallVector<rt::LaunchOp>> launches;
  int lists = 0;
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
/// Buffers.cpp: the buffer itself, or all that an element of an array can be.
void forEachBuffer(mlir::Value memory, llvm::function_ref<void(mlir::Value)> visit);
/// Buffers.cpp: bytes from one slot to the next.
int64_t strideOf(mlir::Value memory);
/// Buffers.cpp: arrays of constants, and `struct Buffers { … };`.
llvm::LogicalResult printBuffers(Printer &printer);
/// Loops.cpp: the ops of a fragment, a timeline or a loop, each as a statement, with headings by layer in fragments.
llvm::LogicalResult printStatements(Printer &printer, mlir::Block &block);
/// Loops.cpp: `coefficient * variable + constant` as a person writes it: `i`, `i - 1`, `47 - i`.
std::string printLinear(llvm::StringRef variable, int64_t coefficient, int64_t constant);
/// Rows.cpp: rows of buffers under a key each (equal: they differ in the places within arrays alone). `print` gets, for each row or
/// for the first of those that repeat, the texts of its buffers; rows that repeat stand in a loop.
struct Row {
  unsigned key;
  llvm::SmallVector<mlir::Value> buffers;
};
bool canRoll(const Printer &printer, llvm::ArrayRef<Row> rows);
void printRows(Printer &printer, llvm::ArrayRef<Row> rows,
               llvm::function_ref<void(size_t row, llvm::ArrayRef<std::string> buffers)> print);
/// Comments.cpp: `text` behind `//` on lines of at most 150 columns, broken at commas.
void printComment(llvm::raw_ostream &os, llvm::StringRef indent, llvm::StringRef text);
/// Calls.cpp: one op of a fragment or a timeline, as a statement.
llvm::LogicalResult printCall(Printer &printer, mlir::Operation *op);
/// Calls.cpp: whether one tensor travels and the communication is called as it (as what is written, else as what is read), which is the
/// default.
bool isNamedAsTensor(CommunicationOpInterface op);
/// Facts.cpp: `Plan plan()` of all programs together.
void printPlan(llvm::ArrayRef<rt::ProgramOp> programs, const Target &target, llvm::StringRef identity,
               llvm::raw_ostream &os);
/// Binding.cpp: `Binding bind(Buffers &)`. Fails on state that does not start as one value.
llvm::LogicalResult printBinding(Printer &printer);

} // namespace dtc::emit

#endif // DTC_LIB_EMIT_PRINTER_H
