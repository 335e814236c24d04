// Which tensor of the emitted program is what.
#include "CheckpointName.h"
#include "Literals.h"
#include "Printer.h"

#include "dialects/Dist/Dist.h"
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

LogicalResult dtc::emit::printBinding(Printer &printer) {
  rt::ProgramOp program = printer.program;
  for (rt::BufferOp state : buffersOf(program, rt::BufferKind::State))
    if (!isa<nn::ConstantInitAttr>(*state.getInit()))
      return state.emitOpError("of state starts as ") << *state.getInit() << ", but programs start state with one value (#nn.constant)";
  llvm::raw_ostream &os = printer.os;
  os << "// Which tensor is what.\n"
        "Binding bind(Buffers &b) {\n"
        "  return {\n"
        "      .inputs = {";
  std::string separator;
  for (rt::BufferOp input : buffersOf(program, rt::BufferKind::Input)) {
    os << separator << "{" << quoteWhole(input.getName()) << ", "
       << printer.buffer(input.getMemory()) << "}";
    separator = ", ";
  }
  os << "},\n";
  auto single = [&](StringRef field, rt::BufferKind kind) {
    for (rt::BufferOp buffer : buffersOf(program, kind))
      os << "      ." << field << " = " << printer.buffer(buffer.getMemory()) << ",\n";
  };
  single("label", rt::BufferKind::Label);
  single("weight", rt::BufferKind::SampleWeight);
  single("step", rt::BufferKind::Step);
  single("learning_rate", rt::BufferKind::LearningRate);
  os << "      .parameters =\n          {\n";
  // Running statistics belong to the model: they start and are stored as its parameters.
  for (rt::BufferKind kind : {rt::BufferKind::Parameter, rt::BufferKind::Statistic})
    for (rt::BufferOp parameter : buffersOf(program, kind))
      os << "              {" << quoteWhole(checkpointName(parameter.getName())) << ", "
         << printer.buffer(parameter.getMemory()) << ", "
         << printInit(*parameter.getInit()) << printShares(parameter) << "},\n";
  os << "          },\n";
  SmallVector<rt::BufferOp> states = buffersOf(program, rt::BufferKind::State);
  if (!states.empty()) {
    os << "      .state =\n          {\n";
    for (rt::BufferOp state : states) {
      os << "              {" << quoteWhole(state.getName()) << ", "
         << printer.buffer(state.getMemory());
      double init = cast<nn::ConstantInitAttr>(*state.getInit()).getValue();
      if (init || state.getShares())
        os << ", " << formatReal(init, false);
      os << printShares(state) << "},\n";
    }
    os << "          },\n";
  }
  single("loss", rt::BufferKind::Loss);
  single("correct", rt::BufferKind::Correct);
  os << "  };\n}\n\n";
  return success();
}
