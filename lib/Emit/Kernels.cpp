// Fused kernels: a struct of what is read and written, and the body for one point, or for several side by side.
#include "Literals.h"
#include "NameSeries.h"
#include "Printer.h"

#include "dtc/Emit/Expression.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/AffineExpr.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::emit;

/// `i0 * 3072 + i1`, the position of a point in a buffer.
static std::string printPosition(AffineExpr expression) {
  if (auto dim = dyn_cast<AffineDimExpr>(expression))
    return "i" + std::to_string(dim.getPosition());
  if (auto constant = dyn_cast<AffineConstantExpr>(expression))
    return std::to_string(constant.getValue());
  auto binary = cast<AffineBinaryOpExpr>(expression);
  bool product = binary.getKind() == AffineExprKind::Mul;
  assert((product || binary.getKind() == AffineExprKind::Add) &&
         "positions are sums of strides");
  return printPosition(binary.getLHS()) + (product ? " * " : " + ") +
         printPosition(binary.getRHS());
}

static std::string numbered(StringRef name, size_t i, size_t count) {
  return count == 1 ? name.str() : (name + Twine(i)).str();
}

/// The buffers that each run of each launch gives to a kernel, by operand: their names in the model.
static SmallVector<SmallVector<StringRef>> operandNames(Printer &printer, rt::KernelOp kernel) {
  SmallVector<SmallVector<StringRef>> names(kernel.getReads().size() + kernel.getWrites().size());
  for (rt::LaunchOp launch : printer.launchesOf(kernel))
    for (auto [i, memory] : llvm::enumerate(launch->getOperands()))
      forEachBuffer(memory, [&, i = i](Value buffer) {
        names[i].push_back(buffer.getDefiningOp()->getAttrOfType<StringAttr>("name").getValue());
      });
  return names;
}

/// How a read walks its buffer, beside how the first write walks its own: nothing where they go side by side.
static StringRef describeOrder(rt::KernelOp kernel, size_t read) {
  AffineMap from = cast<AffineMapAttr>(kernel.getReads()[read]).getValue(), to = cast<AffineMapAttr>(kernel.getWrites()[0]).getValue();
  if (from == to)
    return "";
  for (unsigned dim = 0; dim < from.getNumDims(); ++dim)
    if (!from.isFunctionOfDim(dim))
      return ", broadcast";
  return ", transposed";
}

LogicalResult dtc::emit::printKernel(Printer &printer, rt::KernelOp kernel) {
  llvm::raw_ostream &os = printer.os;
  Block &body = kernel.getBody().front();
  auto yield = cast<rt::YieldOp>(body.getTerminator());
  size_t reads = kernel.getReads().size(), writes = kernel.getWrites().size();

  SmallVector<SmallVector<StringRef>> operands = operandNames(printer, kernel);
  std::string comment;
  if (reads + writes > 0 && !operands[reads].empty())
    comment = describeNames(operands[reads]) + ": ";
  comment += forComment(kernel.getFormula()) + " at each of ";
  for (auto [i, size] : llvm::enumerate(kernel.getGrid()))
    comment += (i ? " x " : "") + std::to_string(size);
  printComment(os, "", comment + (kernel.getGrid().empty() ? "1 point" : " points"));
  // What several launches read differs: then the first of them stands for all.
  auto note = [&](size_t operand, StringRef order) {
    std::string names = describeNames(operands[operand]);
    constexpr size_t longest = 100;
    if (names.size() > longest)
      names = forComment(operands[operand].front()) + " and others";
    return names.empty() ? "\n" : " // " + names + order.str() + "\n";
  };
  os << "struct " << printer.names.of(kernel) << " {\n";
  for (size_t i = 0; i < reads; ++i)
    os << "  Read<" << elementTypeName(body.getArgument(i).getType()) << "> "
       << numbered("in", i, reads) << ";" << note(i, writes ? describeOrder(kernel, i) : "");
  for (size_t i = 0; i < writes; ++i)
    os << "  Write<" << elementTypeName(yield.getValues()[i].getType()) << "> "
       << numbered("out", i, writes) << ";" << note(reads + i, "");
  if (printer.target.movesLanes)
    if (int64_t lanes = lanesOf(printer.program, kernel); lanes > 1)
      os << "  static constexpr int lanes = " << lanes << "; // elements of a thread at a time\n";
  os << "  DTC_HOST_DEVICE void operator()(";
  for (size_t i = 0; i < kernel.getGrid().size(); ++i)
    os << (i ? ", " : "") << (i + 1 == kernel.getGrid().size() ? "auto" : "index") << " i" << i;
  os << ") const {\n";

  llvm::DenseMap<Value, Expression> expressions;
  int temporaries = 0;
  // A value that is used once stands where it is used; others get a name.
  auto name = [&](Value value, const Expression &expression, std::string wanted) {
    if (value.hasOneUse() && !isa<BlockArgument>(value)) {
      expressions[value] = expression;
      return;
    }
    os << "    const auto " << wanted << " = " << expression.text << ";\n";
    expressions[value] = {wanted, Precedence::Primary};
  };
  for (auto [i, argument] : llvm::enumerate(body.getArguments())) {
    if (argument.use_empty())
      continue;
    auto map = cast<AffineMapAttr>(kernel.getReads()[i]).getValue();
    std::string load = numbered("in", i, reads) + "[" + printPosition(map.getResult(0)) + "]";
    // With several outputs everything is read first: an output may lie where
    // an input did.
    if (argument.hasOneUse() && writes == 1)
      expressions[argument] = {load, Precedence::Primary};
    else
      name(argument, {load, Precedence::Primary}, numbered("x", i, reads));
  }
  for (Operation &op : body.without_terminator()) {
    auto printable = dyn_cast<ExpressionOpInterface>(op);
    if (!printable)
      return op.emitOpError("has no expression in emitted kernels "
                            "(ExpressionOpInterface)");
    SmallVector<Expression> operands;
    for (Value operand : op.getOperands())
      operands.push_back(expressions.lookup(operand));
    Expression expression = printable.getExpression(operands);
    // Literals are clearer than names.
    if (isa<arith::ConstantOp>(op))
      expressions[op.getResult(0)] = expression;
    else if (!op.use_empty())
      name(op.getResult(0), expression, "t" + std::to_string(temporaries++));
  }
  for (auto [i, value] : llvm::enumerate(yield.getValues())) {
    auto map = cast<AffineMapAttr>(kernel.getWrites()[i]).getValue();
    os << "    " << numbered("out", i, writes) << "["
       << printPosition(map.getResult(0)) << "] = "
       << expressions.lookup(value).text << ";\n";
  }
  os << "  }\n};\n\n";
  return success();
}
