// Lowers the timelines of one role into one program; private to Plan.
#ifndef DTC_LIB_PLAN_ROLELOWERING_H
#define DTC_LIB_PLAN_ROLELOWERING_H

#include "dtc/Plan/FragmentBuilder.h"

#include "llvm/ADT/DenseSet.h"

namespace dtc::plan {

mlir::MemRefType rowMajor(mlir::Type tensor);

///   timeline arguments ──> buffers, shared by the phases
///   all_reduce_start … ──> by StartLoweringOpInterface: values side by side in a bucket, in which they are promised places;
///                          messages in the layout in which they travel
///   run @f             ──> rt.fragment @f, op by op, once; and rt.run @f
///
/// What a fragment that runs once for each microbatch takes and gives has a slot
/// for each of them; what lives inside it alone has not.
class RoleLowering {
public:
  RoleLowering(rt::ProgramOp program, mlir::SymbolTable &symbols, bool markOps)
      : program(program), symbols(symbols), markOps(markOps), fragments(program) {}

  llvm::LogicalResult lower(dist::TimelineOp timeline);

  // For ops that start communication.

  FragmentBuilder &getFragments() { return fragments; }
  rt::PendingType getPendingType() { return rt::PendingType::get(program.getContext()); }
  llvm::StringRef getPhase() { return timelineOp.getPhase(); }
  /// Microbatches of the timeline: slots that a buffer needs at most.
  int64_t getMicrobatches() const { return microbatches; }
  /// Follows a timeline's value to the op in a fragment that makes it.
  mlir::Value origin(mlir::Value value);
  /// A timeline's value shall end up in `memory`, if it does not lie elsewhere
  /// already; who needs it there copies it otherwise.
  void promise(mlir::Value value, mlir::Value memory);
  /// As promise, of memory in which a collective replaces the rank's value by the result: not where anybody might read the value, or a
  /// view of it, later. It is then copied there.
  void promiseReplaced(mlir::Value value, mlir::Value memory);
  /// What was promised for a value of a timeline, or for its origin.
  mlir::Value promisedFor(mlir::Value value) const { return promised.lookup(value); }
  /// Brings a value of any microbatch to `memory`, unless it lies there.
  void copy(mlir::Location location, mlir::Value value, mlir::Value memory);
  /// Where a value lies, if in a buffer, of this type and not once a microbatch; else a copy that does.
  mlir::Value plain(mlir::Location location, mlir::Value value, mlir::MemRefType type);
  /// A value of the timeline lies there.
  void setPlace(mlir::Value value, mlir::Value memory, mlir::IntegerAttr microbatch = {});
  /// Views of a new buffer, side by side.
  llvm::SmallVector<mlir::Value> layOut(mlir::Location location, llvm::StringRef name, llvm::ArrayRef<mlir::MemRefType> types,
                                        llvm::ArrayRef<std::string> names);
  /// The buffer of the parameter or the state as which the timeline gives the value back, if nothing uses its
  /// content behind `start`, which is about to be lowered; null otherwise.
  mlir::Value freeHome(mlir::Value value, mlir::Operation *start);
  /// The places of the values that an op sends, or that its wait gives, in their order.
  llvm::SmallVector<mlir::Value> &placesOf(mlir::Operation *start) { return places[start]; }
  /// The memory in which values of this name come from a peer.
  mlir::Value &receivedFrom(mlir::StringAttr name, mlir::IntegerAttr peer) { return received[{name, peer}]; }

private:
  /// What an argument of a timeline is, from its attributes.
  struct ArgumentKind {
    rt::BufferKind kind;
    llvm::StringRef name;
  };

  static std::optional<ArgumentKind> classify(dist::TimelineOp timeline, unsigned index);
  llvm::LogicalResult bindArguments(dist::TimelineOp timeline);
  void planResults(dist::TimelineOp timeline);
  void planOutput(dist::TimelineOp timeline);
  mlir::Value beginningOf(mlir::Value sum);
  /// The buffer of the parameter or the state that result `index` of the timeline is; null if it takes none of that name.
  mlir::Value homeOf(dist::TimelineOp timeline, unsigned index);

  llvm::LogicalResult lowerOp(mlir::Operation *op);
  llvm::LogicalResult lowerRun(dist::RunOp run);
  llvm::LogicalResult lowerFragment(dist::FragmentOp source, dist::RunOp run);
  llvm::LogicalResult lowerStart(StartLoweringOpInterface start);
  llvm::LogicalResult lowerWait(dist::WaitOp wait);
  llvm::LogicalResult lowerAtOnce(RuntimeLoweringOpInterface op);
  llvm::LogicalResult lowerMicrobatch(dist::MicrobatchOp rows);
  llvm::LogicalResult lowerZeros(dist::ZerosOp zeros);
  llvm::LogicalResult returnResults(dist::TimelineOp timeline);

  mlir::Value getOrCreateBuffer(mlir::Location location, ArgumentKind what,
                                mlir::MemRefType type, mlir::Attribute init);

  rt::ProgramOp program;
  mlir::SymbolTable &symbols;
  bool markOps;
  FragmentBuilder fragments;
  rt::TimelineOp timelineOp;
  int64_t microbatches = 1;
  /// Buffers that all phases share, by kind and name.
  llvm::DenseMap<std::pair<int, mlir::StringAttr>, mlir::Value> shared;
  llvm::DenseMap<mlir::Operation *, llvm::SmallVector<mlir::Value>> places;
  /// Where sums over microbatches, and received values, were promised a place.
  llvm::DenseMap<mlir::Value, mlir::Value> promised;
  /// The memory of messages and of the rows of microbatches, by what they are.
  llvm::DenseMap<std::pair<mlir::Attribute, mlir::Attribute>, mlir::Value> received;
  llvm::DenseMap<std::pair<mlir::Value, mlir::Type>, mlir::Value> rowsOf;
  /// Where a timeline's results go, by number.
  llvm::DenseMap<unsigned, mlir::Value> returned;
  llvm::DenseMap<mlir::Value, mlir::Value> pendings;
  /// By buffer: the values of timelines that lie there.
  llvm::DenseMap<mlir::Operation *, llvm::SmallVector<mlir::Value, 2>> placedIn;
  llvm::DenseMap<mlir::Value, mlir::IntegerAttr> microbatchOf;
  /// The arguments' memory of a fragment that was lowered.
  llvm::DenseMap<mlir::Operation *, llvm::SmallVector<mlir::Value>> argumentsOf;
};

} // namespace dtc::plan

#endif // DTC_LIB_PLAN_ROLELOWERING_H
