// Names of buffers: the layer's own, as the op's location remembers it.
#include "dialects/NN/NN.h"
#include "dtc/Plan/FragmentBuilder.h"
#include "dtc/Plan/Origin.h"

#include "mlir/IR/OpImplementation.h"

using namespace mlir;
using namespace dtc::plan;

/// The name that the op's definition gives a result: "index", "dlogits".
static std::string resultName(OpResult result) {
  std::string name;
  if (auto named = dyn_cast<OpAsmOpInterface>(result.getOwner()))
    named.getAsmResultNames([&](Value value, StringRef text) {
      if (value == result)
        name = text.str();
    });
  return name.empty() ? std::to_string(result.getResultNumber()) : name;
}

std::string dtc::plan::bufferName(OpResult result) {
  Operation *op = result.getOwner();
  Origin origin = findOrigin(op->getLoc());
  StringRef mnemonic = op->getName().stripDialect();
  // A kernel is named after what it does last.
  if (auto ops = op->getAttrOfType<ArrayAttr>("dtc.ops"); ops && !ops.empty())
    mnemonic = cast<StringAttr>(ops[ops.size() - 1]).getValue();

  // A copy in another type, after what it is a copy of.
  if (auto ops = op->getAttrOfType<ArrayAttr>("dtc.ops");
      op->getNumOperands() > 0 && (isa<nn::CastOp>(op) || (ops && ops.size() == 1 && mnemonic == "cast")))
    if (Origin source = findOrigin(op->getOperand(0).getLoc()); source.layer) {
      Type element = cast<RankedTensorType>(result.getType()).getElementType();
      std::string name = source.layer.getValue().str() + (source.adjoint ? ".gradient" : "");
      return name + (element.isBF16() ? ".bf16" : ".f32");
    }

  std::string name = origin.layer ? origin.layer.getValue().str() : mnemonic.str();
  if (result.getResultNumber() > 0)
    return name + "." + resultName(result);
  if (origin.adjoint && !mnemonic.ends_with("gradient"))
    return name + ".gradient";
  if (origin.layer && mnemonic.ends_with("gradient"))
    return name + "." + mnemonic.substr(mnemonic.find('_') + 1).str();
  return name;
}
