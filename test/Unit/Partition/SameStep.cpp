// Shares arguments out to ranks, and compares what they give back.
#include "test/Unit/Partition/SameStep.h"

#include "dialects/NN/NN.h"
#include "gtest/gtest.h"

#include <cmath>
#include <random>

using namespace mlir;
using namespace dtc;
using namespace dtc::reference;

static Tensors makeArguments(func::FuncOp function) {
  std::mt19937_64 engine(7);
  std::normal_distribution<double> normal;
  Tensors tensors;
  for (auto [number, type] : llvm::enumerate(function.getArgumentTypes())) {
    Tensor tensor = zeros(cast<RankedTensorType>(type).getShape());
    bool weight = function.getArgAttr(number, nn::names::sampleWeight) != nullptr;
    bool lossWeight = function.getArgAttr(number, nn::names::lossWeight) != nullptr;
    bool state = function.getArgAttr(number, nn::names::state) != nullptr;
    bool integer = cast<RankedTensorType>(type).getElementType().isInteger();
    bool place = function.getArgAttr(number, nn::names::sampleIndex) != nullptr;
    bool step = function.getArgAttr(number, nn::names::step) != nullptr;
    bool rate = function.getArgAttr(number, nn::names::learningRate) != nullptr;
    for (auto [row, value] : llvm::enumerate(tensor.data)) {
      value = normal(engine);
      if (weight)
        value = 1.0 / tensor.data.size();
      else if (lossWeight) // another one than the sample weight
        value = 2.5 / tensor.data.size();
      else if (place)
        value = row;
      else if (step)
        value = 3;
      else if (rate)
        value = 0.1;
      else if (integer)
        value = engine() % 3;
      else if (state)
        value = std::abs(value) + 0.1; // also a second moment
    }
    // The values that a file has for its parameters.
    if (auto init = function.getArgAttrOfType<DenseElementsAttr>(number, nn::names::init))
      llvm::copy(init.getValues<float>(), tensor.data.begin());
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

FailureOr<WholeStep> WholeStep::of(ModuleOp module, StringRef phase) {
  WholeStep step;
  step.function = module.lookupSymbol<func::FuncOp>(phase);
  if (!step.function)
    return module.emitError("has no step '") << phase << "'";
  step.arguments = makeArguments(step.function);
  auto results = evaluate(step.function, step.arguments);
  if (failed(results))
    return failure();
  step.results = std::move(*results);
  return step;
}

/// What an argument or a result is, whoever has it: its attributes, without
/// those that partitioning adds.
static std::string identify(DictionaryAttr attributes) {
  std::string text;
  for (StringRef name : {StringRef(nn::names::input), StringRef(nn::names::parameter),
                         StringRef(nn::names::state)})
    if (auto value = attributes ? attributes.getAs<StringAttr>(name) : StringAttr())
      text += (name + "=" + value.getValue()).str();
  for (StringRef name : {StringRef(nn::names::label), StringRef(nn::names::sampleWeight), StringRef(nn::names::lossWeight),
                         StringRef(nn::names::sampleIndex),
                         StringRef(nn::names::step), StringRef(nn::names::learningRate), StringRef(nn::names::loss),
                         StringRef(nn::names::correct)})
    if (attributes && attributes.contains(name))
      text += name.str();
  return text;
}

/// Rows from `firstRow` on, zeros behind the batch's end.
static Tensor rowsFrom(const Tensor &whole, ArrayRef<int64_t> localShape, int64_t firstRow) {
  Tensor local = zeros(localShape);
  size_t first = firstRow * (local.data.size() / localShape.front());
  for (size_t i = 0; i < local.data.size() && first + i < whole.data.size(); ++i)
    local.data[i] = whole.data[first + i];
  return local;
}

static void expectNear(const Tensor &want, const Tensor &got, const std::string &what) {
  ASSERT_EQ(want.shape, got.shape) << what;
  for (size_t i = 0; i < want.data.size(); ++i)
    ASSERT_NEAR(got.data[i], want.data[i], 1e-11 * (1 + std::abs(want.data[i])))
        << "element " << i << " of " << what;
}

/// What a rank has of a tensor that is whole elsewhere.
static Tensor shareOf(const Tensor &whole, ArrayAttr shares, ArrayRef<int64_t> shape, const Mesh &mesh, int64_t rank) {
  Tensor share = whole;
  for (auto attribute : shares.getAsRange<dist::ShareAttr>()) {
    unsigned axis = *mesh.axisNamed(attribute.getAxis());
    int64_t each = llvm::divideCeil(attribute.getSize(), mesh.axes[axis].size);
    // As [outer, size, inner]; of a piece the middle one is all there is.
    share.shape = {attribute.getOuter(), attribute.getSize(), attribute.getInner()};
    bool isPiece = attribute.getOuter() == 1 && attribute.getInner() == 1;
    share = isPiece ? partOf(share, {each}, std::nullopt, mesh.coordinate(rank, axis))
                    : partOf(share, {attribute.getOuter(), each, attribute.getInner()}, 1, mesh.coordinate(rank, axis));
  }
  share.shape.assign(shape.begin(), shape.end());
  return share;
}

void reference::expectSameStep(const WholeStep &whole, ModuleOp partitioned, StringRef phase) {
  func::FuncOp function = whole.function;
  auto mesh = Mesh::of(partitioned);
  ASSERT_TRUE(succeeded(mesh));
  std::map<std::string, unsigned> arguments, results;
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    ASSERT_TRUE(arguments.insert({identify(function.getArgAttrDict(i)), i}).second);
  for (unsigned i = 0; i < function.getNumResults(); ++i)
    ASSERT_TRUE(results.insert({identify(function.getResultAttrDict(i)), i}).second);

  // The ranks' shares of the batch lie one behind the other; they may be unequal.
  std::map<std::pair<StringRef, int64_t>, int64_t> rows; // axis, coordinate
  for (int64_t rank = 0; rank < mesh->ranks(); ++rank) {
    dist::TimelineOp timeline = timelineOf(partitioned, phase, *mesh, rank);
    ASSERT_TRUE(timeline) << "rank " << rank;
    for (auto [i, type] : llvm::enumerate(timeline.getArgumentTypes()))
      if (auto axis = timeline.getArgAttrOfType<StringAttr>(i, dist::names::shard))
        if (std::optional<unsigned> shared = mesh->axisNamed(axis))
          rows[{axis.getValue(), mesh->coordinate(rank, *shared)}] =
              cast<RankedTensorType>(type).getDimSize(0);
  }
  auto firstRow = [&](StringRef axis, int64_t coordinate) {
    int64_t first = 0;
    for (int64_t before = 0; before < coordinate; ++before)
      first += rows.at({axis, before});
    return first;
  };

  auto ofRanks = runAllRanks(
      partitioned, phase, [&](int64_t rank, dist::TimelineOp timeline, unsigned index) {
        const Tensor &argument =
            whole.arguments[arguments.at(identify(timeline.getArgAttrDict(index)))];
        if (auto shares = timeline.getArgAttrOfType<ArrayAttr>(index, dist::names::shares))
          return shareOf(argument, shares, cast<RankedTensorType>(timeline.getArgumentTypes()[index]).getShape(), *mesh, rank);
        auto axis = timeline.getArgAttrOfType<StringAttr>(index, dist::names::shard);
        if (!axis)
          return argument;
        auto type = cast<RankedTensorType>(timeline.getArgumentTypes()[index]);
        std::optional<unsigned> shared = mesh->axisNamed(axis);
        return rowsFrom(argument, type.getShape(),
                        shared ? firstRow(axis, mesh->coordinate(rank, *shared)) : 0);
      });
  ASSERT_TRUE(succeeded(ofRanks));

  std::map<std::string, const Tensor *> known;
  for (auto [rank, mine] : llvm::enumerate(*ofRanks)) {
    std::map<std::string, ArrayAttr> shares;
    for (unsigned i = 0; i < mine.timeline.getArgumentTypes().size(); ++i)
      if (auto held = mine.timeline.getArgAttrOfType<ArrayAttr>(i, dist::names::shares))
        shares[identify(mine.timeline.getArgAttrDict(i))] = held;
    for (auto [index, got] : llvm::enumerate(mine.results)) {
      std::string name = identify(mine.timeline.getResultAttrDict(index));
      std::string what = phase.str() + "'s " + name + " on rank " + std::to_string(rank);
      ASSERT_TRUE(results.count(name)) << what;
      if (shares.count(name)) {
        expectNear(shareOf(whole.results[results.at(name)], shares[name], got.shape, *mesh, rank), got, what);
        known.insert({name, &got});
        continue;
      }
      expectNear(whole.results[results.at(name)], got, what);
      auto [before, first] = known.insert({name, &got});
      EXPECT_TRUE(before->second->data == got.data) << what << " differs from another rank's";
    }
  }
  EXPECT_EQ(known.size(), results.size());
}
