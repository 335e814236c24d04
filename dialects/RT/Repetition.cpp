// Arrays of buffers, and loops over them: syntax and checks.
#include "dialects/RT/RT.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::rt;

//===----------------------------------------------------------------------===//
// Arrays
//===----------------------------------------------------------------------===//

ParseResult ArrayOp::parse(OpAsmParser &parser, OperationState &result) {
  StringAttr name;
  SmallVector<OpAsmParser::UnresolvedOperand> members;
  MemRefType type;
  if (parser.parseAttribute(name, getNameAttrName(result.name),
                            result.attributes))
    return failure();
  if (succeeded(parser.parseOptionalKeyword("listed")))
    result.addAttribute(getListedAttrName(result.name),
                        parser.getBuilder().getUnitAttr());
  if (parser.parseKeyword("of") || parser.parseOperandList(members) ||
      parser.parseOptionalAttrDict(result.attributes) ||
      parser.parseColonType(type) ||
      parser.resolveOperands(members, type, result.operands))
    return failure();
  result.addTypes(ArrayType::get(parser.getContext(), type));
  return success();
}

void ArrayOp::print(OpAsmPrinter &printer) {
  printer << " " << getNameAttr() << (getListed() ? " listed" : "") << " of ";
  printer.printOperands(getMembers());
  printer.printOptionalAttrDict((*this)->getAttrs(),
                                {getNameAttrName(), getListedAttrName()});
  printer << " : " << getArray().getType().getElement();
}

/// Of a buffer or a view: 1 if it is there once.
static int64_t slotsOf(Value memory) {
  while (auto view = memory.getDefiningOp<ViewOp>()) {
    if (view.getParts())
      return *view.getParts();
    memory = view.getBase();
  }
  auto buffer = memory.getDefiningOp<BufferOp>();
  return buffer ? buffer.getSlots().value_or(1) : 1;
}

LogicalResult ArrayOp::verify() {
  if (getMembers().empty())
    return emitOpError("has no members");
  llvm::SmallDenseSet<Value> seen;
  for (Value member : getMembers()) {
    if (!rootBuffer(member))
      return emitOpError("has a member that is no buffer and no view of one");
    if (member.getType() != getArray().getType().getElement())
      return emitOpError("of ") << getArray().getType().getElement()
                                << " has a member of " << member.getType();
    if (slotsOf(member) != slotsOf(getMembers().front()))
      return emitOpError("has members with ")
             << slotsOf(getMembers().front()) << " and with " << slotsOf(member)
             << " slots";
    if (getListed())
      continue;
    if (!seen.insert(member).second)
      return emitOpError(
          "has a member twice: a buffer has one place, unless it is listed");
    for (Operation *user : member.getUsers())
      if (auto other = dyn_cast<ArrayOp>(user);
          other && other != *this && !other.getListed())
        return emitOpError("has a member that lies in '")
               << other.getName()
               << "' too: a buffer has one place, unless it is listed";
  }
  return success();
}

ParseResult ElementOp::parse(OpAsmParser &parser, OperationState &result) {
  OpAsmParser::UnresolvedOperand array, run;
  IntegerAttr at, step;
  ArrayType type;
  Type integer = parser.getBuilder().getI64Type();
  if (parser.parseOperand(array) || parser.parseKeyword("at") ||
      parser.parseAttribute(at, integer, getAtAttrName(result.name),
                            result.attributes) ||
      parser.parseKeyword("step") ||
      parser.parseAttribute(step, integer, getStepAttrName(result.name),
                            result.attributes) ||
      parser.parseKeyword("of") || parser.parseOperand(run) ||
      parser.parseOptionalAttrDict(result.attributes) ||
      parser.parseColonType(type) ||
      parser.resolveOperand(array, type, result.operands) ||
      parser.resolveOperand(run, parser.getBuilder().getIndexType(),
                            result.operands))
    return failure();
  result.addTypes(type.getElement());
  return success();
}

void ElementOp::print(OpAsmPrinter &printer) {
  printer << " " << getArray() << " at " << getAt() << " step "
          << static_cast<int64_t>(getStep()) << " of " << getRun();
  printer.printOptionalAttrDict((*this)->getAttrs(),
                                {getAtAttrName(), getStepAttrName()});
  printer << " : " << getArray().getType();
}

LogicalResult ElementOp::verify() {
  auto argument = dyn_cast<BlockArgument>(getRun());
  auto repeat = argument
                    ? dyn_cast<RepeatOp>(argument.getOwner()->getParentOp())
                    : RepeatOp();
  if (!repeat)
    return emitOpError("takes the run of no loop");
  if (getMemory().getType() != getArray().getType().getElement())
    return emitOpError("of ")
           << getArray().getType() << " is " << getMemory().getType();
  auto array = getArray().getDefiningOp<ArrayOp>();
  if (!array)
    return emitOpError("takes a member of no array");
  int64_t first = getAt(),
          last = first + static_cast<int64_t>(getStep()) *
                             (static_cast<int64_t>(repeat.getCount()) - 1);
  int64_t size = array.getMembers().size();
  if (std::min(first, last) < 0 || std::max(first, last) >= size)
    return emitOpError("takes members ")
           << first << " to " << last << " of '" << array.getName()
           << "', which has " << size;
  return success();
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

LogicalResult RepeatOp::verify() {
  Block &body = getBody().front();
  if (body.getNumArguments() != 1 || !body.getArgument(0).getType().isIndex())
    return emitOpError("needs the number of the run as its one argument");
  if (static_cast<int64_t>(getCount()) < 1)
    return emitOpError("runs ") << static_cast<int64_t>(getCount()) << " times";
  return success();
}

CommunicationOpInterface WaitKeptOp::getStarted() {
  for (Operation *user : getPendings().getUsers())
    if (auto keep = dyn_cast<KeepOp>(user))
      return keep.getPending().getDefiningOp<CommunicationOpInterface>();
  return {};
}

void dtc::rt::forEachRun(Block &block,
                         llvm::function_ref<void(Operation *, int64_t)> visit,
                         int64_t shift) {
  for (Operation &op : block) {
    auto repeat = dyn_cast<RepeatOp>(op);
    if (!repeat) {
      visit(&op, shift);
      continue;
    }
    for (int64_t run = 0, count = repeat.getCount(); run < count; ++run)
      forEachRun(repeat.getBody().front(), visit,
                 shift + run * repeat.getMicrobatchShift());
  }
}
