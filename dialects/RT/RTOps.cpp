// Programs, buffers, kernels and calls: syntax and checks.
#include "dialects/RT/RT.h"

#include "dialects/RT/RuntimeCalls.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace dtc::rt;

//===----------------------------------------------------------------------===//
// options {name = value, …}, in the given order
//===----------------------------------------------------------------------===//

static ParseResult parseOptions(OpAsmParser &parser, ArrayAttr &names,
                                ArrayAttr &values) {
  SmallVector<Attribute> nameList, valueList;
  if (succeeded(parser.parseOptionalKeyword("options"))) {
    auto parseOne = [&]() -> ParseResult {
      std::string name;
      Attribute value;
      if (parser.parseKeywordOrString(&name) || parser.parseEqual() ||
          parser.parseAttribute(value))
        return failure();
      nameList.push_back(parser.getBuilder().getStringAttr(name));
      valueList.push_back(value);
      return success();
    };
    if (parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Braces, parseOne))
      return failure();
  }
  names = parser.getBuilder().getArrayAttr(nameList);
  values = parser.getBuilder().getArrayAttr(valueList);
  return success();
}

static void printOptions(OpAsmPrinter &printer, Operation *, ArrayAttr names,
                         ArrayAttr values) {
  if (names.empty())
    return;
  printer << "options {";
  llvm::interleaveComma(llvm::zip_equal(names, values), printer, [&](auto pair) {
    printer.printKeywordOrString(cast<StringAttr>(std::get<0>(pair)).getValue());
    printer << " = ";
    printer.printAttribute(std::get<1>(pair));
  });
  printer << "}";
}

//===----------------------------------------------------------------------===//
// Structure
//===----------------------------------------------------------------------===//

int64_t ProgramOp::getDevices() {
  int64_t devices = 1;
  for (int64_t size : getMesh())
    devices *= size;
  return devices;
}

LogicalResult ProgramOp::verify() {
  if (getAxes().size() != getMesh().size())
    return emitOpError("names ") << getAxes().size() << " axes of a mesh with "
                                 << getMesh().size();
  if (!getArena())
    return success();
  for (auto buffer : getOps<BufferOp>()) {
    if (!buffer.getOffset())
      return buffer.emitOpError("has no offset in a planned program");
    int64_t begin = *buffer.getOffset(), end = 0;
    if (begin < 0 ||
        llvm::AddOverflow(begin, bytesOf(buffer), end) ||
        end > static_cast<int64_t>(*getArena()))
      return buffer.emitOpError("ends at byte ")
             << end << " beyond the arena of " << *getArena();
  }
  return success();
}

LogicalResult BufferOp::verify() {
  bool held = getKind() == BufferKind::Parameter || getKind() == BufferKind::State ||
              getKind() == BufferKind::Statistic;
  if (held && !getInit())
    return emitOpError("of a parameter or of state needs an initial value");
  if (static_cast<int64_t>(getSlots().value_or(1)) < 1)
    return emitOpError("has ") << *getSlots() << " slots";
  MemRefType type = getMemory().getType();
  if (!type.hasStaticShape() || (!isRowMajor(type) && !isChannelsLast(type)))
    return emitOpError("must be dense, row-major or channels-last, not ") << type;
  return success();
}

int64_t dtc::rt::bytesOf(BufferOp buffer) {
  int64_t bytes = bytesOf(buffer.getMemory().getType());
  int64_t slots = buffer.getSlots().value_or(1);
  if (slots == 1)
    return bytes;
  return (slots - 1) * static_cast<int64_t>(llvm::alignTo(bytes, slotAlignment)) + bytes;
}

Volume dtc::rt::volumeOf(TimelineOp timeline, CommunicationKind kind) {
  Volume volume;
  auto add = [&](CommunicationOpInterface op) {
    if (op && op.getCommunicationKind() == kind) {
      volume.bytes += op.getPayloadBytes();
      ++volume.count;
    }
  };
  SymbolTable symbols(timeline->getParentOfType<ProgramOp>());
  forEachRun(timeline.getBody().front(), [&](Operation *op, int64_t) {
    add(dyn_cast<CommunicationOpInterface>(op));
    if (auto run = dyn_cast<RunOp>(op))
      forEachRun(symbols.lookup<FragmentOp>(run.getFragment()).getBody().front(),
                 [&](Operation *inside, int64_t) { add(dyn_cast<CommunicationOpInterface>(inside)); });
  });
  return volume;
}

LogicalResult WaitOp::verify() {
  if (!getStarted())
    return emitOpError("waits for what no communication has started");
  return success();
}

