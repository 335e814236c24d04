// Statements one below the other, loops among them.
#include "LayerParts.h"
#include "NameSeries.h"
#include "Printer.h"

#include <map>

using namespace mlir;
using namespace dtc;
using namespace dtc::emit;

std::string dtc::emit::printLinear(StringRef variable, int64_t coefficient,
                                   int64_t constant) {
  if (coefficient == 0)
    return std::to_string(constant);
  if (coefficient < 0 && constant > 0)
    return std::to_string(constant) + " - " +
           (coefficient == -1 ? "" : std::to_string(-coefficient) + " * ") +
           variable.str();
  std::string text =
      (coefficient == 1    ? ""
       : coefficient == -1 ? "-"
                           : std::to_string(coefficient) + " * ") +
      variable.str();
  if (constant == 0)
    return text;
  return text + (constant > 0 ? " + " : " - ") +
         std::to_string(std::abs(constant));
}

/// at + step * k, where the loop's variable is first + its step * k and one of
/// the steps is 1 or -1.
static std::string printIndex(const Loop &loop, int64_t at, int64_t step) {
  int64_t coefficient = step / loop.step;
  return printLinear(loop.variable, coefficient, at - coefficient * loop.first);
}

std::string Printer::buffer(Value memory) const {
  std::string slotted = slotsOf(memory) > 1 ? "[" + slot + "]" : "";
  auto element = memory.getDefiningOp<rt::ElementOp>();
  if (!element)
    return "b." + names.of(memory).str() + slotted;
  const Loop &loop = *llvm::find_if(
      loops, [&](const Loop &other) { return other.run == element.getRun(); });
  return "b." + names.of(element.getArray()).str() + "[" +
         printIndex(loop, element.getAt(), element.getStep()) + "]" + slotted;
}

std::string Printer::microbatch(int64_t first) const {
  for (const Loop &loop : llvm::reverse(loops))
    if (loop.ofMicrobatches)
      return printLinear(loop.variable, 1, first - loop.first);
  return std::to_string(first);
}

/// The variable is the place of what the loop is about: of most of its
/// elements.
static Loop describeLoop(rt::RepeatOp repeat) {
  Block &body = repeat.getBody().front();
  Loop loop{body.getArgument(0), "i", 0, 1, false};
  if (int64_t shift = repeat.getMicrobatchShift()) {
    loop = {body.getArgument(0), "microbatch", 0, shift, true};
    IntegerAttr first;
    for (Operation &op : body)
      if (auto microbatch = op.getAttrOfType<IntegerAttr>("microbatch");
          microbatch && (!first || isa<rt::RunOp>(op))) {
        first = microbatch;
        if (isa<rt::RunOp>(op))
          break;
      }
    loop.first = first ? first.getInt() : 0;
    return loop;
  }
  std::map<int64_t, int> forwards, backwards;
  for (auto element : body.getOps<rt::ElementOp>())
    ++(static_cast<int64_t>(element.getStep()) > 0
           ? forwards
           : backwards)[element.getAt()];
  auto count = [](const auto &places) {
    int sum = 0;
    for (auto [place, number] : places)
      sum += number;
    return sum;
  };
  loop.step = count(forwards) >= count(backwards) ? 1 : -1;
  int most = 0;
  for (auto [place, number] : loop.step > 0 ? forwards : backwards)
    if (number >= most) {
      most = number;
      loop.first = place;
    }
  return loop;
}

static bool isStatement(Operation &op) {
  return !isa<rt::ElementOp, rt::KeepOp>(op);
}

/// Lists may be put together in statements of their own.
static bool isOneStatement(Block &body) {
  if (llvm::count_if(body, isStatement) != 1)
    return false;
  Operation *op = &*llvm::find_if(body, isStatement);
  auto call = dyn_cast<rt::CallOp>(op);
  auto communication = dyn_cast<CommunicationOpInterface>(op);
  return !(call && call.getTuple()) &&
         !(communication && communication.hasTargets());
}

static LogicalResult printLoop(Printer &printer, rt::RepeatOp repeat) {
  Loop loop = describeLoop(repeat);
  int64_t count = repeat.getCount(), behind = loop.first + loop.step * count;
  Block &body = repeat.getBody().front();
  bool braces = !isOneStatement(body);
  llvm::raw_ostream &os = printer.os;
  os << printer.indent << "for (index " << loop.variable << " = " << loop.first
     << "; " << loop.variable;
  if (loop.step > 0)
    os << " < " << behind;
  else
    os << " >= " << behind - loop.step;
  os << "; ";
  if (loop.step == 1)
    os << "++" << loop.variable;
  else if (loop.step == -1)
    os << "--" << loop.variable;
  else
    os << loop.variable << " += " << loop.step;
  os << (braces ? ") {\n" : ")\n");
  printer.loops.push_back(loop);
  printer.indent += "  ";
  LogicalResult result = printStatements(printer, body);
  printer.indent.resize(printer.indent.size() - 2);
  printer.loops.pop_back();
  if (braces)
    os << printer.indent << "}\n";
  return result;
}

/// "fc1 to fc47", "gradients of fc47 to fc1".
static std::string describePart(Operation *op, const LayerParts::Part &part) {
  std::string names;
  bool adjoint = part.adjoint;
  if (auto repeat = dyn_cast<rt::RepeatOp>(op)) {
    SmallVector<StringRef> layers;
    if (repeat.getLayersAttr())
      llvm::append_range(layers,
                         repeat.getLayersAttr().getAsValueRange<StringAttr>());
    names = describeNames(layers);
  } else if (part.layer) {
    names = forComment(part.layer.getValue());
  }
  return names.empty() ? "" : (adjoint ? "gradients of " : "") + names;
}

LogicalResult dtc::emit::printStatements(Printer &printer, Block &block) {
  SmallVector<Operation *> ops;
  for (Operation &op : block)
    if (isStatement(op))
      ops.push_back(&op);
  SmallVector<LayerParts::Part> parts;
  if (isa<rt::FragmentOp>(block.getParentOp()))
    parts = printer.parts.of(ops);
  bool hasHeadings = !parts.empty() && !llvm::all_equal(parts);
  for (auto [i, op] : llvm::enumerate(ops)) {
    bool begins =
        i == 0 || isa<rt::RepeatOp>(op) || isa<rt::RepeatOp>(ops[i - 1]);
    if (hasHeadings && (begins || !(parts[i] == parts[i - 1])))
      printComment(printer.os, printer.indent, describePart(op, parts[i]));
    auto repeat = dyn_cast<rt::RepeatOp>(op);
    if (failed(repeat ? printLoop(printer, repeat) : printCall(printer, op)))
      return failure();
  }
  return success();
}
