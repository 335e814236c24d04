// What the emitted program tells the runtime: facts, and which tensor is what.
#include "Literals.h"
#include "Printer.h"

#include "dialects/NN/NN.h"
#include "dtc/Autodiff/AutodiffInterfaces.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::emit;

/// "cross-entropy" for #nn.cross_entropy: as the command line spells it.
static std::string recipeName(Attribute attribute) {
  std::string name = attribute.getAbstractAttribute().getName().split('.').second.str();
  llvm::replace(name, '_', '-');
  return name;
}

static SmallVector<rt::BufferOp> buffersOf(rt::ProgramOp program,
                                           rt::BufferKind kind) {
  SmallVector<rt::BufferOp> buffers;
  for (auto buffer : program.getOps<rt::BufferOp>())
    if (buffer.getKind() == kind)
      buffers.push_back(buffer);
  return buffers;
}

void dtc::emit::printPlan(Printer &printer) {
  rt::ProgramOp program = printer.program;
  llvm::raw_ostream &os = printer.os;
  auto recipe = cast<nn::RecipeAttr>(program.getRecipe());
  auto optimizer = cast<OptimizerInterface>(recipe.getOptimizer());
  double flops = 0;
  for (auto timeline : program.getOps<rt::TimelineOp>())
    if (timeline.getPhase() == "train")
      flops += timeline.getFlops();

  os << "// What the compiler decided.\n"
        "Plan plan() {\n"
        "  return {\n"
     << "      .model = " << quote(program.getModel()) << ",\n"
     << "      .strategy = " << quote(describeStrategy(program)) << ",\n"
     << "      .devices = " << program.getDevices() << ",\n"
     << "      .mesh = {";
  std::string separator;
  for (auto [axis, size] : llvm::zip_equal(
           program.getAxes().getAsValueRange<StringAttr>(), program.getMesh())) {
    os << separator << "{" << quote(axis) << ", " << size << "}";
    separator = ", ";
  }
  os << "},\n"
     << "      .batch = " << program.getBatch() << ",\n"
     << "      .local_batch = " << program.getLocalBatch() << ",\n"
     << "      .arena_bytes = " << *program.getArena() << ",\n"
     << "      .learning_rate = " << formatReal(optimizer.getLearningRate(), false) << ",\n"
     << "      .optimizer = " << quote(recipeName(recipe.getOptimizer())) << ",\n"
     << "      .loss = " << quote(recipeName(recipe.getLoss())) << ",\n";
  for (rt::BufferOp label : buffersOf(program, rt::BufferKind::Label))
    if (label.getClasses())
      os << "      .classes = " << *label.getClasses() << ",\n";
  if (!buffersOf(program, rt::BufferKind::Correct).empty())
    os << "      .has_accuracy = true,\n";
  os << "      .flops = " << formatReal(flops, false) << ",\n"
     << "  };\n}\n\n";
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

static double constantInit(Attribute init) {
  auto constant = dyn_cast<nn::ConstantInitAttr>(init);
  return constant ? static_cast<double>(constant.getValue()) : 0;
}

void dtc::emit::printBinding(Printer &printer) {
  rt::ProgramOp program = printer.program;
  llvm::raw_ostream &os = printer.os;
  os << "// Which tensor is what.\n"
        "Binding bind(Buffers &b) {\n"
        "  return {\n"
        "      .inputs = {";
  std::string separator;
  for (rt::BufferOp input : buffersOf(program, rt::BufferKind::Input)) {
    os << separator << "{" << quote(input.getName()) << ", "
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
  os << "      .parameters =\n          {\n";
  for (rt::BufferOp parameter : buffersOf(program, rt::BufferKind::Parameter))
    os << "              {" << quote(parameter.getName()) << ", "
       << printer.buffer(parameter.getMemory()) << ", "
       << printInit(*parameter.getInit()) << "},\n";
  os << "          },\n";
  SmallVector<rt::BufferOp> states = buffersOf(program, rt::BufferKind::State);
  if (!states.empty()) {
    os << "      .state =\n          {\n";
    for (rt::BufferOp state : states) {
      os << "              {" << quote(state.getName()) << ", "
         << printer.buffer(state.getMemory());
      if (double init = constantInit(*state.getInit()))
        os << ", " << formatReal(init, false);
      os << "},\n";
    }
    os << "          },\n";
  }
  single("loss", rt::BufferKind::Loss);
  single("correct", rt::BufferKind::Correct);
  os << "  };\n}\n\n";
}
