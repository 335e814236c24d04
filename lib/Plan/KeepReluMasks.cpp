// Masks of relu become buffers between the call that makes them and those that use them.
#include "Overlap.h"

#include "dtc/Plan/Passes.h"

#include "mlir/IR/Builders.h"

namespace dtc {
#define GEN_PASS_DEF_KEEPRELUMASKSPASS
#include "dtc/Plan/Passes.h.inc"
} // namespace dtc

using namespace mlir;
using namespace dtc;
using namespace dtc::plan;

/// As dtcrt's relu_mask_shape: a bit for each value, the rows at multiples of 128 bits.
static MemRefType maskOf(MemRefType type) {
  int64_t width = type.getShape().back();
  return MemRefType::get({type.getNumElements() / width, (width + 127) / 128 * 16},
                         IntegerType::get(type.getContext(), 8, IntegerType::Unsigned));
}

namespace {
struct KeepReluMasksPass : dtc::impl::KeepReluMasksPassBase<KeepReluMasksPass> {
  void runOnOperation() override {
    SmallVector<rt::CallOp> readers;
    getOperation().walk([&](rt::CallOp call) {
      if (call.getCanReadMask() && !call->hasAttr(opAttribute))
        readers.push_back(call);
    });
    for (rt::CallOp reader : readers) {
      Value relu = findNamed(reader, *reader.getCanReadMask());
      rt::CallOp writer = relu ? findWriter(relu) : rt::CallOp();
      if (!writer)
        continue;
      Value &mask = maskOfOutput[writer];
      if (!mask) {
        mask = createMask(relu, writer);
        passByName(writer, mask);
        ++masks;
      }
      passByName(reader, mask);
    }
  }

  static Value findNamed(rt::CallOp call, StringRef wanted) {
    for (auto [name, memory] : llvm::zip_equal(call.getOperandNames().getAsValueRange<StringAttr>(), call.getNamed()))
      if (name == wanted)
        return memory;
    return {};
  }

  /// Whether a call gets this memory by name to read it, and has nothing else of it.
  static bool readsAlone(Operation *op, Value relu) {
    auto call = dyn_cast<rt::CallOp>(op);
    return call && call.getCanReadMask() && findNamed(call, *call.getCanReadMask()) == relu &&
           !mayOverlap(call.getOutputs(), relu) &&
           llvm::count_if(call.getNamed(), [&](Value named) { return mayOverlap(named, relu); }) == 1;
  }

  /// The call that alone writes this memory, all of it, with relu.
  rt::CallOp findWriter(Value relu) {
    auto buffer = relu.getDefiningOp<rt::BufferOp>();
    if (!buffer || buffer.getKind() != rt::BufferKind::Temporary || !rt::isRowMajor(buffer.getMemory().getType()))
      return {};
    rt::CallOp writer;
    bool alone = true;
    getOperation().walk([&](Operation *op) {
      if (isa<rt::ViewOp>(op) || !mayWrite(op, relu) || readsAlone(op, relu))
        return;
      alone &= !writer;
      writer = dyn_cast<rt::CallOp>(op);
      alone &= writer && writer.getCanWriteMask() && !writer->hasAttr(opAttribute) && writer.getOutputs().front() == relu;
    });
    return alone ? writer : rt::CallOp();
  }

  static Value createMask(Value relu, rt::CallOp writer) {
    auto buffer = relu.getDefiningOp<rt::BufferOp>();
    OpBuilder builder(buffer->getContext());
    builder.setInsertionPointAfter(buffer);
    return rt::BufferOp::create(builder, writer.getLoc(), maskOf(buffer.getMemory().getType()), builder.getStringAttr(buffer.getName() + ".mask"),
                                buffer.getKindAttr(), /*offset=*/IntegerAttr(), /*init=*/Attribute(), /*classes=*/IntegerAttr(),
                                buffer.getSlotsAttr(), /*shares=*/ArrayAttr());
  }

  /// Behind the callee's other buffers.
  static void passByName(rt::CallOp call, Value mask) {
    SmallVector<Attribute> names(call.getOperandNames().getValue());
    names.push_back(StringAttr::get(call.getContext(), "relu_mask"));
    call.setOperandNamesAttr(ArrayAttr::get(call.getContext(), names));
    call.getNamedMutable().append(mask);
  }

  llvm::DenseMap<Operation *, Value> maskOfOutput;
};
} // namespace
