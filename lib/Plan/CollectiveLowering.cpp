// Lowers collectives that work in place: on the result's memory inside of fragments, on a bucket in timelines.
#include "ExternalModels.h"
#include "RoleLowering.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::plan;

namespace {

struct AllReduceLowering
    : RuntimeLoweringOpInterface::ExternalModel<AllReduceLowering, dist::AllReduceOp> {
  LogicalResult lowerToRuntime(Operation *op, FragmentBuilder &fragment) const {
    auto reduce = cast<dist::AllReduceOp>(op);
    Value memory = fragment.define(op->getOpResult(0));
    fragment.copy(op->getLoc(), fragment.memory(reduce.getValue()), memory);
    rt::AllReduceOp::create(fragment.getBuilder(), op->getLoc(),
                            dist::stringifyReduction(reduce.getReduction()),
                            memory, reduce.getAxis(),
                            bufferName(op->getOpResult(0)));
    return success();
  }
};

struct BroadcastLowering : RuntimeLoweringOpInterface::ExternalModel<BroadcastLowering, dist::BroadcastOp> {
  LogicalResult lowerToRuntime(Operation *op, FragmentBuilder &fragment) const {
    auto broadcast = cast<dist::BroadcastOp>(op);
    Value memory = fragment.define(op->getOpResult(0));
    fragment.copy(op->getLoc(), fragment.memory(broadcast.getValue()), memory);
    rt::BroadcastOp::create(fragment.getBuilder(), op->getLoc(), memory, broadcast.getRoot(), broadcast.getAxis(),
                            bufferName(op->getOpResult(0)), ArrayAttr());
    return success();
  }
};

/// The values lie side by side in a bucket, where they are made if they can be; so do the results.
template <typename Concrete, typename Start>
struct BucketLowering : StartLoweringOpInterface::ExternalModel<Concrete, Start> {
  void planMemory(Operation *op, RoleLowering &role) const {
    auto start = cast<Start>(op);
    SmallVector<MemRefType> types;
    SmallVector<std::string> names;
    for (auto [value, name] : llvm::zip_equal(start.getValues(), start.getNames().template getAsValueRange<StringAttr>())) {
      types.push_back(rowMajor(value.getType()));
      names.push_back((name + Concrete::suffixOf(types.back())).str());
    }
    SmallVector<Value> views = role.layOut(op->getLoc(), start.getBucket(), types, names);
    for (auto [value, view] : llvm::zip_equal(start.getValues(), views))
      (role.*Concrete::promise)(value, view);
    role.placesOf(op) = views;
  }

  FailureOr<Value> lowerStart(Operation *op, RoleLowering &role) const {
    auto start = cast<Start>(op);
    for (auto [value, view] : llvm::zip_equal(start.getValues(), role.placesOf(op)))
      role.copy(op->getLoc(), value, view);
    Value bucket = rt::rootBuffer(role.placesOf(op).front()).getMemory();
    return Concrete::call(start, bucket, role);
  }

  void lowerWait(Operation *op, RoleLowering &role, dist::WaitOp wait) const {
    for (auto [result, view] : llvm::zip_equal(wait.getValues(), role.placesOf(op)))
      role.setPlace(result, view);
  }
};

struct AllReduceStartLowering : BucketLowering<AllReduceStartLowering, dist::AllReduceStartOp> {
  static constexpr auto promise = &RoleLowering::promiseReplaced;
  static StringRef suffixOf(MemRefType type) { return type.getRank() == 0 ? ".sum" : ".gradient"; }
  static Value call(dist::AllReduceStartOp start, Value bucket, RoleLowering &role) {
    return rt::AllReduceStartOp::create(role.getFragments().getBuilder(), start.getLoc(), role.getPendingType(),
                                        dist::stringifyReduction(start.getReduction()), bucket, start.getAxis(),
                                        start.getBucket(), start.getNames())
        .getPending();
  }
};

struct BroadcastStartLowering : BucketLowering<BroadcastStartLowering, dist::BroadcastStartOp> {
  static constexpr auto promise = &RoleLowering::promise;
  static StringRef suffixOf(MemRefType) { return ".shared"; }
  static Value call(dist::BroadcastStartOp start, Value bucket, RoleLowering &role) {
    return rt::BroadcastStartOp::create(role.getFragments().getBuilder(), start.getLoc(), role.getPendingType(), bucket,
                                        start.getRoot(), start.getAxis(), start.getBucket(), start.getNames())
        .getPending();
  }
};

} // namespace

void dtc::plan::registerCollectiveLowerings(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, dist::DistDialect *) {
    dist::AllReduceOp::attachInterface<AllReduceLowering>(*context);
    dist::AllReduceStartOp::attachInterface<AllReduceStartLowering>(*context);
    dist::BroadcastOp::attachInterface<BroadcastLowering>(*context);
    dist::BroadcastStartOp::attachInterface<BroadcastStartLowering>(*context);
  });
}
