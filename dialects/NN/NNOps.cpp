// Generated definitions of all nn ops; hand-written parts stand in the file of
// their family.
#include "dialects/NN/NN.h"
#include "dialects/NN/OptimizerSyntax.h"

std::string dtc::nn::formatShape(llvm::ArrayRef<int64_t> shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i)
    text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

/// `#nn.adam<…>`: TableGen does not know that an attribute without a mnemonic of its own prints itself.
/// `adam<lr = 0.001>`: as an attribute it would take the colon behind it for that of its type.
static mlir::ParseResult parseOptimizer(mlir::OpAsmParser &parser, dtc::nn::OptimizerAttr &optimizer) {
  llvm::SMLoc place = parser.getCurrentLocation();
  llvm::StringRef name;
  if (parser.parseKeyword(&name))
    return mlir::failure();
  const dtc::Optimizer *entry = dtc::findOptimizer(name);
  if (!entry)
    return parser.emitError(place) << "'" << name << "' is no optimizer; there are " << dtc::optimizerNames();
  optimizer = dtc::nn::parseSettings(parser, *entry);
  return mlir::success(optimizer != nullptr);
}
static void printOptimizer(mlir::OpAsmPrinter &printer, mlir::Operation *, dtc::nn::OptimizerAttr optimizer) {
  dtc::nn::printSettings(printer, optimizer);
}

#define GET_OP_CLASSES
#include "dialects/NN/NNOps.cpp.inc"
