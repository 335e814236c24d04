// Sums over the rows or columns of a matrix become part of the product that reads or makes it.
#include "Overlap.h"

#include "dtc/Plan/Passes.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/SetVector.h"

namespace dtc {
#define GEN_PASS_DEF_SUMINPRODUCTSPASS
#include "dtc/Plan/Passes.h.inc"
} // namespace dtc

using namespace mlir;
using namespace dtc;
using namespace dtc::plan;

namespace {

/// A sum over the first or the last dimensions of dense memory, seen as one over the rows or the columns of a matrix: what is a
/// stack of matrices for one call is one tall matrix for another.
struct MatrixSum {
  Value memory;
  int64_t rows, columns;
  bool overRows;

  bool operator==(const MatrixSum &other) const {
    return memory == other.memory && rows == other.rows && columns == other.columns && overRows == other.overRows;
  }
};

std::optional<MatrixSum> describe(Value memory, ArrayRef<int64_t> axes) {
  auto type = cast<MemRefType>(memory.getType());
  int64_t rank = type.getRank(), summed = axes.size();
  SmallVector<int64_t> sorted(axes);
  llvm::sort(sorted);
  bool first = llvm::equal(sorted, llvm::seq<int64_t>(summed));
  bool last = llvm::equal(sorted, llvm::seq<int64_t>(rank - summed, rank));
  if (!rt::isRowMajor(type) || first == last) // neither, or all
    return std::nullopt;
  int64_t cut = first ? summed : rank - summed;
  MatrixSum sum{memory, 1, 1, first};
  for (auto [d, size] : llvm::enumerate(type.getShape()))
    (static_cast<int64_t>(d) < cut ? sum.rows : sum.columns) *= size;
  // Under whatever shape it is seen.
  while (auto view = sum.memory.getDefiningOp<rt::ViewOp>()) {
    MemRefType base = view.getBase().getType();
    if (view.getParts() || base.getNumElements() != type.getNumElements() || !rt::isRowMajor(base))
      break;
    sum.memory = view.getBase();
  }
  return sum;
}

/// The names of the sums that the product can write.
SmallVector<StringRef> optionsOf(rt::CallOp product) {
  return llvm::map_to_vector(product.getCanSumAttr().getAsRange<rt::SumAttr>(),
                             [](rt::SumAttr sum) { return sum.getOption(); });
}

/// Passes `result` as `option`, at its place among the sums in the order of their declaration.
void passByName(rt::CallOp product, StringRef option, Value result) {
  SmallVector<StringRef> order = optionsOf(product);
  auto placeOf = [&](StringRef name) { // the callee's other buffers come first
    auto found = llvm::find(order, name);
    return found == order.end() ? -1 : found - order.begin();
  };
  SmallVector<Attribute> names(product.getOperandNames().getValue());
  SmallVector<Value> named(product.getNamed());
  size_t at = 0;
  while (at < names.size() && placeOf(cast<StringAttr>(names[at]).getValue()) < placeOf(option))
    ++at;
  Builder builder(product.getContext());
  names.insert(names.begin() + at, builder.getStringAttr(option));
  named.insert(named.begin() + at, result);
  product.setOperandNamesAttr(builder.getArrayAttr(names));
  product.getNamedMutable().assign(named);
}

struct SumInProductsPass : dtc::impl::SumInProductsPassBase<SumInProductsPass> {
  void runOnOperation() override {
    SmallVector<rt::CallOp> calls;
    getOperation().walk([&](rt::CallOp call) {
      if (call.getSumOver() && !call->hasAttr(opAttribute))
        calls.push_back(call);
    });
    for (rt::CallOp call : calls)
      giveAway(call);
  }

  void giveAway(rt::CallOp call) {
    if (call.getInputs().size() != 1 || call.getOutputs().size() != 1 || !call.getNamed().empty())
      return;
    std::optional<MatrixSum> wanted = describe(call.getInputs().front(), *call.getSumOver());
    auto result = cast<MemRefType>(call.getOutputs().front().getType());
    if (!wanted || !rt::isRowMajor(result) || !result.getElementType().isF32())
      return;
    for (rt::CallOp product : callsOn(wanted->memory, call->getBlock()))
      if (rt::SumAttr sum = findSum(product, *wanted); sum && canMove(call, product)) {
        passByName(product, sum.getOption(), call.getOutputs().front());
        product->setLoc(Builder(product).getFusedLoc({product.getLoc(), call.getLoc()}));
        call.erase();
        ++sums;
        return;
      }
  }

  /// The calls of a block that read or write `memory`, under whatever shape; in order.
  static SmallVector<rt::CallOp> callsOn(Value memory, Block *block) {
    llvm::SetVector<Operation *> calls;
    SmallVector<Value> work = {memory};
    while (!work.empty())
      for (Operation *user : work.pop_back_val().getUsers())
        if (auto view = dyn_cast<rt::ViewOp>(user))
          work.push_back(view.getMemory());
        else if (isa<rt::CallOp>(user) && user->getBlock() == block)
          calls.insert(user);
    SmallVector<rt::CallOp> sorted = llvm::map_to_vector(calls, [](Operation *op) { return cast<rt::CallOp>(op); });
    llvm::sort(sorted, [](rt::CallOp a, rt::CallOp b) { return a->isBeforeInBlock(b); });
    return sorted;
  }

  /// How the product can write the sum, if it does not already write something else so.
  static rt::SumAttr findSum(rt::CallOp product, const MatrixSum &wanted) {
    if (!product.getCanSum() || product->hasAttr(opAttribute))
      return {};
    SmallVector<Value> operands(product.getInputs());
    llvm::append_range(operands, product.getOutputs());
    for (auto sum : product.getCanSumAttr().getAsRange<rt::SumAttr>())
      if (describe(operands[sum.getOperand()], sum.getAxes()) == wanted &&
          !llvm::is_contained(product.getOperandNames().getAsValueRange<StringAttr>(), sum.getOption()))
        return sum;
    return {};
  }

  /// The sum is the same where the product stands, and nobody sees that it is written there.
  static bool canMove(rt::CallOp call, rt::CallOp product) {
    Value matrix = call.getInputs().front(), result = call.getOutputs().front();
    bool before = product->isBeforeInBlock(call);
    Operation *first = before ? product : call, *last = before ? call : product;
    return call.getMicrobatchAttr() == product.getMicrobatchAttr() && !mayOverlap(product->getOperands(), result) &&
           !isUsedBetween(first, last, result) && !isWrittenBetween(first, last, matrix);
  }
};

} // namespace
