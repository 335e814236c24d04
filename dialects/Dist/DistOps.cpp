// Fragments, timelines and communication: syntax and checks.
#include "dialects/Dist/Dist.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/Interfaces/FunctionImplementation.h"

using namespace mlir;
using namespace dtc::dist;

//===----------------------------------------------------------------------===//
// Fragment, timeline
//===----------------------------------------------------------------------===//

static void buildFunction(OpBuilder &builder, OperationState &state,
                          StringRef name, FunctionType type,
                          StringAttr typeAttrName) {
  state.addAttribute(SymbolTable::getSymbolAttrName(),
                     builder.getStringAttr(name));
  state.addAttribute(typeAttrName, TypeAttr::get(type));
  Block &body = state.addRegion()->emplaceBlock();
  for (Type argument : type.getInputs())
    body.addArgument(argument, state.location);
}

template <typename Function>
static ParseResult parseFunction(OpAsmParser &parser, OperationState &result) {
  auto buildType = [](Builder &builder, ArrayRef<Type> arguments,
                      ArrayRef<Type> results,
                      function_interface_impl::VariadicFlag, std::string &) {
    return builder.getFunctionType(arguments, results);
  };
  return function_interface_impl::parseFunctionOp(
      parser, result, /*allowVariadic=*/false,
      Function::getFunctionTypeAttrName(result.name), buildType,
      Function::getArgAttrsAttrName(result.name),
      Function::getResAttrsAttrName(result.name));
}

template <typename Function>
static void printFunction(OpAsmPrinter &printer, Function function) {
  function_interface_impl::printFunctionOp(
      printer, function, /*isVariadic=*/false,
      function.getFunctionTypeAttrName(), function.getArgAttrsAttrName(),
      function.getResAttrsAttrName());
}

void FragmentOp::build(OpBuilder &builder, OperationState &state,
                       StringRef name, FunctionType type) {
  buildFunction(builder, state, name, type, getFunctionTypeAttrName(state.name));
}

ParseResult FragmentOp::parse(OpAsmParser &parser, OperationState &result) {
  return parseFunction<FragmentOp>(parser, result);
}

void FragmentOp::print(OpAsmPrinter &printer) { printFunction(printer, *this); }

ReturnOp FragmentOp::getReturn() {
  return cast<ReturnOp>(getBody().front().getTerminator());
}

std::optional<unsigned> FragmentOp::getInPlaceArgument(unsigned index) {
  auto argument = getResultAttrOfType<IntegerAttr>(index, names::inPlace);
  if (!argument)
    return std::nullopt;
  return argument.getInt();
}

LogicalResult FragmentOp::verify() {
  for (unsigned i = 0; i < getNumResults(); ++i) {
    Attribute attribute = getResultAttr(i, names::inPlace);
    if (!attribute)
      continue;
    auto argument = dyn_cast<IntegerAttr>(attribute);
    if (!argument || argument.getInt() < 0 || argument.getInt() >= getNumArguments() ||
        getArgumentTypes()[argument.getInt()] != getResultTypes()[i])
      return emitOpError("result ") << i << " of type " << getResultTypes()[i]
                                    << " cannot lie in argument " << attribute;
  }
  return success();
}

void TimelineOp::build(OpBuilder &builder, OperationState &state, StringRef name,
                       FunctionType type, StringRef phase, StringRef role) {
  buildFunction(builder, state, name, type, getFunctionTypeAttrName(state.name));
  state.addAttribute(getPhaseAttrName(state.name), builder.getStringAttr(phase));
  state.addAttribute(getRoleAttrName(state.name), builder.getStringAttr(role));
}

ParseResult TimelineOp::parse(OpAsmParser &parser, OperationState &result) {
  return parseFunction<TimelineOp>(parser, result);
}

void TimelineOp::print(OpAsmPrinter &printer) { printFunction(printer, *this); }

ReturnOp TimelineOp::getReturn() {
  return cast<ReturnOp>(getBody().front().getTerminator());
}

LogicalResult TimelineOp::verify() {
  if (getPhase() != "train" && getPhase() != "evaluate" && getPhase() != "predict")
    return emitOpError("phase is '")
           << getPhase() << "', none of 'train', 'evaluate' and 'predict'";
  return success();
}

LogicalResult ReturnOp::verify() {
  auto function = cast<FunctionOpInterface>((*this)->getParentOp());
  if (ArrayRef<Type>(llvm::to_vector(getValues().getTypes())) !=
      function.getResultTypes()) {
    InFlightDiagnostic diagnostic =
        emitOpError("gives (") << getValues().getTypes() << ") but '"
                               << function.getName() << "' promises ("
                               << function.getResultTypes() << ")";
    diagnostic.attachNote(function.getLoc()) << "declared here";
    return diagnostic;
  }
  return success();
}

