// Memory and calls for the ops of fragments.
#include "dtc/Plan/FragmentBuilder.h"
#include "dtc/Optimizers/Formula.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/IR/OperationSupport.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::plan;

FragmentBuilder::FragmentBuilder(rt::ProgramOp program)
    : program(program), builder(program.getContext()) {}

//===----------------------------------------------------------------------===//
// Where tensors lie
//===----------------------------------------------------------------------===//

Value FragmentBuilder::memory(Value tensor) const {
  Value memory = memories.lookup(tensor);
  assert(memory && "a tensor is used before it was lowered");
  return memory;
}

bool FragmentBuilder::isChannelsLast(Value tensor) const {
  return !rt::isRowMajor(cast<MemRefType>(memory(tensor).getType()));
}

static MemRefType typeOf(RankedTensorType tensor, Layout layout) {
  if (layout == Layout::ChannelsLast && tensor.getRank() >= 3)
    return rt::channelsLast(tensor.getShape(), tensor.getElementType());
  return MemRefType::get(tensor.getShape(), tensor.getElementType());
}

Value FragmentBuilder::memory(Value tensor, Layout layout) {
  Value current = memory(tensor);
  auto type = cast<MemRefType>(current.getType());
  if (layout == Layout::RowMajor ? rt::isRowMajor(type) : rt::isChannelsLast(type))
    return current;
  Value &copied = converted[{tensor, static_cast<int>(layout)}];
  if (!copied) {
    auto name = current.getDefiningOp()->getAttrOfType<StringAttr>("name");
    copied = createBuffer(
        tensor.getLoc(),
        (name.getValue() + (layout == Layout::RowMajor ? ".row_major"
                                                       : ".channels_last")).str(),
        rt::BufferKind::Temporary,
        typeOf(cast<RankedTensorType>(tensor.getType()), layout));
    copy(tensor.getLoc(), current, copied);
  }
  return copied;
}

Value FragmentBuilder::define(OpResult result, Layout layout) {
  auto type = typeOf(cast<RankedTensorType>(result.getType()), layout);
  Value memory = promised.lookup(result);
  if (!memory || memory.getType() != type)
    memory = createBuffer(result.getLoc(), bufferName(result),
                          rt::BufferKind::Temporary, type);
  memories[result] = memory;
  return memory;
}

void FragmentBuilder::alias(Value result, Value memory) {
  memories[result] = memory;
}

void FragmentBuilder::reshapeInPlace(OpResult result, Value base) {
  auto type = typeOf(cast<RankedTensorType>(result.getType()), Layout::RowMajor);
  memories[result] = base.getType() == type
                         ? base
                         : createView(result.getLoc(), bufferName(result), base, 0, type);
}

void FragmentBuilder::promise(Value tensor, Value memory) {
  promised[tensor] = memory;
}

Value FragmentBuilder::placeOf(Value tensor) const {
  Value wanted = promised.lookup(tensor);
  return wanted ? wanted : memory(tensor);
}

void FragmentBuilder::keepPromises(Operation *op) {
  for (OpResult result : op->getResults())
    if (Value wanted = promised.lookup(result); wanted && memory(result) != wanted)
      copy(op->getLoc(), memory(result), wanted);
}

//===----------------------------------------------------------------------===//
// Declarations of the program: buffers first, kernels behind them
//===----------------------------------------------------------------------===//

template <typename OpT, typename... Arguments>
OpT FragmentBuilder::declare(Arguments &&...arguments) {
  OpBuilder::InsertionGuard guard(builder);
  if (lastDeclaration)
    builder.setInsertionPointAfter(lastDeclaration);
  else
    builder.setInsertionPointToStart(&program.getBody().front());
  auto op = OpT::create(builder, std::forward<Arguments>(arguments)...);
  lastDeclaration = op;
  return op;
}

Value FragmentBuilder::createBuffer(Location location, StringRef name,
                                    rt::BufferKind kind, MemRefType type,
                                    Attribute init, int64_t slots) {
  return declare<rt::BufferOp>(location, type, builder.getStringAttr(name),
                               rt::BufferKindAttr::get(builder.getContext(), kind),
                               /*offset=*/IntegerAttr(), init, /*classes=*/IntegerAttr(),
                               slots ? builder.getI64IntegerAttr(slots) : IntegerAttr(), /*shares=*/ArrayAttr());
}

Value FragmentBuilder::createConstant(Location location, StringRef name,
                                      ElementsAttr value) {
  auto type = cast<RankedTensorType>(value.getType());
  return declare<rt::ConstantOp>(location, MemRefType::get(type.getShape(), type.getElementType()), name, value);
}

Value FragmentBuilder::createRows(Location location, StringRef name, Value batch,
                                  MemRefType type, int64_t parts) {
  return declare<rt::ViewOp>(location, type, name, batch, 0, builder.getI64IntegerAttr(parts));
}

