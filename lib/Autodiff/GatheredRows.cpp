// Follows ids from an input to the tables that they choose from.
#include "GatheredRows.h"

#include "dialects/NN/NN.h"

#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace dtc;

std::optional<int64_t> dtc::findGatheredRows(Value ids) {
  std::optional<int64_t> rows;
  llvm::SetVector<Value> moved;
  moved.insert(ids);
  for (size_t i = 0; i < moved.size(); ++i) // it grows
    for (OpOperand &use : moved[i].getUses()) {
      Operation *user = use.getOwner();
      if (auto gather = dyn_cast<nn::GatherOp>(user); gather && use.getOperandNumber() == gather.getIndicesMutable().getOperandNumber()) {
        int64_t size = gather.getData().getType().getDimSize(gather.getAxis());
        rows = std::min(rows.value_or(size), size);
      } else if (isa<nn::ReshapeOp, nn::TransposeOp, nn::BroadcastOp, nn::ConcatOp>(user)) {
        // All of its elements are there behind these; parts of them, which a slice gives, may be other numbers than ids.
        moved.insert(user->getResult(0));
      }
    }
  return rows;
}
