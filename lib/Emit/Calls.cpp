// Runtime calls, launches and communication as statements.
#include "Literals.h"
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

/// Tuples as a list, each on a line of its own below the first, which stands behind `callee`; gives what separates it from
/// what follows.
static std::string printTuples(Printer &printer, rt::CallOp call, StringRef callee) {
  std::string indent(callee.size() + StringRef("  (").size(), ' ');
  size_t tuple = *call.getTuple();
  printer.os << ",\n" << indent << "{";
  for (auto [i, input] : llvm::enumerate(call.getTupleInputs())) {
    if (i % tuple == 0)
      printer.os << (i ? "},\n" + indent + " {" : "{");
    else
      printer.os << ", ";
    printer.os << printer.buffer(input);
  }
  printer.os << "}}";
  return ",\n" + indent;
}

static void printCall(Printer &printer, rt::CallOp call) {
  std::string callee = call.getCallee().str();
  if (call.getFormula())
    callee += ("<" + printer.names.of(printer.symbols.lookup(*call.getFormula())) + ">").str();
  printer.os << callee << "(ctx";
  std::string separator = call.getList() ? ", {" : ", ";
  ValueRange inputs = call.getInputs();
  if (call.getFormula() || (call.getTuple() && call.getTupleInputs().size() > *call.getTuple())) {
    separator = printTuples(printer, call, callee);
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
  printer.os << "launch(ctx, grid(";
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
  if (op.hasTargets()) {
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

/// What is read and what is written for it: `{{b.w_gradient, b.w_part}, {b.b_gradient, b.b_part}}`, several on lines of their own below the call.
static void printPairs(Printer &printer, CommunicationOpInterface op) {
  SmallVector<Value> sources = op.getSources(), targets = op.getTargets();
  std::string separator = sources.size() == 1 ? " {" : "\n      {";
  for (auto [source, target] : llvm::zip_equal(sources, targets)) {
    printer.os << separator << "{" << printer.buffer(source) << ", " << printer.buffer(target) << "}";
    separator = ",\n       ";
  }
  printer.os << "}";
}

/// `Pending pool1_to_1_0 = send_start(ctx, b.pool1[0], {.axis = "pipe", …});`: the call is named as the op.
static void printCommunication(Printer &printer, CommunicationOpInterface op) {
  llvm::raw_ostream &os = printer.os;
  if (op.isStarted())
    os << "Pending " << printer.pending(op->getResult(0)) << " = ";
  StringRef callee = op->getName().stripDialect();
  os << callee << "(ctx,";
  if (op.hasTargets())
    printPairs(printer, op);
  else
    os << " " << printer.buffer(op->getOperand(0));
  os << ", {";
  if (!op.getReductionWord().empty())
    os << ".reduction = Reduction::" << op.getReductionWord() << ", ";
  if (std::optional<int64_t> root = op.getRootCoordinate())
    os << ".root = " << *root << ", ";
  os << ".axis = " << quote(op.getAxis());
  if (std::optional<int64_t> peer = op.getPeerCoordinate())
    os << ", .peer = " << *peer;
  os << ", .name = " << quote(op.getLabel());
  if (std::optional<int64_t> microbatch = op.getMicrobatchNumber())
    os << ", .microbatch = " << *microbatch;
  os << "});";
  if (ArrayAttr contents = op.getContentNames()) {
    os << "  // " << formatBytes(op.getPayloadBytes()) << ": ";
    llvm::interleaveComma(contents.getAsValueRange<StringAttr>(), os,
                          [&](StringRef content) { os << forComment(content); });
  }
  os << "\n";
}

LogicalResult dtc::emit::printCall(Printer &printer, Operation *op) {
  llvm::raw_ostream &os = printer.os;
  os << "  ";
  if (isa<rt::TimelineOp>(op->getParentOp())) {
    auto microbatch = op->getAttrOfType<IntegerAttr>("microbatch");
    printer.slot = std::to_string(microbatch ? microbatch.getInt() : 0);
  }
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](rt::CallOp call) { return ::printCall(printer, call), success(); })
      .Case([&](rt::LaunchOp launch) { return printLaunch(printer, launch), success(); })
      .Case([&](rt::RunOp run) {
        os << printer.names.of(printer.symbols.lookup(run.getFragment())) << "(ctx, b";
        if (run.getMicrobatch())
          os << ", " << *run.getMicrobatch();
        os << ");\n";
        return success();
      })
      .Case([&](CommunicationOpInterface communication) {
        return printCommunication(printer, communication), success();
      })
      .Case([&](rt::WaitOp wait) {
        os << printer.pending(wait.getPending()) << ".wait();\n";
        return success();
      })
      .Default([](Operation *other) {
        return other->emitOpError("has no statement in emitted programs");
      });
}
