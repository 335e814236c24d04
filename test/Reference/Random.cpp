// Dropout as its definition reads: the words of a counter for each element, under seed 0. In a model, as in an evaluation, it is nothing.
#include "test/Reference/Rules.h"

#include <array>
#include <cmath>

using namespace mlir;
using namespace dtc;
using namespace dtc::reference;

/// Philox4x32-10: ten rounds, between which the key grows by the golden ratio and by sqrt(3) - 1.
static std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    uint64_t first = uint64_t{0xD2511F53} * counter[0], second = uint64_t{0xCD9E8D57} * counter[2];
    counter = {uint32_t(second >> 32) ^ counter[1] ^ key[0], uint32_t(second), uint32_t(first >> 32) ^ counter[3] ^ key[1], uint32_t(first)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

static LogicalResult dropout(Operation *, Operands operands, Results results) {
  results[0].data = operands[0]->data;
  return success();
}

static LogicalResult training(Operation *op, Operands operands, Results results) {
  auto dropout = cast<nn::DropoutTrainingOp>(op);
  const Tensor &x = *operands[0];
  double ratio = dropout.getRatio().convertToDouble();
  int64_t step = std::llround(operands[1]->data[0]), outer = dropout.getOuter(), size = x.data.size();
  int64_t samples = operands.size() > 2 ? operands[2]->data.size() : 1, inner = size / (outer * samples);
  for (int64_t flat = 0; flat < size; ++flat) {
    int64_t n = flat / inner % samples, offset = flat / (inner * samples) * inner + flat % inner;
    int64_t sample = operands.size() > 2 ? std::llround(operands[2]->data[n]) : 0;
    std::array<uint32_t, 4> words = philox({uint32_t(offset / 4), uint32_t(sample), uint32_t(step), uint32_t(dropout.getStream())},
                                           {0x64726F70, uint32_t(uint64_t(step) >> 32)});
    if (words[offset % 4] >= ratio * 4294967296.0)
      results[0].data[flat] = x.data[flat] / (1 - ratio);
  }
  return success();
}

/// It stands in models that are recognised before anything is computed.
static LogicalResult uniform(Operation *op, Operands, Results) { return op->emitOpError("has no values before dtc-recognise-dropout"); }

void reference::addRandomRules(Rules &rules) {
  rules["nn.dropout"] = dropout;
  rules["nn.random_uniform"] = uniform;
  rules["nn.dropout_training"] = training;
}