Value FragmentBuilder::createView(Location location, StringRef name, Value base,
                                  int64_t at, MemRefType type) {
  return declare<rt::ViewOp>(location, type, name, base, at);
}

std::string FragmentBuilder::beginKernel(StringRef name) {
  if (Operation *behind = lastKernel ? lastKernel : lastDeclaration)
    builder.setInsertionPointAfter(behind);
  else
    builder.setInsertionPointToStart(&program.getBody().front());
  std::string unique = name.str();
  for (int i = 2; program.lookupSymbol(unique); ++i)
    unique = (name + "_" + Twine(i)).str();
  return unique;
}

FlatSymbolRefAttr FragmentBuilder::getFormula(Location location, nn::OptimizerAttr optimizer) {
  FlatSymbolRefAttr &known = formulas[optimizer];
  if (known)
    return known;
  OpBuilder::InsertionGuard guard(builder);
  const Optimizer &entry = *optimizer.getEntry();
  SmallVector<double> values = optimizer.getNumbers(), numbers;
  OptimizerSettings settings(entry, values, optimizer.getRateScale());
  SmallVector<StringRef> names = Formula::numbersOf(entry), states;
  for (StringRef name : names)
    numbers.push_back(settings[name]);
  for (const OptimizerState *state : settings.states())
    states.push_back(state->name);
  std::string unique = beginKernel(entry.name);
  std::string summary = (entry.name + ": " + entry.summary + " (" + entry.source + ")").str();
  auto formula = rt::FormulaOp::create(builder, location, unique, summary, builder.getStrArrayAttr(names), numbers,
                                       builder.getStrArrayAttr(states));
  Block &body = formula.getBody().emplaceBlock();
  SmallVector<Value> results =
      Formula::build(settings, builder, location, body, [](OpBuilder &inside, Location place, Value element) -> Value {
        return rt::SumOp::create(inside, place, inside.getF64Type(), element);
      });
  builder.setInsertionPointToEnd(&body);
  rt::YieldOp::create(builder, location, results);
  lastKernel = formula;
  return known = FlatSymbolRefAttr::get(formula.getSymNameAttr());
}

FlatSymbolRefAttr FragmentBuilder::getKernel(Location location, StringRef name,
                                             ArrayRef<int64_t> grid,
                                             ArrayRef<AffineMap> reads,
                                             ArrayRef<AffineMap> writes,
                                             StringRef formula, Region &body) {
  ArrayAttr readMaps = builder.getAffineMapArrayAttr(reads);
  ArrayAttr writeMaps = builder.getAffineMapArrayAttr(writes);
  auto &alike = kernels[{builder.getDenseI64ArrayAttr(grid), readMaps, writeMaps}];
  for (rt::KernelOp kernel : alike)
    if (OperationEquivalence::isRegionEquivalentTo(&kernel.getBody(), &body,
                                                   OperationEquivalence::IgnoreLocations))
      return FlatSymbolRefAttr::get(kernel.getSymNameAttr());

  OpBuilder::InsertionGuard guard(builder);
  std::string unique = beginKernel(name);
  auto kernel = rt::KernelOp::create(builder, location, unique, grid, readMaps,
                                     writeMaps, formula);
  IRMapping mapping;
  body.cloneInto(&kernel.getBody(), mapping);
  lastKernel = kernel;
  alike.push_back(kernel);
  return FlatSymbolRefAttr::get(kernel.getSymNameAttr());
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

void FragmentBuilder::call(Location location, ValueRange inputs, ValueRange outputs, const CallOptions &options) {
  const rt::RuntimeCall &declared = options.of();
  int64_t tuple = declared.form == rt::RuntimeCall::Form::Tuples ? declared.inputs : options.tuple;
  rt::CallOp::create(builder, location, declared.callee, inputs, outputs, options.operands,
                     builder.getArrayAttr(options.operandNames),
                     builder.getArrayAttr(options.names),
                     builder.getArrayAttr(options.values), declared.form == rt::RuntimeCall::Form::List,
                     tuple ? builder.getI64IntegerAttr(tuple) : IntegerAttr(),
                     options.formula,
                     options.canAccumulate,
                     options.canSum.empty() ? ArrayAttr() : builder.getArrayAttr(options.canSum),
                     options.sumOver.empty() ? DenseI64ArrayAttr()
                                             : builder.getDenseI64ArrayAttr(options.sumOver),
                     options.canWriteMask,
                     options.canReadMask.empty() ? StringAttr() : builder.getStringAttr(options.canReadMask),
                     microbatch);
}

void FragmentBuilder::copy(Location location, Value from, Value to) {
  call(location, from, to, options("copy"));
}
