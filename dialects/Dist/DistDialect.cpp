// Registration of the dist dialect.
#include "dialects/Dist/Dist.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace dtc::dist;

#include "dialects/Dist/DistDialect.cpp.inc"
#include "dialects/Dist/DistEnums.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "dialects/Dist/DistTypes.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/Dist/DistAttrs.cpp.inc"

Type PendingType::parse(AsmParser &parser) {
  SmallVector<Type> types;
  if (parser.parseLess())
    return {};
  if (succeeded(parser.parseOptionalGreater()))
    return get(parser.getContext(), types);
  if (parser.parseTypeList(types) || parser.parseGreater())
    return {};
  return get(parser.getContext(), types);
}

void PendingType::print(AsmPrinter &printer) const {
  printer << "<";
  llvm::interleaveComma(getTypes(), printer);
  printer << ">";
}

ShareAttr ShareAttr::ofDimension(StringAttr axis, ArrayRef<int64_t> shape, int64_t dimension) {
  auto product = [](ArrayRef<int64_t> sizes) { return llvm::product_of(sizes); };
  return get(axis.getContext(), axis, shape, product(shape.take_front(dimension)), shape[dimension], product(shape.drop_front(dimension + 1)));
}

ShareAttr ShareAttr::ofPieces(StringAttr axis, ArrayRef<int64_t> shape) {
  return get(axis.getContext(), axis, shape, 1, llvm::product_of(shape), 1);
}

void DistDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/Dist/DistTypes.cpp.inc"
      >();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/Dist/DistAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/Dist/DistOps.cpp.inc"
      >();
}
