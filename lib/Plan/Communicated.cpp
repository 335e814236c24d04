// The buffers behind all communication of a program.
#include "Communicated.h"

using namespace mlir;
using namespace dtc;

llvm::DenseSet<Operation *> dtc::plan::findCommunicated(rt::ProgramOp program) {
  llvm::DenseSet<Operation *> buffers;
  program.walk([&](CommunicationOpInterface op) {
    for (Value operand : op->getOperands())
      if (rt::BufferOp buffer = rt::rootBuffer(operand))
        buffers.insert(buffer);
  });
  return buffers;
}
