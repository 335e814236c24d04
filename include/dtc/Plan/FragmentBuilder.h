// What an op's lowering to rt works with: memory for tensors, and calls.
#ifndef DTC_PLAN_FRAGMENT_BUILDER_H
#define DTC_PLAN_FRAGMENT_BUILDER_H

#include "dialects/Dist/Dist.h"
#include "dialects/NN/NN.h"
#include "dialects/RT/RT.h"
#include "dialects/RT/RuntimeCalls.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringMap.h"

namespace dtc::plan {

/// How a tensor of rank 3 or more lies in memory; below that all is row-major.
enum class Layout { RowMajor, ChannelsLast };

/// Options of a runtime call (dialects/RT/RuntimeCalls.h) in the order of their declaration. What has the value of its default is left out.
class CallOptions {
public:
  /// Of a call that the runtime has.
  CallOptions(mlir::Builder &builder, llvm::StringRef callee);
  const rt::RuntimeCall &of() const { return declared; }
  /// A buffer passed by name; nothing if `memory` is null.
  CallOptions &buffer(llvm::StringRef name, mlir::Value memory);
  CallOptions &integer(llvm::StringRef name, int64_t value);
  CallOptions &real(llvm::StringRef name, double value);
  CallOptions &flag(llvm::StringRef name, bool value);
  /// A constant of the runtime's enumerations (`relu`).
  CallOptions &word(llvm::StringRef name, llvm::StringRef value);
  CallOptions &text(llvm::StringRef name, llvm::StringRef value);
  CallOptions &list(llvm::StringRef name, llvm::ArrayRef<int64_t> values);
  /// An argument behind the outputs.
  CallOptions &argument(llvm::StringRef name, double value);

  /// The callee can add to its output instead of writing it.
  bool canAccumulate = false;
  /// The callee can also write, as the buffer `option`, the sum of its input or output `operand` over these axes.
  CallOptions &sum(llvm::StringRef option, int64_t operand, llvm::ArrayRef<int64_t> axes);
  llvm::SmallVector<mlir::Attribute> canSum;
  /// The callee does nothing but to sum its input over these axes.
  llvm::SmallVector<int64_t> sumOver;
  /// The callee can leave a mask of its output, or use one of the buffer that it gets by this name.
  bool canWriteMask = false;
  llvm::StringRef canReadMask;
  /// Inputs of a tuple where a formula says how many they are; 0: as the call is declared.
  int64_t tuple = 0;
  /// The formula that the callee works by.
  mlir::FlatSymbolRefAttr formula;
  llvm::SmallVector<mlir::Attribute> operandNames, names, values;
  llvm::SmallVector<mlir::Value> operands;

private:
  const rt::RuntimeOption &option(llvm::StringRef name, rt::RuntimeOption::Kind kind) const;
  CallOptions &add(llvm::StringRef name, mlir::Attribute value);
  mlir::Builder &builder;
  const rt::RuntimeCall &declared;
};

/// Lowers the ops of one fragment after the other into rt.fragment ops of one
/// program. Knows where each tensor lies.
class FragmentBuilder {
public:
  explicit FragmentBuilder(rt::ProgramOp program);

  /// The memory of a tensor, as it lies.
  mlir::Value memory(mlir::Value tensor) const;
  /// The memory of a tensor in a layout; copies once if it lies otherwise.
  mlir::Value memory(mlir::Value tensor, Layout layout);
  /// Whether the tensor lies channels-last (and that makes a difference).
  bool isChannelsLast(mlir::Value tensor) const;

  /// New memory for a result, or the memory that was promised for it.
  mlir::Value define(mlir::OpResult result, Layout layout = Layout::RowMajor);
  /// The result lies where `memory` is (in-place updates).
  void alias(mlir::Value result, mlir::Value memory);
  /// The result is `base` under another shape, without a copy.
  void reshapeInPlace(mlir::OpResult result, mlir::Value base);
  /// The result shall end up in `memory` (a bucket, the loss).
  void promise(mlir::Value tensor, mlir::Value memory);
  /// Where a tensor ends up: as promised, or where it was made.
  mlir::Value placeOf(mlir::Value tensor) const;
  /// Copies what was lowered elsewhere to where it was promised.
  void keepPromises(mlir::Operation *op);