LogicalResult RunOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto fragment =
      symbols.lookupNearestSymbolFrom<FragmentOp>(*this, getFragmentAttr());
  if (!fragment)
    return emitOpError("runs '") << getFragment() << "', which is no fragment";
  if (fragment.getArgumentTypes() !=
          ArrayRef<Type>(llvm::to_vector(getOperandTypes())) ||
      fragment.getResultTypes() !=
          ArrayRef<Type>(llvm::to_vector(getResultTypes()))) {
    InFlightDiagnostic diagnostic =
        emitOpError("runs '") << getFragment() << "' as ("
                              << getOperandTypes() << ") -> ("
                              << getResultTypes() << ")";
    diagnostic.attachNote(fragment.getLoc())
        << "but it is " << fragment.getFunctionType();
    return diagnostic;
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Communication
//===----------------------------------------------------------------------===//

LogicalResult AllReduceStartOp::verify() {
  if (getValues().empty())
    return emitOpError("combines nothing");
  if (getNames().size() != getValues().size())
    return emitOpError("has ") << getValues().size() << " values but "
                               << getNames().size() << " names";
  if (ArrayRef<Type>(llvm::to_vector(getValues().getTypes())) !=
      getPending().getType().getTypes())
    return emitOpError("combines (")
           << getValues().getTypes() << ") but promises "
           << getPending().getType();
  Type element = cast<ShapedType>(getValues().front().getType()).getElementType();
  for (Type type : getValues().getTypes())
    if (cast<ShapedType>(type).getElementType() != element)
      return emitOpError("combines ") << element << " and " << type
                                      << ": a bucket has one element type";
  return success();
}

LogicalResult SendStartOp::verify() {
  if (!getPending().getType().getTypes().empty())
    return emitOpError("promises ") << getPending().getType() << ", but a send gives no value";
  return success();
}

LogicalResult RecvStartOp::verify() {
  ArrayRef<Type> types = getPending().getType().getTypes();
  auto tensor = types.size() == 1 ? dyn_cast<RankedTensorType>(types.front()) : nullptr;
  if (!tensor || !tensor.hasStaticShape())
    return emitOpError("promises ")
           << getPending().getType() << ", but a message is one tensor of static shape";
  return success();
}

LogicalResult MicrobatchOp::verify() {
  auto batch = cast<ShapedType>(getBatch().getType()), rows = cast<ShapedType>(getRows().getType());
  if (batch.getRank() == 0 || batch.getRank() != rows.getRank() ||
      batch.getElementType() != rows.getElementType() ||
      batch.getShape().drop_front() != rows.getShape().drop_front() ||
      rows.getDimSize(0) < 1 || batch.getDimSize(0) % rows.getDimSize(0) != 0)
    return emitOpError("cannot cut ") << batch << " into microbatches of " << rows;
  if (static_cast<int64_t>(getNumber()) >= batch.getDimSize(0) / rows.getDimSize(0))
    return emitOpError("is number ") << getNumber() << " of "
                                     << batch.getDimSize(0) / rows.getDimSize(0);
  return success();
}

LogicalResult WaitOp::verify() {
  if (ArrayRef<Type>(llvm::to_vector(getResultTypes())) !=
      getPending().getType().getTypes())
    return emitOpError("gives (") << getResultTypes() << ") but waits for "
                                  << getPending().getType();
  return success();
}

/// `T`, or `T -> U` where the result has another type.
static ParseResult parseSumTypes(OpAsmParser &parser, Type &value, Type &result) {
  if (parser.parseType(value))
    return failure();
  result = value;
  return succeeded(parser.parseOptionalArrow()) ? parser.parseType(result) : ParseResult(success());
}

static void printSumTypes(OpAsmPrinter &printer, Operation *, Type value, Type result) {
  printer << value;
  if (result != value)
    printer << " -> " << result;
}

#define GET_OP_CLASSES
#include "dialects/Dist/DistOps.cpp.inc"

/// Why `part` is no part of `whole` among some number of ranks; an empty one is none here.
static std::string misfitOfPart(RankedTensorType whole, RankedTensorType part, std::optional<int64_t> dimension) {
  return part.getNumElements() ? misfitOfParts(whole, part, dimension, std::nullopt) : "has an empty part";
}

LogicalResult PartOp::verify() {
  std::string misfit = misfitOfPart(getValue().getType(), getResult().getType(), getDimension());
  return misfit.empty() ? success() : LogicalResult(emitOpError() << misfit);
}

LogicalResult BatchSumOp::verify() {
  if (getParts()) {
    if (std::string misfit = misfitOfPart(getValue().getType(), getResult().getType(), std::nullopt); !misfit.empty())
      return emitOpError() << misfit;
  } else if (getValue().getType() != getResult().getType()) {
    return emitOpError("has ") << getResult().getType() << " as the sum of " << getValue().getType();
  }
  if (!isa<func::FuncOp>((*this)->getParentOp()))
    return emitOpError("stands in functions between the passes of Partition alone");
  return success();
}