/// The runtime adds up floats of 32 bits alone.
static LogicalResult verifyReduction(Operation *op, StringRef word, TypeRange types) {
  if (word != "sum" && word != "max")
    return op->emitOpError("combines by '") << word << "', neither 'sum' nor 'max'";
  for (Type type : types)
    if (!cast<MemRefType>(type).getElementType().isF32())
      return op->emitOpError("combines ") << type << ": only f32 is combined over ranks";
  return success();
}

LogicalResult AllReduceStartOp::verify() { return verifyReduction(*this, getReduction(), getBuffer().getType()); }
LogicalResult AllReduceOp::verify() { return verifyReduction(*this, getReduction(), getBuffer().getType()); }

/// Along an axis of some size, parts of the first are the second: pieces of ceil(elements / size), or, if all are `equal`, of that.
static LogicalResult verifyParts(Operation *op, TypeRange wholes, TypeRange parts) {
  if (wholes.empty())
    return op->emitOpError("takes nothing");
  for (auto [wholeType, partType] : llvm::zip_equal(wholes, parts)) {
    auto whole = cast<MemRefType>(wholeType), part = cast<MemRefType>(partType);
    int64_t elements = whole.getNumElements(), piece = part.getNumElements();
    bool fits = piece == 0 ? elements == 0
                           : elements > 0 && static_cast<int64_t>(llvm::divideCeil(elements, llvm::divideCeil(elements, piece))) == piece;
    if (!fits || whole.getElementType() != part.getElementType())
      return op->emitOpError("has ") << part << " as a part of " << whole;
  }
  return success();
}

LogicalResult ReduceScatterStartOp::verify() {
  if (failed(verifyParts(*this, getInputs().getTypes(), getOutputs().getTypes())))
    return failure();
  return verifyReduction(*this, getReduction(), getInputs().getTypes());
}

LogicalResult ReduceScatterOp::verify() {
  if (failed(verifyParts(*this, getInputs().getTypes(), getOutputs().getTypes())))
    return failure();
  return verifyReduction(*this, getReduction(), getInputs().getTypes());
}

LogicalResult AllGatherStartOp::verify() { return verifyParts(*this, getOutputs().getTypes(), getInputs().getTypes()); }
LogicalResult AllGatherOp::verify() { return verifyParts(*this, getOutputs().getTypes(), getInputs().getTypes()); }

static LogicalResult verifyExchange(Operation *op, TypeRange from, TypeRange to) {
  if (from.empty())
    return op->emitOpError("takes nothing");
  for (auto [source, target] : llvm::zip_equal(from, to)) {
    auto a = cast<MemRefType>(source), b = cast<MemRefType>(target);
    if (a.getElementType() != b.getElementType() || a.getNumElements() != b.getNumElements())
      return op->emitOpError("cannot make ") << b << " of " << a;
  }
  return success();
}

LogicalResult AllToAllStartOp::verify() { return verifyExchange(*this, getInputs().getTypes(), getOutputs().getTypes()); }
LogicalResult AllToAllOp::verify() { return verifyExchange(*this, getInputs().getTypes(), getOutputs().getTypes()); }

bool dtc::rt::isPerMicrobatch(Value memory) {
  for (;;) {
    if (auto view = memory.getDefiningOp<ViewOp>()) {
      if (view.getParts())
        return true;
      memory = view.getBase();
      continue;
    }
    auto buffer = memory.getDefiningOp<BufferOp>();
    return buffer && buffer.getSlots();
  }
}

BufferOp dtc::rt::rootBuffer(Value memory) {
  for (;;) {
    if (auto element = memory.getDefiningOp<ElementOp>()) {
      memory = element.getArray().getDefiningOp<ArrayOp>().getMembers().front();
    }
    auto view = memory.getDefiningOp<ViewOp>();
    if (!view)
      return memory.getDefiningOp<BufferOp>();
    memory = view.getBase();
  }
}

LogicalResult ViewOp::verify() {
  MemRefType base = getBase().getType(), type = getMemory().getType();
  int64_t at = getAt(), parts = getParts().value_or(1), elements = 0;
  if (base.getElementType() != type.getElementType() || at < 0 || parts < 1 ||
      llvm::MulOverflow(parts, type.getNumElements(), elements) ||
      elements > base.getNumElements() || at > base.getNumElements() - elements)
    return emitOpError("of ") << type << " at " << getAt()
                              << " does not lie inside " << base;
  return success();
}

