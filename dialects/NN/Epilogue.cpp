// Epilogues of ops: their text, what can follow what, and the checks of ops that have one.
#include "dialects/NN/NN.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace dtc::nn;

#include "dialects/NN/NNInterfaces.cpp.inc"

LogicalResult EpilogueAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError, Activation activation, Real alpha,
                                   bool residual, Activation gradient) {
  bool hasActivation = activation != Activation::None, hasGradient = gradient != Activation::None;
  if (!hasActivation && !residual && !hasGradient)
    return emitError() << "an epilogue does something: it has a residual, an activation or a gradient";
  if (hasGradient && (hasActivation || residual))
    return emitError() << "the gradient of an activation leaves no place for a residual or an activation";
  if (!hasActivation && alpha != 0)
    return emitError() << "alpha is the parameter of an activation, and there is none";
  return success();
}

EpilogueAttr EpilogueAttr::ofResidual(MLIRContext *context) {
  return get(context, Activation::None, Real(0), /*residual=*/true, Activation::None);
}

EpilogueAttr EpilogueAttr::ofGradient(MLIRContext *context, Activation activation) {
  return get(context, Activation::None, Real(0), /*residual=*/false, activation);
}

EpilogueAttr EpilogueAttr::then(EpilogueAttr next) const {
  bool isResidual = getResidual() && getActivation() == Activation::None;
  if (!isResidual || next.readsOperand())
    return {};
  return get(getContext(), next.getActivation(), next.getAlpha(), /*residual=*/true, Activation::None);
}

bool EpilogueForms::admit(EpilogueAttr epilogue) const {
  return (activation || epilogue.getActivation() == Activation::None) && (residual || !epilogue.getResidual()) &&
         (gradient || !epilogue.hasGradient());
}

/// `<residual, activation = leaky_relu, alpha = 1.0e-1>`: each of the parts at most once, in any order.
Attribute EpilogueAttr::parse(AsmParser &parser, Type) {
  Activation activation = Activation::None, gradient = Activation::None;
  Real alpha(0);
  bool residual = false;
  llvm::StringSet<> given;
  auto parseActivation = [&](Activation &result) -> ParseResult {
    FailureOr<Activation> parsed = FieldParser<Activation>::parse(parser);
    if (succeeded(parsed))
      result = *parsed;
    return success(succeeded(parsed));
  };
  auto parsePart = [&]() -> ParseResult {
    SMLoc place = parser.getCurrentLocation();
    StringRef name;
    if (parser.parseKeyword(&name))
      return failure();
    if (!given.insert(name).second)
      return parser.emitError(place) << "'" << name << "' is given twice";
    if (name == "residual") {
      residual = true;
      return success();
    }
    if (name != "activation" && name != "alpha" && name != "gradient")
      return parser.emitError(place) << "'" << name << "' is no part of an epilogue, which has residual, activation, alpha, gradient";
    if (parser.parseEqual())
      return failure();
    if (name == "alpha")
      return parser.parseFloat(alpha.value);
    return parseActivation(name == "activation" ? activation : gradient);
  };
  SMLoc begin = parser.getCurrentLocation();
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::LessGreater, parsePart))
    return {};
  return parser.getChecked<EpilogueAttr>(begin, parser.getContext(), activation, alpha, residual, gradient);
}

void EpilogueAttr::print(AsmPrinter &printer) const {
  llvm::ListSeparator separator;
  printer << '<';
  if (getResidual())
    printer << StringRef(separator) << "residual";
  if (getActivation() != Activation::None)
    printer << StringRef(separator) << "activation = " << getActivation();
  if (getAlpha() != 0)
    printer << StringRef(separator) << "alpha = " << getAlpha();
  if (hasGradient())
    printer << StringRef(separator) << "gradient = " << getGradient();
  printer << '>';
}

LogicalResult dtc::nn::verifyEpilogue(Operation *operation) {
  auto op = cast<TakesEpilogue>(operation);
  EpilogueAttr epilogue = op.getEpilogueAttr();
  Value operand = op.getEpilogueOperand();
  Type result = op->getResult(0).getType();
  if (epilogue && !op.getEpilogueForms().admit(epilogue))
    return op.emitOpError("takes no ") << epilogue;
  bool reads = epilogue && epilogue.readsOperand();
  if (!reads && operand)
    return op.emitOpError("has an operand ") << operand.getType() << " of an epilogue that reads none";
  if (!reads)
    return success();
  StringRef what = epilogue.getResidual() ? "the residual" : "where the gradient is taken";
  if (!operand)
    return op.emitOpError("misses an operand of its epilogue: ") << what;
  if (operand.getType() != result)
    return op.emitOpError() << what << " is " << operand.getType() << ", but must have the type of the result " << result;
  return success();
}
