// Runtime calls, launches and communication as statements.
#include "Literals.h"
#include "NameSeries.h"
#include "Printer.h"

#include "dialects/RT/RuntimeCalls.h"
#include "dtc/Cost/Quantities.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::emit;

/// The value of an option as C++.
static std::string printOption(const rt::RuntimeOption &option, Attribute value) {
  switch (option.kind) {
  case rt::RuntimeOption::Kind::Integer:
    return std::to_string(cast<IntegerAttr>(value).getInt());
  case rt::RuntimeOption::Kind::Real:
  case rt::RuntimeOption::Kind::Argument:
    return formatReal(cast<FloatAttr>(value).getValueAsDouble(), false);
  case rt::RuntimeOption::Kind::Flag:
    return cast<BoolAttr>(value).getValue() ? "true" : "false";
  case rt::RuntimeOption::Kind::Word:
    return cast<StringAttr>(value).getValue().str();
  case rt::RuntimeOption::Kind::Text:
    return quote(cast<StringAttr>(value).getValue());
  case rt::RuntimeOption::Kind::List:
    return formatList(cast<DenseI64ArrayAttr>(value));
  case rt::RuntimeOption::Kind::Buffer:
    break;
  }
  llvm_unreachable("a buffer is an operand");
}

/// `{.bias = b.conv1_bias, .strides = {2, 2}}`, or nothing; what is there comes behind `separator`.
static void printOptions(Printer &printer, rt::CallOp call, std::string separator) {
  const rt::RuntimeCall &declared = *rt::runtimeCall(call.getCallee());
  SmallVector<std::string> options, positional;
  for (auto [name, memory] :
       llvm::zip_equal(call.getOperandNames().getAsValueRange<StringAttr>(),
                       call.getNamed()))
    options.push_back(("." + name + " = ").str() + printer.buffer(memory));
  for (auto [name, value] :
       llvm::zip_equal(call.getOptionNames().getAsValueRange<StringAttr>(),
                       call.getOptionValues()))
    if (const rt::RuntimeOption *option = declared.option(name); option->kind == rt::RuntimeOption::Kind::Argument)
      positional.push_back(printOption(*option, value));
    else
      options.push_back("." + name.str() + " = " + printOption(*option, value));
  for (const std::string &argument : positional) {
    printer.os << separator << argument;
    separator = ", ";
  }
  if (!options.empty())
    printer.os << separator << "{" << llvm::join(options, ", ") << "}";
}

static SmallVector<Row> rowsOf(rt::CallOp call) {
  SmallVector<Row> rows;
  size_t tuple = *call.getTuple();
  OperandRange inputs = call.getTupleInputs();
  for (size_t row = 0; row < inputs.size(); row += tuple)
    rows.push_back({0, SmallVector<Value>(inputs.slice(row, tuple))});
  return rows;
}

/// Of communication that writes elsewhere than it reads: what is read and what is written for it.
static SmallVector<Row> rowsOf(CommunicationOpInterface op) {
  SmallVector<Row> rows;
  for (auto [source, target] : llvm::zip_equal(op.getSources(), op.getTargets()))
    rows.push_back({0, {source, target}});
  return rows;
}

/// The runtime's name of what is listed for a call: RunningAverageTensors of running_average_update, AllGatherTensors of all_gather_start.
static std::string listedType(StringRef callee) {
  if (!callee.consume_back("_update"))
    callee.consume_back("_start");
  return llvm::convertToCamelFromSnakeCase(callee, /*capitalizeFirst=*/true) + "Tensors";
}

/// Rows that repeat become a list in loops, of which the name is given; others nothing.
static std::string printRolledRows(Printer &printer, StringRef type, ArrayRef<Row> rows) {
  if (!canRoll(printer, rows))
    return "";
  std::string name = printer.listName();
  printer.os << printer.indent << "std::vector<" << type << "> " << name << ";\n";
  printRows(printer, rows, [&](size_t, ArrayRef<std::string> buffers) {
    printer.os << printer.indent << name << ".push_back({" << llvm::join(buffers, ", ") << "});\n";
  });
  return name;
}