LogicalResult KernelOp::verify() {
  Block &body = getBody().front();
  auto yield = dyn_cast<YieldOp>(body.getTerminator());
  if (!yield)
    return emitOpError("must end in rt.yield");
  if (body.getNumArguments() != getReads().size())
    return emitOpError("reads ") << getReads().size() << " buffers but its body takes "
                                 << body.getNumArguments();
  if (yield.getValues().size() != getWrites().size())
    return emitOpError("writes ") << getWrites().size()
                                  << " buffers but yields " << yield.getValues().size();
  for (ArrayAttr maps : {getReads(), getWrites()})
    for (auto map : maps.getAsValueRange<AffineMapAttr>())
      if (map.getNumDims() != getGrid().size() || map.getNumResults() != 1)
        return emitOpError("has a grid of ")
               << getGrid().size() << " dimensions, which " << AffineMapAttr::get(map)
               << " does not map to a position";
  return success();
}

//===----------------------------------------------------------------------===//
// Formulas
//===----------------------------------------------------------------------===//

unsigned FormulaOp::getScalars() {
  return llvm::count_if(getMoving().drop_front(2), [](BlockArgument state) { return state.getType().isF64(); });
}

YieldOp FormulaOp::getYield() { return cast<YieldOp>(getBody().front().getTerminator()); }

llvm::DenseMap<Value, FormulaOp::Level> FormulaOp::getLevels() {
  llvm::DenseMap<Value, Level> levels;
  for (auto [i, argument] : llvm::enumerate(getBody().getArguments())) {
    bool isSetting = i >= 2 && i < 2 + getSettings().size();
    levels[argument] = isSetting                    ? Level::Setting
                       : i < 2                      ? Level::Step
                       : argument.getType().isF64() ? Level::Tensor
                                                    : Level::Element;
  }
  for (Operation &op : getBody().front().without_terminator()) {
    Level level = isa<SumOp>(op) ? Level::Tensor : Level::Setting;
    if (!isa<SumOp>(op))
      for (Value operand : op.getOperands())
        level = std::max(level, levels.lookup(operand));
    for (Value result : op.getResults())
      levels[result] = level;
  }
  return levels;
}

