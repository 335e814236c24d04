// Lowers the timelines of one role into one program; private to Plan.
#ifndef DTC_LIB_PLAN_ROLELOWERING_H
#define DTC_LIB_PLAN_ROLELOWERING_H

#include "dialects/Dist/Dist.h"
#include "dtc/Plan/FragmentBuilder.h"

#include "llvm/ADT/DenseSet.h"

namespace dtc::plan {

///   timeline arguments ──> buffers, shared by the phases
///   all_reduce_start   ──> a bucket; its values are promised a place in it
///   send, recv         ──> a buffer in the layout in which messages travel
///   run @f             ──> rt.fragment @f, op by op, once; and rt.run @f
///
/// What a fragment that runs once for each microbatch takes and gives has a slot
/// for each of them; what lives inside it alone has not.
class RoleLowering {
public:
  RoleLowering(rt::ProgramOp program, mlir::SymbolTable &symbols, bool markOps)
      : program(program), symbols(symbols), markOps(markOps), fragments(program) {}

  llvm::LogicalResult lower(dist::TimelineOp timeline);

private:
  /// What an argument of a timeline is, from its attributes.
  struct ArgumentKind {
    rt::BufferKind kind;
    llvm::StringRef name;
  };

  static std::optional<ArgumentKind> classify(dist::TimelineOp timeline, unsigned index);
  llvm::LogicalResult bindArguments(dist::TimelineOp timeline);
  void planBucket(dist::AllReduceStartOp start);
  void planMessage(dist::SendStartOp send);
  void planResults(dist::TimelineOp timeline);
  void promise(mlir::Value value, mlir::Value memory);
  mlir::Value origin(mlir::Value value);
  mlir::Value beginningOf(mlir::Value sum);

  llvm::LogicalResult lowerOp(mlir::Operation *op);
  llvm::LogicalResult lowerRun(dist::RunOp run);
  llvm::LogicalResult lowerFragment(dist::FragmentOp source, dist::RunOp run);
  llvm::LogicalResult lowerAllReduce(dist::AllReduceStartOp start);
  llvm::LogicalResult lowerSend(dist::SendStartOp send);
  llvm::LogicalResult lowerRecv(dist::RecvStartOp recv);
  llvm::LogicalResult lowerWait(dist::WaitOp wait);
  llvm::LogicalResult lowerMicrobatch(dist::MicrobatchOp rows);
  llvm::LogicalResult lowerZeros(dist::ZerosOp zeros);
  llvm::LogicalResult returnResults(dist::TimelineOp timeline);

  mlir::Value getOrCreateBuffer(mlir::Location location, ArgumentKind what,
                                mlir::MemRefType type, mlir::Attribute init);
  void setPlace(mlir::Value value, mlir::Value memory, mlir::IntegerAttr microbatch = {});

  rt::ProgramOp program;
  mlir::SymbolTable &symbols;
  bool markOps;
  FragmentBuilder fragments;
  rt::TimelineOp timelineOp;
  /// Microbatches of the timeline: slots that a buffer needs at most.
  int64_t microbatches = 1;
  /// Buffers that all phases share, by kind and name.
  llvm::DenseMap<std::pair<int, mlir::StringAttr>, mlir::Value> shared;
  llvm::DenseMap<mlir::Operation *, mlir::Value> buckets;
  /// Where the values of an all-reduce lie in their bucket.
  llvm::DenseMap<mlir::Operation *, llvm::SmallVector<mlir::Value>> destinations;
  /// Where sums over microbatches, and received values, were promised a place.
  llvm::DenseMap<mlir::Value, mlir::Value> promised;
  /// The memory of messages and of the rows of microbatches, by what they are.
  llvm::DenseMap<std::pair<mlir::Attribute, mlir::Attribute>, mlir::Value> received;
  llvm::DenseMap<std::pair<mlir::Value, mlir::Type>, mlir::Value> rowsOf;
  /// Where a timeline's results go, by number.
  llvm::DenseMap<unsigned, mlir::Value> returned;
  llvm::DenseMap<mlir::Value, mlir::Value> pendings;
  llvm::DenseMap<mlir::Value, mlir::IntegerAttr> microbatchOf;
  /// The arguments' memory of a fragment that was lowered.
  llvm::DenseMap<mlir::Operation *, llvm::SmallVector<mlir::Value>> argumentsOf;
};

} // namespace dtc::plan

#endif // DTC_LIB_PLAN_ROLELOWERING_H
