// Whole graphs of elementwise ops, made at random: fusion changes no bit of
// their results and computes nothing twice.
#include "Kernels.h"

#include "dialects/NN/NN.h"
#include "dtc/Fusion/Passes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Traits.h"
#include <gtest/gtest.h>

#include <cmath>
#include <random>

using namespace mlir;
using namespace dtc;
using reference::Tensor;

namespace {

class Generator {
public:
  Generator(MLIRContext &context, unsigned seed)
      : random(seed), builder(&context), location(builder.getUnknownLoc()) {}

  OwningOpRef<ModuleOp> make() {
    OwningOpRef<ModuleOp> module = ModuleOp::create(location);
    const std::vector<SmallVector<int64_t>> shapes = {
        {3, 4}, {3, 4}, {4}, {3, 1}, {1, 4}, {1}, {}};
    SmallVector<Type> inputs;
    for (const auto &shape : shapes)
      inputs.push_back(RankedTensorType::get(shape, builder.getF64Type()));
    auto function = func::FuncOp::create(
        location, "f", builder.getFunctionType(inputs, {}));
    module->push_back(function);
    builder.setInsertionPointToStart(function.addEntryBlock());
    llvm::append_range(values, function.getArguments());
    for (int i = 0; i < 24; ++i)
      values.push_back(makeOp());
    SmallVector<Value> results = {values.back()};
    for (unsigned i = pick(3); i > 0; --i)
      results.push_back(pickValue());
    func::ReturnOp::create(builder, location, results);
    function.setFunctionType(
        builder.getFunctionType(inputs, ValueRange(results).getTypes()));
    return module;
  }

  std::vector<Tensor> makeArguments(func::FuncOp function) {
    std::vector<Tensor> arguments;
    std::uniform_real_distribution<double> number(-2, 2);
    for (Type type : function.getArgumentTypes()) {
      Tensor tensor = reference::zeros(cast<RankedTensorType>(type).getShape());
      for (double &element : tensor.data)
        element = number(random);
      arguments.push_back(std::move(tensor));
    }
    return arguments;
  }

private:
  unsigned pick(unsigned choices) {
    return std::uniform_int_distribution<unsigned>(0, choices - 1)(random);
  }
  /// Young values more often, so that chains become long.
  Value pickValue() {
    unsigned young = std::min<unsigned>(values.size(), 5);
    return pick(2) ? values[values.size() - 1 - pick(young)]
                   : values[pick(values.size())];
  }

  Value makeConstant() {
    static const double numbers[] = {0, 1, 2, 0.5, -1};
    auto type = RankedTensorType::get(
        pick(2) ? SmallVector<int64_t>{4} : SmallVector<int64_t>{},
        builder.getF64Type());
    SmallVector<double> elements(type.getNumElements());
    double splat = numbers[pick(5)];
    bool table = pick(4) == 0;
    for (double &element : elements)
      element = table ? numbers[pick(5)] : splat;
    return nn::ConstantOp::create(
        builder, location, type,
        DenseElementsAttr::get(type, ArrayRef<double>(elements)));
  }

  Value makeOp() {
    Value x = pickValue(), y = pickValue(), z = pickValue();
    auto alpha = builder.getF64FloatAttr(0.25);
    switch (pick(23)) {
    case 0: return nn::NegOp::create(builder, location, x);
    case 1: return nn::ExpOp::create(builder, location, x);
    case 2: return nn::LogOp::create(builder, location, x);
    case 3: return nn::SqrtOp::create(builder, location, x);
    case 4: return nn::ReluOp::create(builder, location, x);
    case 5: return nn::SigmoidOp::create(builder, location, x);
    case 6: return nn::TanhOp::create(builder, location, x);
    case 7: return nn::LeakyReluOp::create(builder, location, x, alpha);
    case 8: return nn::EluOp::create(builder, location, x, alpha);
    case 9: return nn::AddOp::create(builder, location, x, y);
    case 10: return nn::SubOp::create(builder, location, x, y);
    case 11: return nn::MulOp::create(builder, location, x, y);
    case 12: return nn::DivOp::create(builder, location, x, y);
    case 13: return nn::WherePositiveOp::create(builder, location, x, y, z);
    case 14: return makeConstant();
    case 15: return nn::GeluOp::create(builder, location, x, /*approximate=*/pick(2) == 0);
    case 16: return nn::GeluGradientOp::create(builder, location, x, y, /*approximate=*/pick(2) == 0);
    case 17: return nn::MaxOp::create(builder, location, x, y);
    case 18: return nn::ClipOp::create(builder, location, x, builder.getF64FloatAttr(-0.5), builder.getF64FloatAttr(1.5));
    case 19: return nn::SiluOp::create(builder, location, x);
    case 20: {
      // A condition of two comparisons.
      Value less = nn::LessOp::create(builder, location, x, y), equal = nn::EqualOp::create(builder, location, y, z);
      return nn::WhereOp::create(builder, location, nn::OrOp::create(builder, location, less, equal), x, z);
    }
    case 21: {
      auto type = RankedTensorType::get(cast<RankedTensorType>(x.getType()).getShape(), builder.getI64Type());
      Value whole = nn::CastOp::create(builder, location, type, x);
      return nn::CastOp::create(builder, location, x.getType(), nn::ModOp::create(builder, location, whole, whole));
    }
    default: {
      auto type = RankedTensorType::get({3, 4}, builder.getF64Type());
      return nn::BroadcastOp::create(builder, location, type, x);
    }
    }
  }

  std::mt19937 random;
  OpBuilder builder;
  Location location;
  SmallVector<Value> values;
};

class RandomGraphs : public testing::TestWithParam<unsigned> {};

TEST_P(RandomGraphs, KeepTheirResults) {
  auto context = test::makeContext();
  Generator generator(*context, GetParam());
  OwningOpRef<ModuleOp> module = generator.make();
  func::FuncOp function = test::getFunction(*module);
  std::vector<Tensor> arguments = generator.makeArguments(function);
  auto expected = reference::evaluate(function, arguments);
  ASSERT_TRUE(succeeded(expected));
  int64_t ops = 0;
  function.walk([&](Operation *op) {
    ops += op->hasTrait<nn::Elementwise>() || isa<nn::BroadcastOp>(op);
  });

  ASSERT_TRUE(succeeded(test::fuse(*module)));
  auto actual = test::evaluateKernels(function, arguments);
  ASSERT_TRUE(succeeded(actual));
  for (auto [left, right] : llvm::zip_equal(*expected, *actual)) {
    ASSERT_EQ(left.shape, right.shape);
    for (auto [x, y] : llvm::zip_equal(left.data, right.data))
      EXPECT_TRUE(x == y || (std::isnan(x) && std::isnan(y))) << x << " became " << y;
  }

  int64_t inKernels = 0;
  function.walk([&](linalg::GenericOp generic) {
    auto names = generic->getAttrOfType<ArrayAttr>(fusion::opsAttribute);
    ASSERT_TRUE(names);
    inKernels += names.size();
    // What could be fused without computing twice, is.
    for (Value input : generic.getInputs())
      EXPECT_FALSE(input.getDefiningOp<linalg::GenericOp>() && input.hasOneUse() &&
                   input.getType() == generic.getResult(0).getType());
  });
  EXPECT_LE(inKernels, ops);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomGraphs, testing::Range(0u, 100u));

} // namespace
