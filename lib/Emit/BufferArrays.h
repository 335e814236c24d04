// Which buffers lie side by side in arrays, so that loops can take one after
// the other; private to Emit.
#ifndef DTC_LIB_EMIT_BUFFERARRAYS_H
#define DTC_LIB_EMIT_BUFFERARRAYS_H

#include "dialects/RT/RT.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/EquivalenceClasses.h"

#include <map>

namespace dtc::emit {

/// First every column (what a loop takes, run by run) is added, then the arrays
/// are created, then each column is found again.
///
/// Neighbours of a column become neighbours in an array, in either direction,
/// so that columns which walk the same buffers share it: activations forwards
/// as inputs and as outputs, and backwards. Where columns disagree the one that
/// comes later gets an array that lists what lies elsewhere.
class BufferArrays {
public:
  explicit BufferArrays(rt::ProgramOp program) : program(program) {}

  /// All of a column have one type, kind and number of slots.
  void add(llvm::ArrayRef<mlir::Value> column);
  /// Makes the `rt.array` ops, in the order in which their first members are
  /// declared.
  void create();

  struct Place {
    mlir::Value array;
    int64_t at, step;
  };
  /// Where a column lies: at `at`, and in each run `step` further.
  Place find(llvm::ArrayRef<mlir::Value> column);

private:
  template <typename Column> bool join(const Column &column);
  rt::ArrayOp createArray(llvm::ArrayRef<mlir::Value> members, bool listed);

  rt::ProgramOp program;
  llvm::DenseMap<mlir::Value, mlir::Value> next, previous;
  llvm::EquivalenceClasses<void *> joined;
  llvm::DenseMap<mlir::Value, std::pair<rt::ArrayOp, int64_t>> places;
  std::map<std::vector<void *>, rt::ArrayOp> lists;
  mlir::Operation *lastDeclaration = nullptr;
};

} // namespace dtc::emit

#endif // DTC_LIB_EMIT_BUFFERARRAYS_H