/// Tuples as a list, each on a line of its own below the first, which stands behind `callee`; gives what separates it from what
/// follows.
static std::string printTuples(Printer &printer, rt::CallOp call, StringRef callee) {
  std::string indent(printer.indent.size() + callee.size() + StringRef("(").size(), ' ');
  std::string separator = ",\n" + indent + "{";
  for (const Row &row : rowsOf(call)) {
    printer.os << separator << "{";
    llvm::interleaveComma(row.buffers, printer.os, [&](Value buffer) { printer.os << printer.buffer(buffer); });
    printer.os << "}";
    separator = ",\n" + indent + " ";
  }
  printer.os << "}";
  return ",\n" + indent;
}

static void printCall(Printer &printer, rt::CallOp call) {
  std::string callee = call.getCallee().str(), listed = listedType(callee);
  if (call.getFormula()) {
    std::string formula = ("<" + printer.names.of(printer.symbols.lookup(*call.getFormula())) + ">").str();
    callee += formula;
    listed = "Moving" + formula;
  }
  bool isList = call.getFormula() || (call.getTuple() && call.getTupleInputs().size() > *call.getTuple());
  std::string rolled = isList ? printRolledRows(printer, listed, rowsOf(call)) : "";
  printer.os << printer.indent << callee << "(ctx";
  std::string separator = call.getList() ? ", {" : ", ";
  ValueRange inputs = call.getInputs();
  if (isList) {
    if (rolled.empty())
      separator = printTuples(printer, call, callee);
    else
      printer.os << ", " << rolled;
    inputs = call.getSharedInputs();
  }
  for (Value input : inputs) {
    printer.os << separator << printer.buffer(input);
    separator = ", ";
  }
  if (call.getList())
    printer.os << "}";
  for (Value output : call.getOutputs())
    printer.os << ", " << printer.buffer(output);
  printOptions(printer, call, separator);
  printer.os << ");\n";
}

static void printLaunch(Printer &printer, rt::LaunchOp launch) {
  auto kernel = printer.symbols.lookup<rt::KernelOp>(launch.getKernel());
  printer.os << printer.indent << "launch(ctx, grid(";
  llvm::interleaveComma(kernel.getGrid(), printer.os);
  printer.os << "), " << printer.names.of(kernel) << "{";
  std::string separator;
  for (ValueRange memories : {launch.getInputs(), launch.getOutputs()})
    for (Value memory : memories) {
      printer.os << separator << printer.buffer(memory);
      separator = ", ";
    }
  printer.os << "});\n";
}

/// `pool1` to rank 1 in microbatch 0: `pool1_to_1_0`; a bucket's own name; `fc1_all_gather` where there is not one bucket.
std::string Printer::pending(Value started) {
  std::string &name = pendings[started];
  if (!name.empty())
    return name;
  auto op = started.getDefiningOp<CommunicationOpInterface>();
  if (auto pendings = started.getDefiningOp<rt::PendingsOp>()) {
    name = makeIdentifier(pendings.getName());
  } else if (op.hasTargets()) {
    name = makeIdentifier((op.getLabel() + "." + op.getRow().word).str());
  } else if (op.isCollective()) {
    name = names.of(op->getOperand(0));
  } else {
    name = makeIdentifier(op.getLabel()) +
           (op.getCommunicationKind() == CommunicationKind::Send ? "_to_" : "_from_") +
           std::to_string(*op.getPeerCoordinate());
    if (std::optional<int64_t> microbatch = op.getMicrobatchNumber())
      name += "_" + std::to_string(*microbatch);
  }
  std::string base = name;
  for (int i = 2; !names.isFreeInFunctions(name) || !pendingNames.insert(name).second; ++i)
    name = base + "_again" + std::to_string(i);
  return name;
}

/// `{{b.w_gradient, b.w_part}, {b.b_gradient, b.b_part}}`, several on lines of their own below the call.
static void printPairs(Printer &printer, ArrayRef<Row> rows) {
  std::string separator = rows.size() == 1 ? " {" : "\n      {";
  for (const Row &row : rows) {
    printer.os << separator << "{" << printer.buffer(row.buffers[0]) << ", " << printer.buffer(row.buffers[1]) << "}";
    separator = ",\n       ";
  }
  printer.os << "}";
}

bool dtc::emit::isNamedAsTensor(CommunicationOpInterface op) {
  SmallVector<Value> written = op.getTargets(), named = written.empty() ? op.getSources() : written;
  if (named.size() != 1)
    return false;
  Value memory = named.front();
  if (auto element = memory.getDefiningOp<rt::ElementOp>())
    memory = element.getArray().getDefiningOp<rt::ArrayOp>().getMembers()[element.getAt()];
  auto name = memory.getDefiningOp()->getAttrOfType<StringAttr>("name");
  return name && name.getValue() == op.getLabel();
}

