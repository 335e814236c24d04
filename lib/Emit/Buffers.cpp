// The struct of all buffers: offsets, shapes, names.
#include "Literals.h"
#include "Printer.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::emit;

namespace {
/// A heading in the struct, and the kinds of buffers below it.
struct Section {
  StringRef heading;
  SmallVector<rt::BufferKind> kinds;
};
} // namespace

static SmallVector<Section> sections() {
  using K = rt::BufferKind;
  return {{"What the runtime fills in before a step", {K::Input, K::Label, K::SampleWeight, K::LossWeight, K::SampleIndex, K::Step, K::LearningRate}},
          {"Parameters", {K::Parameter}},
          {"Running statistics of the model", {K::Statistic}},
          {"State of the optimizer", {K::State}},
          {"What the runtime reads after a step", {K::Loss, K::Correct}},
          {"What the runtime reads after a prediction", {K::Output}},
          {"Gradients, in buckets that are all-reduced as one", {K::Bucket}},
          {"Activations and their gradients; those that never live together share memory", {K::Temporary}}};
}

int64_t dtc::emit::offsetOf(Value memory) {
  int64_t elements = 0;
  while (auto view = memory.getDefiningOp<rt::ViewOp>()) {
    elements += view.getAt();
    memory = view.getBase();
  }
  auto buffer = memory.getDefiningOp<rt::BufferOp>();
  int64_t width = (buffer.getMemory().getType().getElementTypeBitWidth() + 7) / 8;
  return static_cast<int64_t>(*buffer.getOffset()) + elements * width;
}

void dtc::emit::forEachBuffer(Value memory, llvm::function_ref<void(Value)> visit) {
  auto element = memory.getDefiningOp<rt::ElementOp>();
  if (!element)
    return visit(memory);
  auto repeat = cast<rt::RepeatOp>(element.getRun().getParentBlock()->getParentOp());
  OperandRange members = element.getArray().getDefiningOp<rt::ArrayOp>().getMembers();
  int64_t at = element.getAt(), step = element.getStep();
  for (int64_t run = 0, count = repeat.getCount(); run < count; ++run)
    visit(members[at + step * run]);
}

int64_t Printer::slotsOf(Value memory) {
  if (auto element = memory.getDefiningOp<rt::ElementOp>())
    memory = element.getArray().getDefiningOp<rt::ArrayOp>().getMembers().front();
  while (auto view = memory.getDefiningOp<rt::ViewOp>()) {
    if (view.getParts())
      return *view.getParts();
    memory = view.getBase();
  }
  auto buffer = memory.getDefiningOp<rt::BufferOp>();
  return buffer ? buffer.getSlots().value_or(1) : 1;
}

int64_t dtc::emit::strideOf(Value memory) {
  while (auto view = memory.getDefiningOp<rt::ViewOp>()) {
    if (view.getParts())
      return rt::bytesOf(view.getMemory().getType());
    memory = view.getBase();
  }
  return llvm::alignTo(rt::bytesOf(cast<MemRefType>(memory.getType())), rt::slotAlignment);
}

/// `Tensor<f32>`, `Slots<bf16>`.
static std::string typeOf(Value memory) {
  StringRef element = elementTypeName(cast<MemRefType>(memory.getType()).getElementType());
  return ((Printer::slotsOf(memory) > 1 ? "Slots<" : "Tensor<") + element + ">").str();
}

/// What stands behind name and offset: slots, shape, layout.
static void printForm(Printer &printer, Value memory) {
  auto type = cast<MemRefType>(memory.getType());
  int64_t slots = Printer::slotsOf(memory);
  llvm::raw_ostream &line = printer.os;
  if (slots > 1)
    line << slots << ", ";
  line << formatList(type.getShape());
  bool ownStride = slots > 1 && strideOf(memory) != static_cast<int64_t>(llvm::alignTo(
                                                        rt::bytesOf(type), rt::slotAlignment));
  if (!rt::isRowMajor(type))
    line << ", channels_last";
  else if (ownStride)
    line << ", row_major";
  if (ownStride)
    line << ", " << strideOf(memory);
}

static void printTensor(Printer &printer, Value memory) {
  printer.os << "  " << typeOf(memory) << " " << printer.names.of(memory) << "{arena, " << quote(nameOf(memory)) << ", " << offsetOf(memory)
             << ", ";
  printForm(printer, memory);
  printer.os << "};\n";
}

