// Signatures of ops, as text that people can read in a cluster file.
#include "dtc/Cost/Signature.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/OpDefinition.h"

using namespace mlir;
using namespace dtc;

/// Values do not change how long an op takes; those that do (strides, axes) are few.
static constexpr int64_t mostElements = 16;

static bool isShort(Attribute attribute) {
  auto elements = dyn_cast<ElementsAttr>(attribute);
  return !elements || isa<SplatElementsAttr>(attribute) ||
         elements.getNumElements() <= mostElements;
}

static void printAttributes(Operation *op, llvm::raw_ostream &os) {
  // Properties as well; in the order of their names, so that it is always the same.
  std::string separator = " {";
  for (NamedAttribute attribute : op->getAttrDictionary()) {
    if (op->getDiscardableAttr(attribute.getName()) || !isShort(attribute.getValue()))
      continue;
    os << separator << attribute.getName().getValue();
    separator = ", ";
    if (!isa<UnitAttr>(attribute.getValue()))
      os << " = " << attribute.getValue();
  }
  if (separator == ", ")
    os << '}';
}

std::string dtc::signatureOf(Operation *op) {
  if (auto given = op->getDiscardableAttr(signatureAttribute))
    return cast<StringAttr>(given).getValue().str();
  std::string text;
  llvm::raw_string_ostream os(text);
  os << op->getName();
  printAttributes(op, os);
  for (Region &region : op->getRegions()) {
    os << " [";
    std::string separator;
    region.walk([&](Operation *inner) {
      if (!inner->hasTrait<OpTrait::ConstantLike>() && !inner->hasTrait<OpTrait::IsTerminator>()) {
        os << separator << inner->getName();
        separator = " ";
      }
    });
    os << ']';
  }
  os << " (";
  llvm::interleaveComma(op->getOperandTypes(), os);
  os << ") -> (";
  llvm::interleaveComma(op->getResults(), os, [&](OpResult result) {
    if (result.use_empty())
      os << "unused";
    else
      os << result.getType();
  });
  os << ')';
  return text;
}