LogicalResult FormulaOp::verify() {
  size_t settings = getSettings().size(), states = getStates().size();
  if (getNumbers().size() != settings)
    return emitOpError("has ") << settings << " settings but " << getNumbers().size() << " numbers";
  if (getBody().getNumArguments() != 4 + settings + states)
    return emitOpError("takes a learning rate, a step, ")
           << settings << " settings, a parameter, a gradient and " << states << " states, but its body takes "
           << getBody().getNumArguments() << " arguments";
  for (auto [i, argument] : llvm::enumerate(getBody().getArguments().take_front(2 + settings)))
    if (!argument.getType().isF64())
      return emitOpError("argument ") << i << " must be f64, not " << argument.getType();
  bool scalars = false;
  for (auto [i, argument] : llvm::enumerate(getMoving())) {
    bool isScalar = argument.getType().isF64();
    if ((!isScalar && !argument.getType().isF32()) || (isScalar && i < 2))
      return emitOpError("elements are f32, not ") << argument.getType();
    if (scalars && !isScalar)
      return emitOpError("has a scalar state before one of elements");
    scalars = isScalar;
  }
  auto yield = dyn_cast<YieldOp>(getBody().front().getTerminator());
  if (!yield || yield.getValues().size() != 1 + states)
    return emitOpError("must yield the new parameter and ") << states << " new states";
  for (auto [i, value] : llvm::enumerate(yield.getValues()))
    if (value.getType() != getMoving()[i ? i + 1 : 0].getType())
      return emitOpError("yields ") << value.getType() << " for " << getMoving()[i ? i + 1 : 0].getType();
  // f64 is what does not differ from element to element, and a sum of a sum would be one more pass.
  // Scalars change with the tensor like sums.
  llvm::DenseSet<Value> ofSums;
  for (BlockArgument state : getMoving().take_back(getScalars()))
    ofSums.insert(state);
  for (Operation &op : getBody().front()) {
    bool isOfSum = llvm::any_of(op.getOperands(), [&](Value operand) { return ofSums.contains(operand); });
    if (isa<SumOp>(op) && isOfSum)
      return op.emitOpError("adds up what another sum or a scalar state is in");
    if (isa<SumOp>(op) || isOfSum)
      ofSums.insert_range(op.getResults());
    for (Value operand : op.getOperands())
      if (!isa<SumOp, YieldOp>(op) && operand.getType().isF32() &&
          llvm::any_of(op.getResultTypes(), [](Type type) { return type.isF64(); }))
        return op.emitOpError("makes an f64 of an element");
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

LogicalResult CallOp::verifySymbolUses(SymbolTableCollection &symbols) {
  if (!getFormula())
    return success();
  auto formula = symbols.lookupNearestSymbolFrom<FormulaOp>((*this)->getParentOfType<ProgramOp>(), getFormulaAttr());
  if (!formula)
    return emitOpError("is of '") << *getFormula() << "', which is no formula";
  if (static_cast<size_t>(getTuple().value_or(0)) != 2 + formula.getStates().size())
    return emitOpError("has tuples of ") << getTuple().value_or(0) << ", not a parameter, its gradient and the "
                                         << formula.getStates().size() << " states of '" << *getFormula() << "'";
  return success();
}

/// Callee and options are printed into source code as they stand.
static bool isIdentifier(StringRef text) {
  return !text.empty() && (llvm::isAlpha(text.front()) || text.front() == '_') &&
         llvm::all_of(text, [](char c) { return llvm::isAlnum(c) || c == '_'; });
}

mlir::OperandRange CallOp::getTupleInputs() {
  if (!getTuple())
    return getInputs().take_front(0);
  const RuntimeCall *call = runtimeCall(getCallee());
  size_t shared = call && call->form == RuntimeCall::Form::OfFormula ? call->inputs : 0;
  return getInputs().drop_back(std::min(shared, getInputs().size()));
}

mlir::OperandRange CallOp::getSharedInputs() {
  return getInputs().drop_front(getTupleInputs().size());
}

/// Whether the attribute is a value of an option of this kind.
static bool isOfKind(Attribute value, RuntimeOption::Kind kind) {
  switch (kind) {
  case RuntimeOption::Kind::Integer:
    return isa<IntegerAttr>(value) && !isa<BoolAttr>(value);
  case RuntimeOption::Kind::Real:
  case RuntimeOption::Kind::Argument:
    return isa<FloatAttr>(value);
  case RuntimeOption::Kind::Flag:
    return isa<BoolAttr>(value);
  case RuntimeOption::Kind::Word:
  case RuntimeOption::Kind::Text:
    return isa<StringAttr>(value);
  case RuntimeOption::Kind::List:
    return isa<DenseI64ArrayAttr>(value);
  case RuntimeOption::Kind::Buffer:
    return false;
  }
  llvm_unreachable("an option has a kind");
}

/// Buffers and then values, in the order in which the struct declares them: C++ wants its members so.
static LogicalResult verifyOptions(CallOp op, const RuntimeCall &call) {
  const RuntimeOption *next = call.options.data();
  auto take = [&](StringRef name, llvm::function_ref<bool(const RuntimeOption &)> fits) -> LogicalResult {
    const RuntimeOption *option = call.option(name);
    if (!option)
      return op.emitOpError("'") << call.callee << "' has no option '" << name << "'";
    if (!fits(*option))
      return op.emitOpError("option '") << name << "' of '" << call.callee << "' is of another kind";
    if (option < next)
      return op.emitOpError("option '") << name << "' of '" << call.callee << "' stands twice, or behind one that is declared behind it";
    next = option + 1;
    return success();
  };
  for (StringRef name : op.getOperandNames().getAsValueRange<StringAttr>())
    if (failed(take(name, [](const RuntimeOption &option) { return option.kind == RuntimeOption::Kind::Buffer; })))
      return failure();
  for (auto [name, value] : llvm::zip_equal(op.getOptionNames().getAsValueRange<StringAttr>(), op.getOptionValues()))
    if (failed(take(name, [&, value = value](const RuntimeOption &option) { return isOfKind(value, option.kind); })))
      return failure();
  for (const RuntimeOption &option : call.options)
    if (option.isRequired && !llvm::is_contained(op.getOptionNames().getAsValueRange<StringAttr>(), option.name))
      return op.emitOpError("leaves out the option '") << option.name << "' of '" << call.callee << "', which has no default";
  // What passes may add later.
  SmallVector<StringRef> later;
  if (op.getCanAccumulate())
    later.push_back("accumulate");
  if (op.getCanSum())
    for (auto sum : op.getCanSumAttr().getAsRange<SumAttr>())
      later.push_back(sum.getOption());
  if (op.getCanWriteMask() || op.getCanReadMask())
    later.push_back("relu_mask");
  for (StringRef name : later)
    if (!call.has(name))
      return op.emitOpError("could take '") << name << "', which is no option of '" << call.callee << "'";
  return success();
}

/// As many tensors as the call takes, passed as it takes them.
static LogicalResult verifyForm(CallOp op, const RuntimeCall &call) {
  using Form = RuntimeCall::Form;
  size_t outputs = op.getOutputs().size();
  if (outputs > call.outputs || outputs + call.optionalOutputs < call.outputs)
    return op.emitOpError("gives ") << outputs << " outputs to '" << call.callee << "', which takes " << call.outputs
                                    << (call.optionalOutputs ? " or fewer" : "");
  if (op.getList() != (call.form == Form::List))
    return op.emitOpError("'") << call.callee << "' takes its inputs " << (call.form == Form::List ? "as a list" : "one by one");
  if (op.getFormula().has_value() != (call.form == Form::OfFormula))
    return op.emitOpError("'") << call.callee << "' works by " << (call.form == Form::OfFormula ? "a formula" : "no formula");
  bool isTuples = op.getTuple() && call.form == Form::Tuples;
  if (op.getTuple() && call.form != Form::OfFormula && (!isTuples || *op.getTuple() != call.inputs))
    return op.emitOpError("'") << call.callee << "' takes no tuples of " << *op.getTuple();
  if (op.getTuple() && op.getTupleInputs().size() % *op.getTuple())
    return op.emitOpError("has tuples of ") << *op.getTuple() << " but " << op.getTupleInputs().size() << " inputs for them";
  size_t alone = op.getSharedInputs().size(), wanted = isTuples ? 0 : call.inputs;
  if (call.form != Form::List && alone != wanted)
    return op.emitOpError("gives ") << alone << " inputs to '" << call.callee << "', which takes " << wanted
                                    << (op.getTuple() ? " behind its tuples" : "");
  return success();
}

LogicalResult CallOp::verify() {
  if (!isIdentifier(getCallee()))
    return emitOpError("callee '") << getCallee() << "' is no identifier";
  for (ArrayAttr names : {getOperandNames(), getOptionNames()})
    for (auto name : names.getAsValueRange<StringAttr>())
      if (!name.empty() && !isIdentifier(name))
        return emitOpError("option '") << name << "' is no identifier";
  if (getOperandNames().size() != getNamed().size())
    return emitOpError("has ") << getNamed().size() << " named operands but "
                               << getOperandNames().size() << " names";
  if (getOptionNames().size() != getOptionValues().size())
    return emitOpError("has ") << getOptionNames().size() << " option names but "
                               << getOptionValues().size() << " values";
  const RuntimeCall *call = runtimeCall(getCallee());
  if (!call)
    return emitOpError("callee '") << getCallee() << "' is no call of the runtime";
  if (failed(verifyOptions(*this, *call)))
    return failure();
  if (getTuple() && getList())
    return emitOpError("passes its inputs as a list and as tuples");
  int64_t tuple = getTuple().value_or(1);
  if (tuple < 1 || (getTuple() && static_cast<int64_t>(getInputs().size()) < tuple))
    return emitOpError("has tuples of ") << tuple << " but " << getInputs().size() << " inputs";
  return verifyForm(*this, *call);
}

LogicalResult LaunchOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto kernel = symbols.lookupNearestSymbolFrom<KernelOp>(
      (*this)->getParentOfType<ProgramOp>(), getKernelAttr());
  if (!kernel)
    return emitOpError("launches '") << getKernel() << "', which is no kernel";
  if (kernel.getReads().size() != getInputs().size() ||
      kernel.getWrites().size() != getOutputs().size())
    return emitOpError("gives ") << getInputs().size() << " inputs and "
                                 << getOutputs().size() << " outputs to '"
                                 << getKernel() << "', which takes "
                                 << kernel.getReads().size() << " and "
                                 << kernel.getWrites().size();
  return success();
}

double TimelineOp::getFlops() {
  SymbolTable symbols((*this)->getParentOfType<ProgramOp>());
  double flops = 0;
  forEachRun(getBody().front(), [&](Operation *op, int64_t) {
    if (auto run = dyn_cast<RunOp>(op))
      flops += symbols.lookup<FragmentOp>(run.getFragment()).getFlops().convertToDouble();
  });
  return flops;
}

LogicalResult RunOp::verifySymbolUses(SymbolTableCollection &symbols) {
  if (!symbols.lookupNearestSymbolFrom<FragmentOp>(
          (*this)->getParentOfType<ProgramOp>(), getFragmentAttr()))
    return emitOpError("runs '") << getFragment() << "', which is no fragment";
  return success();
}

#define GET_OP_CLASSES
#include "dialects/RT/RTOps.cpp.inc"