/// As many of `items` on a line as it holds.
static void printItems(Printer &printer, StringRef indent, ArrayRef<std::string> items) {
  constexpr size_t columns = 140;
  size_t column = columns;
  for (auto [i, item] : llvm::enumerate(items)) {
    if (column + item.size() + 2 > columns) {
      printer.os << "\n" << indent;
      column = indent.size();
    } else {
      printer.os << " ";
      ++column;
    }
    printer.os << item << (i + 1 < items.size() ? "," : "");
    column += item.size() + 1;
  }
}

static void printArray(Printer &printer, rt::ArrayOp array) {
  Value first = array.getMembers().front();
  printer.os << "  Array<" << typeOf(first) << "> " << printer.names.of(array.getArray());
  SmallVector<std::string> items;
  for (Value member : array.getMembers())
    items.push_back(array.getListed() ? printer.names.of(member).str()
                                      : "{" + quote(nameOf(member)) + ", " + std::to_string(offsetOf(member)) + "}");
  printer.os << (array.getListed() ? "{{" : "{arena, {");
  printItems(printer, "      ", items);
  printer.os << "}";
  if (!array.getListed()) {
    printer.os << ", ";
    printForm(printer, first);
  }
  printer.os << "};\n";
}

/// Constants are part of the text; large ones belong into initializers.
static LogicalResult printConstant(Printer &printer, rt::ConstantOp constant) {
  constexpr int64_t most = 1 << 16;
  auto type = constant.getMemory().getType();
  if (type.getNumElements() > most)
    return constant.emitOpError("'")
           << constant.getName() << "' has " << type.getNumElements()
           << " elements; constants are part of the source and may have at most "
           << most << ": make it an initializer of the model";
  printer.os << (printer.target.hasMemoryOfItsOwn ? "__device__ alignas(64) " : "")
             << elementTypeName(type.getElementType()) << " "
             << printer.names.of(constant.getMemory()) << "[] = {";
  bool first = true;
  auto print = [&](const std::string &text) {
    printer.os << (first ? "" : ", ") << text;
    first = false;
  };
  if (isa<FloatType>(type.getElementType()))
    for (const APFloat &value : constant.getValue().getValues<APFloat>())
      print(formatReal(value.convertToDouble(), type.getElementType().isF32()));
  else
    for (const APInt &value : constant.getValue().getValues<APInt>())
      print(formatInteger(value));
  printer.os << "};\n";
  return success();
}

LogicalResult dtc::emit::printBuffers(Printer &printer) {
  llvm::raw_ostream &os = printer.os;
  bool anyConstant = false;
  for (auto constant : printer.program.getOps<rt::ConstantOp>()) {
    if (!anyConstant)
      os << "// Constants of the model.\nnamespace constants {\n";
    anyConstant = true;
    if (failed(printConstant(printer, constant)))
      return failure();
  }
  os << (anyConstant ? "} // namespace constants\n\n" : "")
     << "// Every buffer of a rank: its name in the model, its offset in the arena in bytes, and its shape. Arrays hold what equal layers\n"
        "// have, in their order. dtc has planned which buffers share memory: another shape, or another batch, needs another plan.\n"
        "struct Buffers {\n  Arena &arena;\n";
  for (const Section &section : sections()) {
    bool empty = true;
    for (Operation &op : printer.program.getBody().front()) {
      if (!isa<rt::BufferOp, rt::ViewOp>(op))
        continue;
      rt::BufferOp root = rt::rootBuffer(op.getResult(0));
      if (!llvm::is_contained(section.kinds, root.getKind()))
        continue;
      if (empty)
        os << "\n  // " << section.heading << ".\n";
      empty = false;
      if (auto [array, place] = printer.names.placeOf(op.getResult(0)); !array)
        printTensor(printer, op.getResult(0));
      else if (place == 0)
        printArray(printer, array);
    }
  }
  bool anyList = false;
  for (auto array : printer.program.getOps<rt::ArrayOp>())
    if (array.getListed()) {
      os << (anyList ? "" : "\n  // Buffers from above, in the order in which loops take them.\n");
      anyList = true;
      printArray(printer, array);
    }
  if (anyConstant)
    os << "\n  // Constants of the model.\n";
  for (auto constant : printer.program.getOps<rt::ConstantOp>())
    os << "  Tensor<" << elementTypeName(constant.getMemory().getType().getElementType())
       << "> " << printer.names.of(constant.getMemory()) << "{"
       << (printer.target.hasMemoryOfItsOwn ? "device::address(" : "")
       << "constants::" << printer.names.of(constant.getMemory())
       << (printer.target.hasMemoryOfItsOwn ? "), " : ", ")
       << formatList(constant.getMemory().getType().getShape()) << "};\n";
  os << "};\n\n";
  return success();
}
