// Optimizers' formulas: a struct whose members are what is the same for all elements of a step or of a parameter, computed
// once, and whose call moves one element (dtcrt/update.h).
#include "Literals.h"
#include "Printer.h"

#include "dtc/Emit/Expression.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::emit;

using Level = rt::FormulaOp::Level;

namespace {
class FormulaPrinter {
public:
  FormulaPrinter(Printer &printer, rt::FormulaOp formula)
      : os(printer.os), formula(formula), structName(printer.names.of(formula)), levels(formula.getLevels()),
        sums(formula.getBody().front().getOps<rt::SumOp>()), results(formula.getYield().getValues()) {
    ArrayRef<BlockArgument> moving = formula.getMoving();
    elements = moving.drop_back(formula.getScalars());
    scalars = moving.take_back(formula.getScalars());
  }

  LogicalResult print();

private:
  std::string claim(StringRef wanted, StringRef otherwise);
  void nameArguments();
  void nameMembers();
  Level levelOfUse(OpOperand &use) const;
  bool isUsedAbove(Value value, Level level) const {
    return llvm::any_of(value.getUses(), [&](OpOperand &use) { return levelOfUse(use) > level; });
  }
  Value newStateOf(BlockArgument state) const {
    return results[state.getArgNumber() - elements.front().getArgNumber() - 1];
  }

  FailureOr<Expression> express(Value value);
  /// Prints what several need of what `wanted` is computed from, and members; a new state is called so.
  LogicalResult printSteps(ArrayRef<Value> wanted, Level level);
  LogicalResult printAssignment(Value target, Value value);
  /// The parameters of a function of one element; `moves`: it changes them.
  void printElementParameters(bool moves);

  LogicalResult printConstructor();
  LogicalResult printOfTensor();
  LogicalResult printSummands();
  LogicalResult printMove();

  llvm::raw_ostream &os;
  rt::FormulaOp formula;
  std::string structName;
  llvm::DenseMap<Value, Level> levels;
  ArrayRef<BlockArgument> elements, scalars;
  SmallVector<rt::SumOp> sums;
  OperandRange results;
  llvm::StringSet<> taken;
  /// Names of what has one where the function that is printed stands; those that members will have.
  llvm::DenseMap<Value, std::string> names;
  llvm::MapVector<Value, std::string> members;
  int unnamed = 0;
};
} // namespace

/// A whole sentence as a comment: no character ends or continues the line.
static std::string onALine(StringRef text) {
  std::string line = text.str();
  for (char &c : line)
    if (!llvm::isPrint(c) || c == '\\')
      c = '_';
  return line;
}

