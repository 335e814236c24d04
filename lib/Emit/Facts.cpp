// What the compiler decided, as facts for the runtime.
#include "Literals.h"
#include "Printer.h"

#include "dialects/NN/NN.h"
#include "dtc/Autodiff/AutodiffInterfaces.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::emit;

/// "cross-entropy" for #nn.cross_entropy: as the command line spells it.
static std::string recipeName(Attribute attribute) {
  if (auto optimizer = dyn_cast<nn::OptimizerAttr>(attribute))
    return optimizer.getName().str();
  std::string name = attribute.getAbstractAttribute().getName().split('.').second.str();
  llvm::replace(name, '_', '-');
  return name;
}

/// The bound of labels that are class ids, from whichever role has them.
static std::optional<int64_t> classesOf(ArrayRef<rt::ProgramOp> programs) {
  for (rt::ProgramOp program : programs)
    for (auto buffer : program.getOps<rt::BufferOp>())
      if (buffer.getKind() == rt::BufferKind::Label && buffer.getClasses())
        return buffer.getClasses();
  return std::nullopt;
}

/// `{{"pipe", 0, 1}, {"pipe", 1, 0}}`: a connection between GPUs is made before the first step.
static void printChannels(ArrayRef<rt::ProgramOp> programs, llvm::raw_ostream &os) {
  llvm::SetVector<std::tuple<StringRef, int64_t, int64_t>> channels;
  for (rt::ProgramOp program : programs)
    program->walk([&](CommunicationOpInterface send) {
      if (send.getCommunicationKind() != CommunicationKind::Send)
        return;
      auto from = program.getAtAttr().getAs<IntegerAttr>(send.getAxis());
      assert(from && "a role that sends stands at one coordinate of the axis");
      channels.insert({send.getAxis(), from.getInt(), *send.getPeerCoordinate()});
    });
  if (channels.empty())
    return;
  os << "      .channels = {";
  llvm::interleaveComma(channels, os, [&](const auto &channel) {
    auto [axis, from, to] = channel;
    os << "{" << quote(axis) << ", " << from << ", " << to << "}";
  });
  os << "},\n";
}

void dtc::emit::printPlan(ArrayRef<rt::ProgramOp> programs, const Target &target,
                          StringRef identity, llvm::raw_ostream &os) {
  rt::ProgramOp program = programs.front();
  bool alike = programs.size() == 1;
  auto recipe = cast<nn::RecipeAttr>(program.getRecipe());
  os << "// What the compiler decided.\n"
        "Plan plan() {\n"
        "  return {\n"
     << "      .model = " << quoteWhole(program.getModel()) << ",\n"
     << "      .identity = " << quote(identity) << ",\n"
     << "      .strategy = " << quote(describeStrategy(program)) << ",\n"
     << "      .devices = " << program.getDevices() << ",\n"
     << "      .mesh = {";
  std::string separator;
  for (auto [axis, size] : llvm::zip_equal(
           program.getAxes().getAsValueRange<StringAttr>(), program.getMesh())) {
    os << separator << "{" << quote(axis) << ", " << size << "}";
    separator = ", ";
  }
  os << "},\n";
  if (&target == &Target::cuda())
    printChannels(programs, os);
  os << "      .batch = " << program.getBatch() << ",\n"
     << "      .local_batch = " << program.getLocalBatch() << ",\n";
  if (alike)
    os << "      .arena_bytes = " << *program.getArena() << ",\n"
       << "      .shared_bytes = " << program.getShared().value_or(*program.getArena()) << ",\n";
  if (program.getPrecision())
    os << "      .precision = Precision::" << *program.getPrecision() << ",\n";
  if (program.getWholeBatches())
    os << "      .whole_batches = " << quote(*program.getWholeBatches()) << ",\n";
  os << "      .learning_rate = " << formatReal(recipe.getLearningRate(), false) << ",\n"
     << "      .optimizer = " << quote(recipeName(recipe.getOptimizer())) << ",\n"
     << "      .loss = " << quote(recipeName(recipe.getLoss())) << ",\n";
  if (std::optional<int64_t> classes = classesOf(programs))
    os << "      .classes = " << *classes << ",\n";
  LabelCounts counts = cast<LossInterface>(recipe.getLoss()).getLabelCounts();
  if (counts.ignored)
    os << "      .ignored_label = " << formatInteger(llvm::APInt(64, *counts.ignored, /*isSigned=*/true)) << ",\n";
  if (!counts.ofClasses.empty()) {
    os << "      .class_weights = {";
    llvm::interleaveComma(counts.ofClasses, os, [&](double weight) { os << formatReal(weight, false); });
    os << "},\n";
  }
  if (counts.isSum)
    os << "      .loss_is_sum = true,\n";
  if (cast<LossInterface>(recipe.getLoss()).labelsAreProbabilities())
    os << "      .probabilities = true,\n";
  if (llvm::any_of(program.getOps<rt::BufferOp>(), [](rt::BufferOp buffer) {
        return buffer.getKind() == rt::BufferKind::Correct;
      }))
    os << "      .has_accuracy = true,\n";
  if (rt::TimelineOp train = timelineOf(program, "train"); train && alike)
    os << "      .flops = " << formatReal(train.getFlops(), false) << ",\n";
  os << "  };\n}\n\n";
}
