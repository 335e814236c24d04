// Recurrent layers as their definition reads, a sample and a unit at a time; gradients by the chain rule backwards through the steps.
#include "test/Reference/Rules.h"

#include "dialects/NN/NNRecurrent.h"

#include <cmath>

using namespace mlir;
using namespace dtc;
using namespace dtc::reference;

namespace {
enum Gate { Input, Output, Forget, Cell };

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

/// Where the elements of an LSTM's tensors lie.
struct Places {
  int64_t steps, samples, hidden;
  bool reverse;

  explicit Places(ArrayRef<int64_t> states, bool reverse) : steps(states[0]), samples(states[1]), hidden(states[2]), reverse(reverse) {}
  int64_t state(int64_t t, int64_t n, int64_t k) const { return (t * samples + n) * hidden + k; }
  int64_t gate(int64_t t, int64_t n, int64_t gate, int64_t k) const { return ((t * samples + n) * 4 + gate) * hidden + k; }
  int64_t weight(int64_t gate, int64_t k, int64_t from) const { return (gate * hidden + k) * hidden + from; }
  /// The step computed as number `i`, and what `all` and `initial` say of the one before it.
  int64_t step(int64_t i) const { return reverse ? steps - 1 - i : i; }
  double before(const Tensor &all, const Tensor &initial, int64_t i, int64_t n, int64_t k) const {
    return i == 0 ? initial.data[n * hidden + k] : all.data[state(step(i - 1), n, k)];
  }
};
} // namespace

static LogicalResult lstm(Operation *op, Operands operands, Results results) {
  const Tensor &gates = *operands[0], &r = *operands[1], &h0 = *operands[2], &c0 = *operands[3];
  Tensor &h = results[0], &c = results[1], &activated = results[2];
  Places at(h.shape, cast<nn::LstmOp>(op).getReverse());
  for (int64_t i = 0; i < at.steps; ++i)
    for (int64_t n = 0; n < at.samples; ++n)
      for (int64_t k = 0; k < at.hidden; ++k) {
        int64_t t = at.step(i);
        double value[4];
        for (int64_t gate : {Input, Output, Forget, Cell}) {
          double sum = gates.data[at.gate(t, n, gate, k)];
          for (int64_t from = 0; from < at.hidden; ++from)
            sum += at.before(h, h0, i, n, from) * r.data[at.weight(gate, k, from)];
          value[gate] = activated.data[at.gate(t, n, gate, k)] = gate == Cell ? std::tanh(sum) : sigmoid(sum);
        }
        double cell = c.data[at.state(t, n, k)] = value[Forget] * at.before(c, c0, i, n, k) + value[Input] * value[Cell];
        h.data[at.state(t, n, k)] = value[Output] * std::tanh(cell);
      }
  return success();
}

static LogicalResult lstmGradient(Operation *op, Operands operands, Results results) {
  const Tensor &dh = *operands[0], &r = *operands[1], &h0 = *operands[2], &c0 = *operands[3], &h = *operands[4], &c = *operands[5],
               &activated = *operands[6];
  const Tensor *dc = operands.size() > 7 ? operands[7] : nullptr;
  Tensor &dgates = results[0], &dr = results[1], &dh0 = results[2], &dc0 = results[3];
  Places at(h.shape, cast<nn::LstmGradientOp>(op).getReverse());
  for (int64_t n = 0; n < at.samples; ++n) {
    std::vector<double> ofH(at.hidden, 0.0), ofC(at.hidden, 0.0);
    for (int64_t i = at.steps - 1; i >= 0; --i) {
      int64_t t = at.step(i);
      std::vector<double> earlier(at.hidden, 0.0);
      for (int64_t k = 0; k < at.hidden; ++k) {
        auto value = [&](Gate gate) { return activated.data[at.gate(t, n, gate, k)]; };
        double slope = ofH[k] + dh.data[at.state(t, n, k)], bend = std::tanh(c.data[at.state(t, n, k)]);
        double cell = ofC[k] + (dc ? dc->data[at.state(t, n, k)] : 0) + slope * value(Output) * (1 - bend * bend);
        double ofGate[4];
        ofGate[Input] = cell * value(Cell) * value(Input) * (1 - value(Input));
        ofGate[Output] = slope * bend * value(Output) * (1 - value(Output));
        ofGate[Forget] = cell * at.before(c, c0, i, n, k) * value(Forget) * (1 - value(Forget));
        ofGate[Cell] = cell * value(Input) * (1 - value(Cell) * value(Cell));
        ofC[k] = cell * value(Forget);
        for (int64_t gate : {Input, Output, Forget, Cell}) {
          dgates.data[at.gate(t, n, gate, k)] = ofGate[gate];
          for (int64_t from = 0; from < at.hidden; ++from) {
            earlier[from] += ofGate[gate] * r.data[at.weight(gate, k, from)];
            dr.data[at.weight(gate, k, from)] += ofGate[gate] * at.before(h, h0, i, n, from);
          }
        }
      }
      ofH = earlier;
    }
    for (int64_t k = 0; k < at.hidden; ++k) {
      dh0.data[n * at.hidden + k] = ofH[k];
      dc0.data[n * at.hidden + k] = ofC[k];
    }
  }
  return success();
}

void reference::addRecurrentRules(Rules &rules) {
  rules["nn.lstm"] = lstm;
  rules["nn.lstm_gradient"] = lstmGradient;
}