/// Where what has been started is kept: `pool1_to_1[microbatch]`, or nothing.
static std::string printPlace(Printer &printer, Operation *start) {
  for (Operation *user : start->getResult(0).getUsers())
    if (auto keep = dyn_cast<rt::KeepOp>(user))
      return printer.pending(keep.getPendings()) + "[" + printer.microbatch(keep.getMicrobatch()) + "]";
  return "";
}

/// `Pending pool1_to_1_0 = send_start(ctx, b.pool1[0], {.axis = "pipe", …});`: the call is named as the op, and says what is not so by default.
static void printCommunication(Printer &printer, CommunicationOpInterface op) {
  llvm::raw_ostream &os = printer.os;
  if (ArrayAttr contents = op.getContentNames())
    printComment(os, printer.indent, formatBytes(op.getPayloadBytes()) + ": " +
                                         describeNames(llvm::to_vector(contents.getAsValueRange<StringAttr>())));
  StringRef callee = op->getName().stripDialect();
  SmallVector<Row> pairs;
  if (op.hasTargets())
    pairs = rowsOf(op);
  std::string rolled = printRolledRows(printer, listedType(callee), pairs);
  os << printer.indent;
  if (op.isStarted()) {
    std::string place = printPlace(printer, op);
    os << (place.empty() ? "Pending " + printer.pending(op->getResult(0)) : place) << " = ";
  }
  SmallVector<std::string> options;
  if (!op.getReductionWord().empty() && op.getReductionWord() != "sum")
    options.push_back(("Reduction::" + op.getReductionWord()).str().insert(0, ".reduction = "));
  if (std::optional<int64_t> root = op.getRootCoordinate())
    options.push_back(".root = " + std::to_string(*root));
  options.push_back(".axis = " + quote(op.getAxis()));
  if (std::optional<int64_t> peer = op.getPeerCoordinate())
    options.push_back(".peer = " + std::to_string(*peer));
  if (!isNamedAsTensor(op))
    options.push_back(".name = " + quote(op.getLabel()));
  if (std::optional<int64_t> microbatch = op.getMicrobatchNumber())
    options.push_back(".microbatch = " + printer.microbatch(*microbatch));
  os << callee << "(ctx,";
  if (!rolled.empty())
    os << " " << rolled;
  else if (op.hasTargets())
    printPairs(printer, pairs);
  else
    os << " " << printer.buffer(op->getOperand(0));
  os << ", {" << llvm::join(options, ", ") << "});\n";
}

LogicalResult dtc::emit::printCall(Printer &printer, Operation *op) {
  llvm::raw_ostream &os = printer.os;
  if (op->getParentOfType<rt::TimelineOp>()) {
    auto microbatch = op->getAttrOfType<IntegerAttr>("microbatch");
    printer.slot = microbatch ? printer.microbatch(microbatch.getInt()) : "0";
  }
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](rt::CallOp call) { return ::printCall(printer, call), success(); })
      .Case([&](rt::LaunchOp launch) { return printLaunch(printer, launch), success(); })
      .Case([&](rt::RunOp run) {
        os << printer.indent << printer.names.of(printer.symbols.lookup(run.getFragment())) << "(ctx, b";
        if (run.getMicrobatch())
          os << ", " << printer.microbatch(*run.getMicrobatch());
        os << ");\n";
        return success();
      })
      .Case([&](CommunicationOpInterface communication) {
        return printCommunication(printer, communication), success();
      })
      .Case([&](rt::WaitOp wait) {
        os << printer.indent << printer.pending(wait.getPending()) << ".wait();\n";
        return success();
      })
      .Case([&](rt::PendingsOp pendings) {
        os << printer.indent << "Pending " << printer.pending(pendings) << "[" << static_cast<int64_t>(pendings.getCount())
           << "];\n";
        return success();
      })
      .Case([&](rt::WaitKeptOp wait) {
        os << printer.indent << printer.pending(wait.getPendings()) << "[" << printer.microbatch(wait.getMicrobatch())
           << "].wait();\n";
        return success();
      })
      .Default([](Operation *other) {
        return other->emitOpError("has no statement in emitted programs");
      });
}
