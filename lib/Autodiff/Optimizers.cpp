// Optimizers that a recipe can name: their state and their update.
#include "ExternalModels.h"
#include "dialects/NN/NN.h"
#include "dtc/Autodiff/AutodiffInterfaces.h"
#include "dtc/Autodiff/OptimizerStates.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::nn;

/// What the states are called, of all optimizers.
static constexpr StringLiteral sgdMomentum = "sgd.momentum", adamM = "adam.m", adamV = "adam.v";

bool dtc::isNameOfState(StringRef name) {
  return llvm::any_of(ArrayRef{sgdMomentum, adamM, adamV}, [&](StringRef prefix) {
    return name.starts_with(prefix) && name.drop_front(prefix.size()).starts_with("/");
  });
}

static OptimizerState zeroState(StringRef prefix, MLIRContext *context) {
  return {prefix, ConstantInitAttr::get(context, Real(0.0))};
}

namespace {

struct SGD : OptimizerInterface::ExternalModel<SGD, SGDAttr> {
  SmallVector<OptimizerState> getStates(Attribute attribute) const {
    if (cast<SGDAttr>(attribute).getMomentum() == 0)
      return {};
    return {zeroState(sgdMomentum, attribute.getContext())};
  }

  SmallVector<Value> buildUpdate(Attribute attribute,
                                 ImplicitLocOpBuilder &builder, Value parameter,
                                 Value gradient, ArrayRef<Value> states,
                                 Value step) const {
    Type type = parameter.getType();
    SmallVector<Type> types(1 + states.size(), type);
    auto update = SGDUpdateOp::create(builder, types, parameter, gradient,
                                      states.empty() ? Value() : states[0],
                                      step, cast<SGDAttr>(attribute));
    return llvm::to_vector(ValueRange(update->getResults()));
  }

  double getLearningRate(Attribute attribute) const {
    return cast<SGDAttr>(attribute).getLr();
  }
};

struct Adam : OptimizerInterface::ExternalModel<Adam, AdamAttr> {
  SmallVector<OptimizerState> getStates(Attribute attribute) const {
    return {zeroState(adamM, attribute.getContext()),
            zeroState(adamV, attribute.getContext())};
  }

  SmallVector<Value> buildUpdate(Attribute attribute,
                                 ImplicitLocOpBuilder &builder, Value parameter,
                                 Value gradient, ArrayRef<Value> states,
                                 Value step) const {
    Type type = parameter.getType();
    auto update =
        AdamUpdateOp::create(builder, TypeRange{type, type, type}, parameter, gradient,
                             states[0], states[1], step, cast<AdamAttr>(attribute));
    return llvm::to_vector(ValueRange(update->getResults()));
  }

  double getLearningRate(Attribute attribute) const {
    return cast<AdamAttr>(attribute).getLr();
  }
};

template <typename Op>
struct ParameterUpdate
    : ParameterUpdateOpInterface::ExternalModel<ParameterUpdate<Op>, Op> {
  OpOperand &getParameterOperand(Operation *op) const {
    return cast<Op>(op).getParameterMutable();
  }
  OpOperand &getGradientOperand(Operation *op) const {
    return cast<Op>(op).getGradientMutable();
  }
};

} // namespace

void dtc::attachOptimizers(MLIRContext *context) {
  SGDAttr::attachInterface<SGD>(*context);
  AdamAttr::attachInterface<Adam>(*context);
  SGDUpdateOp::attachInterface<ParameterUpdate<SGDUpdateOp>>(*context);
  AdamUpdateOp::attachInterface<ParameterUpdate<AdamUpdateOp>>(*context);
}
