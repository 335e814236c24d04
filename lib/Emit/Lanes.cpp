// How many neighbouring elements a GPU's thread takes at a time: what sizes, strides and planned offsets allow.
#include "Printer.h"

#include "mlir/IR/AffineExpr.h"
#include "llvm/Support/MathExtras.h"

#include <numeric>

using namespace mlir;
using namespace dtc;
using namespace dtc::emit;

namespace {
/// A position in a buffer: constant + the sum of coefficients times coordinates.
struct Position {
  SmallVector<int64_t> coefficients;
  int64_t constant = 0;

  explicit Position(AffineMap map) : coefficients(map.getNumDims(), 0) {
    add(map.getResult(0), 1);
  }
  int64_t innermost() const { return coefficients.empty() ? 0 : coefficients.back(); }
  /// The largest number that divides the positions of all rows.
  int64_t divisorOfRows() const {
    int64_t divisor = std::abs(constant);
    for (int64_t coefficient : ArrayRef(coefficients).drop_back())
      divisor = std::gcd(divisor, coefficient);
    return divisor;
  }

private:
  void add(AffineExpr expression, int64_t factor) {
    if (auto dim = dyn_cast<AffineDimExpr>(expression)) {
      coefficients[dim.getPosition()] += factor;
    } else if (auto number = dyn_cast<AffineConstantExpr>(expression)) {
      constant += factor * number.getValue();
    } else {
      auto binary = cast<AffineBinaryOpExpr>(expression);
      if (binary.getKind() == AffineExprKind::Mul)
        return add(binary.getLHS(), factor * cast<AffineConstantExpr>(binary.getRHS()).getValue());
      add(binary.getLHS(), factor);
      add(binary.getRHS(), factor);
    }
  }
};
} // namespace

/// The largest number of bytes that divides the places of a buffer in all its slots.
static int64_t alignmentOf(Value memory) {
  int64_t alignment = rt::slotAlignment;
  if (memory.getDefiningOp<rt::ConstantOp>()) // declared so
    return alignment;
  if (memory.getDefiningOp<rt::ElementOp>()) {
    forEachBuffer(memory, [&](Value member) { alignment = std::gcd(alignment, alignmentOf(member)); });
    return alignment;
  }
  alignment = std::gcd(alignment, offsetOf(memory));
  return Printer::slotsOf(memory) > 1 ? std::gcd(alignment, strideOf(memory)) : alignment;
}

static int64_t bytesOfElement(Type element) { return llvm::divideCeil(element.getIntOrFloatBitWidth(), 8); }

int64_t dtc::emit::lanesOf(rt::ProgramOp program, rt::KernelOp kernel) {
  if (kernel.getGrid().empty())
    return 1;
  Block &body = kernel.getBody().front();
  auto yield = cast<rt::YieldOp>(body.getTerminator());
  SmallVector<Type> types(body.getArgumentTypes());
  llvm::append_range(types, yield.getValues().getTypes());
  // 16 bytes of the smallest elements, of booleans 8; larger ones take several loads.
  int64_t most = 1;
  for (Type type : types) {
    if (type.isF64())
      return 1;
    most = std::max<int64_t>(most, std::min<int64_t>(16 / bytesOfElement(type), 8));
  }
  SmallVector<Position> positions;
  for (ArrayAttr maps : {kernel.getReads(), kernel.getWrites()})
    for (AffineMap map : maps.getAsValueRange<AffineMapAttr>())
      positions.emplace_back(map);
  // Lanes that write to one place would write over each other.
  for (const Position &position : ArrayRef(positions).drop_front(kernel.getReads().size()))
    if (position.innermost() == 0)
      return 1;

  int64_t lanes = std::gcd(most, kernel.getGrid().back());
  for (const Position &position : positions)
    if (position.innermost() == 1)
      lanes = std::gcd(lanes, position.divisorOfRows());
  program.walk([&](rt::LaunchOp launch) {
    if (launch.getKernelAttr().getAttr() != kernel.getSymNameAttr())
      return;
    SmallVector<Value> operands(launch.getInputs());
    llvm::append_range(operands, launch.getOutputs());
    for (auto [position, type, memory] : llvm::zip_equal(positions, types, operands))
      if (position.innermost() == 1)
        lanes = std::gcd(lanes, alignmentOf(memory) / bytesOfElement(type));
  });
  return lanes;
}
