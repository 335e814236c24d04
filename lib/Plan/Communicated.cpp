// The buffers behind all communication of a program.
#include "Communicated.h"

using namespace mlir;
using namespace dtc;

llvm::DenseSet<Operation *> dtc::plan::findCommunicated(rt::ProgramOp program) {
  llvm::DenseSet<Operation *> buffers;
  program.walk([&](Operation *op) {
    if (isa<rt::AllReduceOp, rt::AllReduceStartOp, rt::SendStartOp, rt::RecvStartOp>(op))
      if (rt::BufferOp buffer = rt::rootBuffer(op->getOperand(0)))
        buffers.insert(buffer);
  });
  return buffers;
}
