// dtc-store-constants: large constants lie in the file of initial values, as parameters that are not trained.
#include "dialects/NN/NN.h"
#include "dtc/Autodiff/Passes.h"
#include "dtc/Autodiff/StoredConstants.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include "llvm/ADT/StringSet.h"

namespace dtc {
#define GEN_PASS_DEF_STORECONSTANTSPASS
#include "dtc/Autodiff/Passes.h.inc"
} // namespace dtc

using namespace mlir;
using namespace dtc;
namespace names = dtc::nn::names;

/// The elements as float32, the type of parameters; null if one of them is none.
static DenseElementsAttr asFloats(DenseElementsAttr elements) {
  auto type = cast<RankedTensorType>(elements.getType());
  if (type.getElementType().isF32())
    return elements;
  if (!isa<IntegerType>(type.getElementType()))
    return {};
  constexpr int64_t most = 1 << 24; // every whole number up to it is a float32
  bool isBoolean = type.getElementType().isInteger(1);
  std::vector<float> values;
  values.reserve(type.getNumElements());
  for (const APInt &value : elements.getValues<APInt>()) {
    int64_t number = isBoolean ? value.getBoolValue() : value.getSExtValue();
    if (number < -most || number > most)
      return {};
    values.push_back(static_cast<float>(number));
  }
  return DenseElementsAttr::get(type.clone(Float32Type::get(type.getContext())), ArrayRef(values));
}

/// What the file calls it: "constant:mask".
static std::string nameOf(nn::ConstantOp constant, llvm::StringSet<> &taken) {
  auto location = constant.getLoc()->findInstanceOf<NameLoc>();
  std::string wanted = (storedConstantPrefix + (location ? location.getName().getValue() : "")).str(), name = wanted;
  for (unsigned number = 2; !taken.insert(name).second; ++number)
    name = wanted + "." + std::to_string(number);
  return name;
}

namespace {
struct StoreConstantsPass : dtc::impl::StoreConstantsPassBase<StoreConstantsPass> {
  using StoreConstantsPassBase::StoreConstantsPassBase;

  void runOnOperation() override {
    func::FuncOp model = getOperation();
    if (most < 0) {
      model.emitError("most must be 0 or more elements, not ") << most.getValue();
      return signalPassFailure();
    }
    if (model.isExternal())
      return;
    llvm::StringSet<> taken;
    for (unsigned i = 0; i < model.getNumArguments(); ++i)
      if (auto name = model.getArgAttrOfType<StringAttr>(i, names::parameter))
        taken.insert(name.getValue());
    Builder builder(&getContext());
    for (nn::ConstantOp constant : llvm::make_early_inc_range(model.getOps<nn::ConstantOp>())) {
      auto elements = dyn_cast<DenseElementsAttr>(constant.getValue());
      if (!elements || elements.isSplat() || elements.getNumElements() <= most)
        continue;
      DenseElementsAttr floats = asFloats(elements);
      if (!floats)
        continue; // refused where it is written
      auto attributes = builder.getDictionaryAttr({builder.getNamedAttr(names::parameter, builder.getStringAttr(nameOf(constant, taken))),
                                                   builder.getNamedAttr(names::frozen, builder.getUnitAttr()),
                                                   builder.getNamedAttr(names::init, floats)});
      unsigned place = model.getNumArguments();
      if (failed(model.insertArgument(place, floats.getType(), attributes, constant.getLoc())))
        return signalPassFailure();
      Value stored = model.getArgument(place);
      if (floats.getType() != constant.getType()) {
        OpBuilder at(constant);
        stored = nn::CastOp::create(at, constant.getLoc(), constant.getType(), stored);
      }
      constant.replaceAllUsesWith(stored);
      constant.erase();
    }
  }
};
} // namespace
