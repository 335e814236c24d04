// The kinds of communication, and what is the same of all of them.
#include "dialects/Communication/Communication.h"

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace dtc;

#include "dialects/Communication/CommunicationInterface.cpp.inc"

static constexpr CommunicationRow rows[] = {
    {CommunicationKind::AllReduce, "all-reduce", "an all-reduce", true, {CommunicationForm::Ring, 2}},
    {CommunicationKind::ReduceScatter, "reduce-scatter", "a reduce-scatter", true, {CommunicationForm::Ring, 1}},
    {CommunicationKind::AllGather, "all-gather", "an all-gather", true, {CommunicationForm::Ring, 1}},
    {CommunicationKind::AllToAll, "all-to-all", "an all-to-all", true, {CommunicationForm::Direct}},
    {CommunicationKind::Broadcast, "broadcast", "a broadcast", true, {CommunicationForm::Chain}},
    {CommunicationKind::Send, "send", "a message", false},
    {CommunicationKind::Receive, "receive", "a message", false},
};

ArrayRef<CommunicationRow> dtc::communicationKinds() { return rows; }

const CommunicationRow &dtc::rowOf(CommunicationKind kind) {
  return *llvm::find_if(rows, [&](const CommunicationRow &row) { return row.kind == kind; });
}

int64_t dtc::bytesOf(ArrayRef<Type> types) {
  uint64_t bytes = 0;
  for (Type type : types) {
    auto shaped = cast<ShapedType>(type);
    uint64_t product = llvm::divideCeil(shaped.getElementTypeBitWidth(), 8);
    for (int64_t size : shaped.getShape())
      product = llvm::SaturatingMultiply<uint64_t>(product, size);
    bytes = llvm::SaturatingAdd(bytes, product);
  }
  return bytes;
}

std::string dtc::describe(CommunicationOpInterface communication) {
  StringRef label = communication.getLabel();
  if (label.empty())
    return communication.getRow().one.str();
  std::string text = (communication.isCollective() ? "bucket '" : "'") + label.str() + "'";
  if (std::optional<int64_t> microbatch = communication.getMicrobatchNumber())
    text += " microbatch " + std::to_string(*microbatch);
  return text;
}
