// Sums of costs, and the sizes that they are made of.
#include "dtc/Cost/Cost.h"

#include "dialects/Communication/Communication.h"

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace dtc;

#include "dtc/Cost/CostInterface.cpp.inc"

Cost &Cost::operator+=(const Cost &other) {
  flops = llvm::SaturatingAdd(flops, other.flops);
  bytesRead = llvm::SaturatingAdd(bytesRead, other.bytesRead);
  bytesWritten = llvm::SaturatingAdd(bytesWritten, other.bytesWritten);
  bytesCommunicated = llvm::SaturatingAdd(bytesCommunicated, other.bytesCommunicated);
  return *this;
}

Cost dtc::costOf(Operation *op) {
  if (auto costed = dyn_cast<CostOpInterface>(op))
    return costed.getCost();
  Cost sum;
  // The payload alone; what a rank reads and writes for it is the library's.
  if (auto communication = dyn_cast<CommunicationOpInterface>(op); communication && communication.isCollective())
    sum.bytesCommunicated = communication.getPayloadBytes();
  for (Region &region : op->getRegions())
    sum += costOf(region);
  return sum;
}

Cost dtc::costOf(Region &region) {
  Cost sum;
  for (Operation &op : region.getOps())
    sum += costOf(&op);
  return sum;
}

uint64_t dtc::productOf(ArrayRef<int64_t> sizes) {
  uint64_t product = 1;
  for (int64_t size : sizes)
    product = llvm::SaturatingMultiply<uint64_t>(product, size);
  return product;
}

uint64_t dtc::elementsOf(Value value) {
  return productOf(cast<RankedTensorType>(value.getType()).getShape());
}

uint64_t dtc::bytesOf(Value value) {
  Type element = cast<RankedTensorType>(value.getType()).getElementType();
  return llvm::SaturatingMultiply<uint64_t>(
      elementsOf(value), llvm::divideCeil(element.getIntOrFloatBitWidth(), 8));
}

Cost dtc::costOfTensors(Operation *op, uint64_t flops) {
  Cost cost;
  cost.flops = flops;
  llvm::SmallPtrSet<Value, 4> read;
  for (Value operand : op->getOperands())
    if (read.insert(operand).second)
      cost.bytesRead = llvm::SaturatingAdd(cost.bytesRead, bytesOf(operand));
  for (Value result : op->getResults())
    cost.bytesWritten = llvm::SaturatingAdd(cost.bytesWritten, bytesOf(result));
  return cost;
}

void dtc::registerCostExternalModels(DialectRegistry &registry) {
  cost::registerElementwiseCost(registry);
  cost::registerStructuredCost(registry);
  cost::registerNormalisationCost(registry);
  cost::registerSampleNormalisationCost(registry);
  cost::registerRandomCost(registry);
  cost::registerAttentionCost(registry);
  cost::registerRecurrentCost(registry);
  cost::registerShapeCost(registry);
  cost::registerGatherCost(registry);
  cost::registerTrainingCost(registry);
  cost::registerTimelineCost(registry);
  cost::registerKernelCost(registry);
}
