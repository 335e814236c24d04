// Which tensor of the emitted program is what.
#include "Literals.h"
#include "Printer.h"

#include "dialects/Dist/Dist.h"
#include "dtc/Emit/CheckpointName.h"
#include "dialects/NN/NN.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::emit;

static SmallVector<rt::BufferOp> buffersOf(rt::ProgramOp program,
                                           rt::BufferKind kind) {
  SmallVector<rt::BufferOp> buffers;
  for (auto buffer : program.getOps<rt::BufferOp>())
    if (buffer.getKind() == kind)
      buffers.push_back(buffer);
  return buffers;
}

/// `Init::uniform(0.5)`. Elements given in the model lie in the parameters file.
static std::string printInit(Attribute init) {
  return llvm::TypeSwitch<Attribute, std::string>(init)
      .Case([](nn::UniformAttr uniform) {
        return "Init::uniform(" + formatReal(uniform.getBound(), false) + ")";
      })
      .Case([](nn::NormalAttr normal) {
        return "Init::normal(" + formatReal(normal.getMean(), false) + ", " +
               formatReal(normal.getStddev(), false) + ")";
      })
      .Case([](nn::ConstantInitAttr constant) {
        return "Init::constant(" + formatReal(constant.getValue(), false) + ")";
      })
      .Default([](Attribute) { return "Init::stored()"; });
}

/// `, {{"data", {128, 784}, 1, 100352, 1}}`: what this rank holds; nothing of what it holds whole.
static std::string printShares(rt::BufferOp buffer) {
  if (!buffer.getShares())
    return "";
  std::string text, separator = ", {";
  for (auto share : buffer.getSharesAttr().getAsRange<dist::ShareAttr>()) {
    text += separator + "{" + quote(share.getAxis().getValue()) + ", " + formatList(share.getWhole()) + ", " + std::to_string(share.getOuter()) +
            ", " + std::to_string(share.getSize()) + ", " + std::to_string(share.getInner()) + "}";
    separator = ", ";
  }
  return text + "}";
}

namespace {
/// Tensors that the runtime knows by a name each, with what is said of them besides.
struct Named {
  /// The function of Binding that adds one.
  StringRef add;
  SmallVector<Row> rows{};
  /// As text: a name that is not the buffer's own and its comma, and what stands behind the tensor.
  SmallVector<std::string> names{}, rest{};
  llvm::StringMap<unsigned> keys{};

  void list(rt::BufferOp buffer, const std::string &name, std::string behind) {
    bool own = name == buffer.getName() && !StringRef(name).contains('\0');
    // A name that is not the buffer's own stands in no loop.
    std::string key = own ? behind : behind + "," + std::to_string(rows.size());
    rows.push_back({keys.try_emplace(key, keys.size()).first->second, {buffer.getMemory()}});
    names.push_back(own ? "" : quoteWhole(name) + ", ");
    rest.push_back(std::move(behind));
  }
};
} // namespace

static Named parametersOf(rt::ProgramOp program) {
  Named parameters{"add_parameter"};
  // Running statistics belong to the model: they start and are stored as its parameters.
  for (rt::BufferKind kind : {rt::BufferKind::Parameter, rt::BufferKind::Statistic})
    for (rt::BufferOp parameter : buffersOf(program, kind))
      parameters.list(parameter, checkpointName(parameter.getName()), ", " + printInit(*parameter.getInit()) + printShares(parameter));
  return parameters;
}

static Named statesOf(rt::ProgramOp program) {
  Named states{"add_state"};
  for (rt::BufferOp state : buffersOf(program, rt::BufferKind::State)) {
    double init = cast<nn::ConstantInitAttr>(*state.getInit()).getValue();
    states.list(state, state.getName().str(), (init || state.getShares() ? ", " + formatReal(init, false) : "") + printShares(state));
  }
  return states;
}

/// A call for each; those of equal layers in a loop, in the same order.
static void printNamed(Printer &printer, const Named &named) {
  printRows(printer, named.rows, [&](size_t row, ArrayRef<std::string> buffers) {
    printer.os << printer.indent << "binding." << named.add << "(" << named.names[row] << buffers.front() << named.rest[row] << ");\n";
  });
}

LogicalResult dtc::emit::printBinding(Printer &printer) {
  rt::ProgramOp program = printer.program;
  for (rt::BufferOp state : buffersOf(program, rt::BufferKind::State))
    if (!isa<nn::ConstantInitAttr>(*state.getInit()))
      return state.emitOpError("of state starts as ") << *state.getInit() << ", but programs start state with one value (#nn.constant)";
  llvm::raw_ostream &os = printer.os;
  os << "// Which tensor is what.\n"
        "Binding bind(Buffers &b) {\n"
        "  Binding binding = {\n"
        "      .inputs = {";
  std::string separator;
  for (rt::BufferOp input : buffersOf(program, rt::BufferKind::Input)) {
    os << separator << "{" << quoteWhole(input.getName()) << ", "
       << printer.buffer(input.getMemory());
    // Of ids: the rows that they choose from.
    if (input.getClasses())
      os << ", " << *input.getClasses();
    os << "}";
    separator = ", ";
  }
  os << "},\n";
  auto single = [&](StringRef field, rt::BufferKind kind) {
    for (rt::BufferOp buffer : buffersOf(program, kind))
      os << "      ." << field << " = " << printer.buffer(buffer.getMemory()) << ",\n";
  };
  single("label", rt::BufferKind::Label);
  single("weight", rt::BufferKind::SampleWeight);
  single("loss_weight", rt::BufferKind::LossWeight);
  single("sample_index", rt::BufferKind::SampleIndex);
  single("step", rt::BufferKind::Step);
  single("learning_rate", rt::BufferKind::LearningRate);
  single("loss", rt::BufferKind::Loss);
  single("correct", rt::BufferKind::Correct);
  single("output", rt::BufferKind::Output);
  os << "  };\n";
  printNamed(printer, parametersOf(program));
  printNamed(printer, statesOf(program));
  os << "  return binding;\n}\n\n";
  return success();
}