  /// A buffer of the program; with `slots` > 0 one for each microbatch.
  mlir::Value createBuffer(mlir::Location location, llvm::StringRef name,
                           rt::BufferKind kind, mlir::MemRefType type,
                           mlir::Attribute init = {}, int64_t slots = 0);
  /// Values fixed at compile time, written into the program itself.
  mlir::Value createConstant(mlir::Location location, llvm::StringRef name,
                             mlir::ElementsAttr value);
  /// A dense part of a buffer, beginning at element `at`.
  mlir::Value createView(mlir::Location location, llvm::StringRef name,
                         mlir::Value base, int64_t at, mlir::MemRefType type);

  /// The rows of one microbatch out of `parts` of a batch.
  mlir::Value createRows(mlir::Location location, llvm::StringRef name, mlir::Value batch,
                         mlir::MemRefType type, int64_t parts);

  /// The calls that follow stand in a timeline and work on this microbatch.
  void setMicrobatch(mlir::IntegerAttr number) { microbatch = number; }

  /// `callee(ctx, inputs…, outputs…, options)`.
  void call(mlir::Location location, mlir::ValueRange inputs, mlir::ValueRange outputs, const CallOptions &options);
  void copy(mlir::Location location, mlir::Value from, mlir::Value to);
  CallOptions options(llvm::StringRef callee) { return CallOptions(builder, callee); }

  /// A kernel of the program with this content, made unless there is one.
  mlir::FlatSymbolRefAttr getKernel(mlir::Location location, llvm::StringRef name,
                                    llvm::ArrayRef<int64_t> grid,
                                    llvm::ArrayRef<mlir::AffineMap> reads,
                                    llvm::ArrayRef<mlir::AffineMap> writes,
                                    llvm::StringRef formula, mlir::Region &body);

  /// The formula of an optimizer, made unless the program has it.
  mlir::FlatSymbolRefAttr getFormula(mlir::Location location, nn::OptimizerAttr optimizer);

  rt::ProgramOp getProgram() { return program; }
  mlir::OpBuilder &getBuilder() { return builder; }

private:
  /// Makes an op behind the other declarations, which stand at the program's beginning.
  template <typename OpT, typename... Arguments>
  OpT declare(Arguments &&...arguments);

  /// Goes to where the next kernel stands; gives a name that is free.
  std::string beginKernel(llvm::StringRef name);

  rt::ProgramOp program;
  /// Behind them stand the next declaration and the next kernel.
  mlir::Operation *lastDeclaration = nullptr, *lastKernel = nullptr;
  /// By grid and maps.
  llvm::DenseMap<std::tuple<mlir::Attribute, mlir::Attribute, mlir::Attribute>, llvm::SmallVector<rt::KernelOp, 1>> kernels;
  llvm::DenseMap<mlir::Attribute, mlir::FlatSymbolRefAttr> formulas;
  /// Points into the fragment or timeline under construction.
  mlir::OpBuilder builder;
  mlir::IntegerAttr microbatch;
  llvm::DenseMap<mlir::Value, mlir::Value> memories;
  llvm::DenseMap<std::pair<mlir::Value, int>, mlir::Value> converted;
  llvm::DenseMap<mlir::Value, mlir::Value> promised;
};

/// The name a result's buffer gets: after the layer the op came from.
std::string bufferName(mlir::OpResult result);

class RoleLowering;

} // namespace dtc::plan

#include "dtc/Plan/RuntimeLoweringInterface.h.inc"

#endif // DTC_PLAN_FRAGMENT_BUILDER_H