static bool isLiteral(Value value) {
  Operation *op = value.getDefiningOp();
  return op && op->hasTrait<OpTrait::ConstantLike>();
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

std::string FormulaPrinter::claim(StringRef wanted, StringRef otherwise) {
  std::string name = makeIdentifier(wanted);
  if (!taken.insert(name).second)
    for (name = makeIdentifier(otherwise); !taken.insert(name).second;)
      name += "_again";
  return name;
}

void FormulaPrinter::nameArguments() {
  for (auto [i, setting] : llvm::enumerate(formula.getSettings().getAsValueRange<StringAttr>()))
    names[formula.getNumber(i)] = claim(setting, setting);
  names[formula.getLearningRate()] = claim("learning_rate", "learning_rate");
  names[formula.getStepNumber()] = claim("step", "step");
  names[elements[0]] = claim("parameter", "parameter");
  names[elements[1]] = claim("gradient", "gradient");
  for (auto [state, name] :
       llvm::zip_equal(formula.getMoving().drop_front(2), formula.getStates().getAsValueRange<StringAttr>()))
    names[state] = claim(name, (name + "_buffer").str());
}

/// Of what an operand is used for: a sum's is an element, a new state's that of the state.
Level FormulaPrinter::levelOfUse(OpOperand &use) const {
  if (isa<rt::SumOp>(use.getOwner()))
    return Level::Element;
  if (isa<rt::YieldOp>(use.getOwner()))
    return use.getOperandNumber() < results.size() - scalars.size() ? Level::Element : Level::Tensor;
  return levels.lookup(use.getOwner()->getResult(0));
}

/// What is computed for a step or a parameter and used for each of more.
void FormulaPrinter::nameMembers() {
  auto add = [&](Value value, StringRef otherwise) {
    Level level = levels.lookup(value);
    if (level == Level::Setting || level == Level::Element || isLiteral(value) || !isUsedAbove(value, level))
      return;
    auto location = dyn_cast<NameLoc>(value.getLoc());
    std::string spare = otherwise.empty() ? "t" + std::to_string(unnamed++) : otherwise.str();
    members[value] = claim(location && !isa<BlockArgument>(value) ? location.getName().getValue() : StringRef(spare), spare + "_f32");
  };
  add(formula.getLearningRate(), "learning_rate_of_step");
  add(formula.getStepNumber(), "number_of_step");
  for (BlockArgument scalar : scalars)
    add(scalar, ("old_" + names[scalar]));
  for (Operation &op : formula.getBody().front().without_terminator()) {
    bool isRate = isa<arith::TruncFOp>(op) && op.getOperand(0) == formula.getLearningRate();
    add(op.getResult(0), isRate ? "rate" : "");
  }
}

//===----------------------------------------------------------------------===//
// Statements
//===----------------------------------------------------------------------===//

FailureOr<Expression> FormulaPrinter::express(Value value) {
  if (auto found = names.find(value); found != names.end())
    return Expression{found->second};
  Operation *op = value.getDefiningOp();
  auto printable = dyn_cast_if_present<ExpressionOpInterface>(op);
  if (!printable)
    return (op ? op : formula.getOperation())->emitOpError("has no expression in emitted formulas (ExpressionOpInterface)");
  SmallVector<Expression> operands;
  for (Value operand : op->getOperands()) {
    FailureOr<Expression> expression = express(operand);
    if (failed(expression))
      return failure();
    operands.push_back(*expression);
  }
  return printable.getExpression(operands);
}

LogicalResult FormulaPrinter::printSteps(ArrayRef<Value> wanted, Level level) {
  llvm::DenseSet<Value> needed;
  SmallVector<Value> work(wanted);
  while (!work.empty())
    if (Value value = work.pop_back_val(); !names.count(value) && needed.insert(value).second)
      if (Operation *op = value.getDefiningOp())
        llvm::append_range(work, op->getOperands());
  llvm::DenseMap<Value, std::string> newStates;
  for (BlockArgument state : llvm::concat<const BlockArgument>(elements.drop_front(2), scalars))
    newStates.try_emplace(newStateOf(state), "new_" + names[state]);
  for (Operation &op : formula.getBody().front().without_terminator()) {
    Value value = op.getResult(0);
    if (!needed.contains(value) || levels.lookup(value) == Level::Setting || isLiteral(value))
      continue;
    auto member = members.find(value);
    bool isNewState = newStates.count(value) && level != Level::Step;
    if (member == members.end() && !isNewState && value.hasOneUse())
      continue;
    FailureOr<Expression> expression = express(value);
    if (failed(expression))
      return failure();
    os << "    ";
    if (member != members.end()) {
      os << (names[value] = member->second);
    } else {
      std::string name = isNewState ? newStates[value] : "";
      if (auto location = dyn_cast<NameLoc>(op.getLoc()); location && name.empty())
        name = location.getName().str();
      if (name.empty())
        name = "t" + std::to_string(unnamed++);
      os << "const " << elementTypeName(value.getType()) << ' ' << (names[value] = claim(name, name));
    }
    os << " = " << expression->text << ";\n";
  }
  return success();
}

LogicalResult FormulaPrinter::printAssignment(Value target, Value value) {
  if (target == value)
    return success();
  FailureOr<Expression> expression = express(value);
  if (failed(expression))
    return failure();
  os << "    " << names[target] << " = " << expression->text << ";\n";
  return success();
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

void FormulaPrinter::printElementParameters(bool moves) {
  for (auto [i, element] : llvm::enumerate(elements))
    os << (i ? ", " : "") << (moves && i != 1 ? "f32 &" : "f32 ") << names[element];
}

LogicalResult FormulaPrinter::printConstructor() {
  auto outer = names;
  auto outerTaken = taken;
  SmallVector<Value> wanted;
  // Compilers warn of arguments that are named and not used.
  auto argument = [&](Value value) { return value.use_empty() ? "f64" : "f64 " + names[value]; };
  os << "  /// What is the same for all parameters in a step.\n"
     << "  DTC_HOST_DEVICE " << structName << "(" << argument(formula.getLearningRate()) << ", "
     << argument(formula.getStepNumber()) << ") {\n";
  for (auto &[value, name] : members) {
    if (levels.lookup(value) != Level::Step)
      continue;
    if (isa<BlockArgument>(value))
      os << "    " << name << " = " << names[value] << ";\n";
    else
      wanted.push_back(value);
  }
  if (failed(printSteps(wanted, Level::Step)))
    return failure();
  os << "  }\n";
  names = std::move(outer);
  taken = std::move(outerTaken);
  for (auto &[value, name] : members)
    if (levels.lookup(value) == Level::Step)
      names[value] = name;
  return success();
}

LogicalResult FormulaPrinter::printSummands() {
  auto outer = names;
  auto outerTaken = taken;
  os << "  /// What is added up over all elements of a parameter.\n  DTC_HOST_DEVICE void summands(";
  printElementParameters(/*moves=*/false);
  SmallVector<Value> wanted;
  for (rt::SumOp sum : sums) {
    auto location = dyn_cast<NameLoc>(sum.getLoc());
    names[sum.getSum()] = outer[sum.getSum()] = claim(location ? location.getName().getValue() : "sum", "sum");
    os << ", f32 &" << names[sum.getSum()];
    wanted.push_back(sum.getElement());
  }
  os << ") const {\n";
  if (failed(printSteps(wanted, Level::Element)))
    return failure();
  for (rt::SumOp sum : sums)
    if (failed(printAssignment(sum.getSum(), sum.getElement())))
      return failure();
  os << "  }\n";
  names = std::move(outer);
  taken = std::move(outerTaken);
  return success();
}

LogicalResult FormulaPrinter::printOfTensor() {
  auto outer = names;
  auto outerTaken = taken;
  os << "  /// What is the same for all elements of a parameter.\n  DTC_HOST_DEVICE void of_tensor(";
  std::string separator;
  for (BlockArgument scalar : scalars) {
    os << separator << "f64 &" << names[scalar];
    separator = ", ";
  }
  for (rt::SumOp sum : sums) {
    os << separator << "f64 " << names[sum.getSum()];
    separator = ", ";
  }
  os << ") {\n";
  SmallVector<Value> wanted;
  for (auto &[value, name] : members) {
    if (levels.lookup(value) != Level::Tensor)
      continue;
    if (isa<BlockArgument>(value) || value.getDefiningOp<rt::SumOp>())
      os << "    " << name << " = " << names[value] << ";\n";
    else
      wanted.push_back(value);
  }
  for (BlockArgument scalar : scalars)
    wanted.push_back(newStateOf(scalar));
  if (failed(printSteps(wanted, Level::Tensor)))
    return failure();
  for (BlockArgument scalar : scalars)
    if (failed(printAssignment(scalar, newStateOf(scalar))))
      return failure();
  os << "  }\n";
  names = std::move(outer);
  taken = std::move(outerTaken);
  for (auto &[value, name] : members)
    names[value] = name;
  return success();
}

LogicalResult FormulaPrinter::printMove() {
  os << "  /// One element.\n  DTC_HOST_DEVICE void operator()(";
  printElementParameters(/*moves=*/true);
  os << ") const {\n";
  SmallVector<Value> wanted(results.drop_back(scalars.size()));
  // Before anything changes: the old states may be needed still.
  if (failed(printSteps(wanted, Level::Element)) || failed(printAssignment(elements[0], results.front())))
    return failure();
  for (BlockArgument state : elements.drop_front(2))
    if (failed(printAssignment(state, newStateOf(state))))
      return failure();
  os << "  }\n";
  return success();
}

LogicalResult FormulaPrinter::print() {
  nameArguments();
  nameMembers();
  os << "// " << onALine(formula.getSummary()) << "\nstruct " << structName << " {\n";
  std::string constants;
  for (auto [i, number] : llvm::enumerate(formula.getNumbers()))
    if (Value setting = formula.getNumber(i); !setting.use_empty())
      constants += (constants.empty() ? "" : ", ") + names[setting] + " = " + formatReal(number, false);
  if (!constants.empty())
    os << "  static constexpr f64 " << constants << ";\n";
  os << "  static constexpr int states = " << formula.getStates().size() << ", scalars = " << scalars.size()
     << ", sums = " << sums.size() << ";\n";
  for (StringRef type : {"f64", "f32", "bool"}) {
    std::string list;
    for (auto &[value, name] : members)
      if (elementTypeName(value.getType()) == type)
        list += (list.empty() ? "" : ", ") + name;
    if (!list.empty())
      os << "  " << type << ' ' << list << ";\n";
  }
  if (failed(printConstructor()))
    return failure();
  if (!sums.empty() && failed(printSummands()))
    return failure();
  if ((!sums.empty() || !scalars.empty()) && failed(printOfTensor()))
    return failure();
  if (failed(printMove()))
    return failure();
  os << "};\n\n";
  return success();
}

LogicalResult dtc::emit::printFormula(Printer &printer, rt::FormulaOp formula) {
  return FormulaPrinter(printer, formula).print();
}
