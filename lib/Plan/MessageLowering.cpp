// Lowers messages between two ranks.
#include "ExternalModels.h"
#include "RoleLowering.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::plan;

/// How a tensor lies while it travels: both ranks must know without asking each
/// other. Images are channels-last wherever convolutions work on them.
static MemRefType messageType(Type tensor) {
  auto type = cast<RankedTensorType>(tensor);
  return type.getRank() >= 4 ? rt::channelsLast(type.getShape(), type.getElementType())
                             : rowMajor(tensor);
}

namespace {
struct SendLowering : StartLoweringOpInterface::ExternalModel<SendLowering, dist::SendStartOp> {
  /// A value is made where it is sent from, as it travels.
  void planMemory(Operation *op, RoleLowering &role) const {
    auto send = cast<dist::SendStartOp>(op);
    Value made = role.origin(send.getValue());
    if (!send.getMicrobatch() || !isa<OpResult>(made) ||
        isa<dist::TimelineOp>(made.getDefiningOp()->getParentOp()) || role.promisedFor(made))
      return;
    role.promise(send.getValue(),
                 role.getFragments().createBuffer(made.getLoc(), bufferName(cast<OpResult>(made)),
                                                  rt::BufferKind::Temporary, messageType(made.getType()),
                                                  {}, role.getMicrobatches()));
  }

  FailureOr<Value> lowerStart(Operation *op, RoleLowering &role) const {
    auto send = cast<dist::SendStartOp>(op);
    FragmentBuilder &fragments = role.getFragments();
    Value value = send.getValue(), memory = fragments.memory(value);
    if (memory.getType() != messageType(value.getType())) {
      auto name = memory.getDefiningOp()->getAttrOfType<StringAttr>("name");
      Value copied = fragments.createBuffer(
          send.getLoc(), (name.getValue() + ".sent").str(), rt::BufferKind::Temporary,
          messageType(value.getType()), {}, send.getMicrobatch() ? role.getMicrobatches() : 0);
      fragments.setMicrobatch(send.getMicrobatchAttr());
      fragments.copy(send.getLoc(), memory, copied);
      fragments.setMicrobatch({});
      memory = copied;
    }
    return rt::SendStartOp::create(fragments.getBuilder(), send.getLoc(), role.getPendingType(), memory,
                                   send.getName(), send.getPeer(), send.getAxis(), send.getMicrobatchAttr())
        .getPending();
  }

  void lowerWait(Operation *, RoleLowering &, dist::WaitOp) const {}
};

struct RecvLowering : StartLoweringOpInterface::ExternalModel<RecvLowering, dist::RecvStartOp> {
  void planMemory(Operation *, RoleLowering &) const {}

  FailureOr<Value> lowerStart(Operation *op, RoleLowering &role) const {
    auto recv = cast<dist::RecvStartOp>(op);
    FragmentBuilder &fragments = role.getFragments();
    Type type = recv.getPending().getType().getTypes().front();
    Value wanted;
    for (Operation *user : recv.getPending().getUsers())
      if (auto wait = dyn_cast<dist::WaitOp>(user))
        wanted = role.promisedFor(wait.getValues().front());
    auto phase = StringAttr::get(op->getContext(), role.getPhase() + "/" + recv.getName());
    Value &memory = role.receivedFrom(phase, recv.getPeerAttr());
    if (!memory || memory.getType() != messageType(type))
      memory = wanted && wanted.getType() == messageType(type)
                   ? wanted
                   : fragments.createBuffer(recv.getLoc(), recv.getName(), rt::BufferKind::Temporary,
                                            messageType(type), {}, recv.getMicrobatch() ? role.getMicrobatches() : 0);
    role.placesOf(op).assign(1, memory);
    return rt::RecvStartOp::create(fragments.getBuilder(), recv.getLoc(), role.getPendingType(), memory,
                                   recv.getName(), recv.getPeer(), recv.getAxis(), recv.getMicrobatchAttr())
        .getPending();
  }

  void lowerWait(Operation *op, RoleLowering &role, dist::WaitOp wait) const {
    role.setPlace(wait.getValues().front(), role.placesOf(op).front(), cast<dist::RecvStartOp>(op).getMicrobatchAttr());
  }
};
} // namespace

void dtc::plan::registerMessageLowerings(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, dist::DistDialect *) {
    dist::SendStartOp::attachInterface<SendLowering>(*context);
    dist::RecvStartOp::attachInterface<RecvLowering>(*context);
  });
}
