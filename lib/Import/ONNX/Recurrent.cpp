// RNN, GRU and LSTM: what does not depend on the step before is one product over the whole sequence. The rest of an LSTM is nn.lstm; of what
// that has not, and of RNN and GRU, the loop over the steps is written out, since every sequence has the same known length.
#include "Operators.h"

#include "dialects/NN/NNRecurrent.h"

#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

namespace {

using Activation = FailureOr<Value> (*)(Node &, Value);

template <typename Op>
FailureOr<Value> apply(Node &node, Value x) {
  return node.create<Op>(x);
}

/// Those without parameters of their own.
Activation activationNamed(StringRef name) {
  return llvm::StringSwitch<Activation>(name)
      .CaseLower("sigmoid", apply<nn::SigmoidOp>)
      .CaseLower("tanh", apply<nn::TanhOp>)
      .CaseLower("relu", apply<nn::ReluOp>)
      .CaseLower("softplus", apply<nn::SoftplusOp>)
      .Default(nullptr);
}

/// A product x w' of [..., from] and [to, from].
FailureOr<Value> times(Node &node, Value x, Value weight) {
  MLIRContext *context = x.getContext();
  return node.create<nn::MatmulOp>({x, weight}, {node.unit("transpose_b"),
                                                 {StringAttr::get(context, nn::MatmulOp::getOperandSegmentSizeAttr()),
                                                  DenseI32ArrayAttr::get(context, {1, 1, 0, 0})}});
}

template <typename Op>
FailureOr<Value> combine(Node &node, FailureOr<Value> a, FailureOr<Value> b) {
  if (failed(a) || failed(b))
    return failure();
  return node.create<Op>({*a, *b});
}
FailureOr<Value> add(Node &node, FailureOr<Value> a, FailureOr<Value> b) { return combine<nn::AddOp>(node, a, b); }
FailureOr<Value> multiply(Node &node, FailureOr<Value> a, FailureOr<Value> b) { return combine<nn::MulOp>(node, a, b); }

/// One direction of a recurrent layer: tensors without the dimension of directions, null if not given.
struct Direction {
  /// [gates * hidden, input], [gates * hidden, hidden], [gates * hidden] each.
  Value inputWeight, recurrentWeight, inputBias, recurrentBias;
  /// [3 * hidden] of an LSTM: of the input, output and forget gate.
  Value peepholes;
  SmallVector<Activation> activations;
  int64_t hidden;
};

/// What one step hands to the next: of an LSTM h and c, else h, [batch, hidden].
using State = SmallVector<Value, 2>;

/// One step: `gates` is what the input gives all gates, [batch, gates * hidden], the input's bias included.
using Step = FailureOr<State> (*)(Node &, const Direction &, Value gates, const State &);

/// Gate number `i` of [.., gates * hidden].
FailureOr<Value> gate(Node &node, const Direction &of, FailureOr<Value> all, int64_t i) {
  if (failed(all))
    return failure();
  return node.slice(*all, shapeOf(*all).size() - 1, i * of.hidden, of.hidden);
}

FailureOr<Value> activate(Node &node, const Direction &of, unsigned i, FailureOr<Value> x) {
  return failed(x) ? x : of.activations[i](node, *x);
}

/// h R' + Rb
FailureOr<Value> recur(Node &node, const Direction &of, Value h) {
  FailureOr<Value> product = times(node, h, of.recurrentWeight);
  return of.recurrentBias ? add(node, product, of.recurrentBias) : product;
}

FailureOr<State> stepRNN(Node &node, const Direction &of, Value gates, const State &before) {
  FailureOr<Value> h = activate(node, of, 0, add(node, gates, recur(node, of, before[0])));
  return failed(h) ? FailureOr<State>() : State{*h};
}

/// Gates are z, r, h; torch.nn.GRU is the form with linear_before_reset.
template <bool linearBeforeReset>
FailureOr<State> stepGRU(Node &node, const Direction &of, Value gates, const State &before) {
  Value h = before[0];
  FailureOr<Value> z, r, candidate;
  if constexpr (linearBeforeReset) {
    FailureOr<Value> recurrent = recur(node, of, h);
    z = activate(node, of, 0, add(node, gate(node, of, gates, 0), gate(node, of, recurrent, 0)));
    r = activate(node, of, 0, add(node, gate(node, of, gates, 1), gate(node, of, recurrent, 1)));
    candidate = add(node, gate(node, of, gates, 2), multiply(node, r, gate(node, of, recurrent, 2)));
  } else {
    auto part = [&](Value x, int64_t gate) -> FailureOr<Value> {
      FailureOr<Value> weight = node.slice(of.recurrentWeight, 0, gate * of.hidden, of.hidden);
      FailureOr<Value> product = failed(weight) ? weight : times(node, x, *weight);
      return of.recurrentBias ? add(node, product, node.slice(of.recurrentBias, 0, gate * of.hidden, of.hidden)) : product;
    };
    z = activate(node, of, 0, add(node, gate(node, of, gates, 0), part(h, 0)));
    r = activate(node, of, 0, add(node, gate(node, of, gates, 1), part(h, 1)));
    FailureOr<Value> reset = multiply(node, r, h);
    candidate = failed(reset) ? reset : add(node, gate(node, of, gates, 2), part(*reset, 2));
  }
  candidate = activate(node, of, 1, candidate);
  // (1 - z) candidate + z h = candidate + z (h - candidate)
  FailureOr<Value> next = add(node, candidate, multiply(node, z, combine<nn::SubOp>(node, h, candidate)));
  return failed(next) ? FailureOr<State>() : State{*next};
}

/// Gates are i, o, f, c.
FailureOr<State> stepLSTM(Node &node, const Direction &of, Value gates, const State &before) {
  Value h = before[0], c = before[1];
  FailureOr<Value> all = add(node, gates, recur(node, of, h));
  auto gateWith = [&](int64_t number, int64_t peephole, Value cell) {
    FailureOr<Value> x = gate(node, of, all, number);
    if (of.peepholes)
      x = add(node, x, multiply(node, node.slice(of.peepholes, 0, peephole * of.hidden, of.hidden), cell));
    return activate(node, of, 0, x);
  };
  FailureOr<Value> kept = multiply(node, gateWith(2, 2, c), c);
  FailureOr<Value> taken = multiply(node, gateWith(0, 0, c), activate(node, of, 1, gate(node, of, all, 3)));
  FailureOr<Value> cell = add(node, kept, taken);
  if (failed(cell))
    return failure();
  FailureOr<Value> next = multiply(node, gateWith(1, 1, *cell), activate(node, of, 2, *cell));
  return failed(next) ? FailureOr<State>() : State{*next, *cell};
}

/// What differs between the three operators.
struct Layer {
  int64_t gates;
  unsigned states;
  SmallVector<StringRef> activations;
  Step step;
};

/// x as [steps, batch, features], whichever way it lies.
FailureOr<Value> stepsFirst(Node &node, Value x, bool batchFirst) {
  return batchFirst ? node.create<nn::TransposeOp>(x, node.list("permutation", {1, 0, 2})) : FailureOr<Value>(x);
}

/// Element i of the first dimension.
FailureOr<Value> element(Node &node, Value x, int64_t i) {
  FailureOr<Value> row = node.slice(x, 0, i, 1);
  return failed(row) ? row : node.reshape(*row, shapeOf(x).drop_front());
}

/// Puts tensors of one shape one behind the other along a new dimension.
FailureOr<Value> stack(Node &node, ArrayRef<Value> parts, int64_t axis) {
  SmallVector<Value> rows;
  for (Value part : parts) {
    SmallVector<int64_t> shape(shapeOf(part));
    shape.insert(shape.begin() + axis, 1);
    FailureOr<Value> row = node.reshape(part, shape);
    if (failed(row))
      return failure();
    rows.push_back(*row);
  }
  return rows.size() == 1 ? FailureOr<Value>(rows.front()) : node.create<nn::ConcatOp>(rows, node.number("axis", axis));
}

class Importer {
public:
  Importer(Node &node, const Layer &layer) : node(node), layer(layer) {}
  FailureOr<Binding> run();

private:
  LogicalResult readOperands();
  FailureOr<Direction> readDirection(int64_t number);
  FailureOr<State> initialState(int64_t number);
  /// h of every step in the order of the sequence, [steps, batch, hidden], and the state behind the last step.
  FailureOr<Value> runDirection(int64_t number, bool isReverse, State &last);
  /// The same of what the input gives all gates of every step: by one op, and step by step.
  FailureOr<Value> runLSTM(const Direction &direction, Value gates, const State &initial, bool isReverse, State &last);
  FailureOr<Value> runSteps(const Direction &direction, Value gates, const State &initial, bool isReverse, State &last);
  FailureOr<Value> stackStates(ArrayRef<State> states, unsigned which);

  Node &node;
  const Layer &layer;
  bool batchFirst = false;
  int64_t hidden = 0, directions = 1, steps = 0, batch = 0;
  SmallVector<StringRef> activations;
  Value x;
};

} // namespace

LogicalResult Importer::readOperands() {
  x = node.tensor(0);
  Value weight = node.tensor(1), recurrent = node.tensor(2);
  hidden = node.requiredInteger("hidden_size");
  batchFirst = node.opset() >= 14 && node.flag("layout", false);
  StringRef direction = node.string("direction", "forward");
  auto names = node.attribute("activations", ::onnx::AttributeProto::STRINGS);
  if (node.failed())
    return failure();
  for (StringRef unsupported : {"clip", "activation_alpha", "activation_beta"})
    if (node.hasAttribute(unsupported))
      return node.error() << "attribute '" << unsupported << "' is not supported";
  if (direction != "forward" && direction != "reverse" && direction != "bidirectional")
    return node.error() << "attribute 'direction' is none of forward, reverse and bidirectional";
  directions = direction == "bidirectional" ? 2 : 1;
  if (hidden < 1 || hidden > (1 << 24))
    return node.error() << "hidden_size " << hidden << " is not from 1 to 2^24";
  if (shapeOf(x).size() != 3)
    return node.error() << "the input of shape " << nn::formatShape(shapeOf(x)) << " must have three dimensions: steps, batch, features";
  FailureOr<Value> sequence = stepsFirst(node, x, batchFirst);
  if (failed(sequence))
    return failure();
  x = *sequence;
  steps = shapeOf(x)[0];
  batch = shapeOf(x)[1];
  int64_t rows = layer.gates * hidden;
  if (shapeOf(weight) != ArrayRef<int64_t>{directions, rows, shapeOf(x)[2]} || shapeOf(recurrent) != ArrayRef<int64_t>{directions, rows, hidden})
    return node.error() << "weights of shapes " << nn::formatShape(shapeOf(weight)) << " and " << nn::formatShape(shapeOf(recurrent))
                        << " are not those of " << directions << (directions == 1 ? " direction" : " directions") << " with " << hidden
                        << " hidden features for " << shapeOf(x)[2] << " input features";
  if (node.hasInput(3) && shapeOf(node.tensor(3)) != ArrayRef<int64_t>{directions, 2 * rows})
    return node.error() << "bias of shape " << nn::formatShape(shapeOf(node.tensor(3))) << " is not [" << directions << ", " << 2 * rows << "]";
  if (node.hasInput(4)) {
    // Only the lengths that change nothing: a step behind a sequence's end would have to leave its state alone.
    DenseElementsAttr lengths = node.constant(4);
    if (!lengths || !lengths.getElementType().isInteger() ||
        llvm::any_of(lengths.getValues<APInt>(), [&](const APInt &length) { return length.getSExtValue() != steps; }))
      return node.failed() ? failure() : node.error() << "sequences shorter than the input are not supported";
  }
  if (names)
    for (const std::string &name : names->strings())
      activations.push_back(name);
  else
    for (int64_t d = 0; d < directions; ++d)
      llvm::append_range(activations, layer.activations);
  if (activations.size() != layer.activations.size() * directions)
    return node.error() << "has " << activations.size() << " activations, not " << layer.activations.size() * directions;
  return success();
}

FailureOr<Direction> Importer::readDirection(int64_t number) {
  Direction direction;
  direction.hidden = hidden;
  bool isWhole = true;
  auto read = [&](unsigned input) -> Value {
    FailureOr<Value> part = element(node, node.tensor(input), number);
    isWhole &= succeeded(part);
    return succeeded(part) ? *part : Value();
  };
  direction.inputWeight = read(1);
  direction.recurrentWeight = read(2);
  if (Value bias = node.hasInput(3) ? read(3) : Value()) {
    int64_t rows = layer.gates * hidden;
    FailureOr<Value> ofInput = node.slice(bias, 0, 0, rows), ofRecurrence = node.slice(bias, 0, rows, rows);
    if (failed(ofInput) || failed(ofRecurrence))
      return failure();
    direction.inputBias = *ofInput;
    // Trained as well, the two would move their sum twice as far.
    direction.recurrentBias = node.isInputBias(3) ? Value() : *ofRecurrence;
  }
  if (layer.states == 2 && node.hasInput(7)) {
    if (shapeOf(node.tensor(7)) != ArrayRef<int64_t>{directions, 3 * hidden})
      return node.error() << "peepholes of shape " << nn::formatShape(shapeOf(node.tensor(7))) << " are not [" << directions << ", " << 3 * hidden << "]";
    direction.peepholes = read(7);
  }
  size_t count = layer.activations.size();
  for (StringRef name : ArrayRef(activations).slice(number * count, count)) {
    Activation activation = activationNamed(name);
    if (!activation)
      return node.error() << "activation " << quoted(name) << " is not supported";
    direction.activations.push_back(activation);
  }
  if (!isWhole)
    return failure();
  return direction;
}

FailureOr<State> Importer::initialState(int64_t number) {
  State state;
  for (unsigned i = 0; i < layer.states; ++i) {
    if (!node.hasInput(5 + i)) {
      FailureOr<Value> zeros = node.broadcast(node.scalar(0), {batch, hidden});
      if (failed(zeros))
        return failure();
      state.push_back(*zeros);
      continue;
    }
    FailureOr<Value> given = stepsFirst(node, node.tensor(5 + i), batchFirst);
    if (failed(given))
      return failure();
    if (shapeOf(*given) != ArrayRef<int64_t>{directions, batch, hidden})
      return node.error() << "an initial state of shape " << nn::formatShape(shapeOf(*given)) << " is not one of " << directions << " x " << batch
                          << " x " << hidden;
    given = element(node, *given, number);
    if (failed(given))
      return failure();
    state.push_back(*given);
  }
  return state;
}

/// Whether nn.lstm is this layer's step.
static bool isPlainLSTM(const Layer &layer, const Direction &direction) {
  return layer.step == stepLSTM && !direction.peepholes &&
         direction.activations == SmallVector<Activation>{activationNamed("Sigmoid"), activationNamed("Tanh"), activationNamed("Tanh")};
}

FailureOr<Value> Importer::runLSTM(const Direction &direction, Value gates, const State &initial, bool isReverse, State &last) {
  FailureOr<Value> summed = direction.recurrentBias ? add(node, gates, direction.recurrentBias) : FailureOr<Value>(gates);
  if (failed(summed))
    return failure();
  SmallVector<NamedAttribute> attributes;
  if (isReverse)
    attributes.push_back(node.unit("reverse"));
  FailureOr<Value> h = node.create<nn::LstmOp>({*summed, direction.recurrentWeight, initial[0], initial[1]}, attributes);
  if (failed(h))
    return failure();
  auto lstm = h->getDefiningOp<nn::LstmOp>();
  for (Value states : {lstm.getH(), lstm.getC()}) {
    FailureOr<Value> state = element(node, states, isReverse ? 0 : steps - 1);
    if (failed(state))
      return failure();
    last.push_back(*state);
  }
  return h;
}

FailureOr<Value> Importer::runSteps(const Direction &direction, Value gates, const State &initial, bool isReverse, State &last) {
  constexpr int64_t most = 4096;
  if (steps > most)
    return node.error() << "has " << steps << " steps; at most " << most << " are written out";
  SmallVector<Value> outputs(steps);
  last = initial;
  for (int64_t i = 0; i < steps; ++i) {
    int64_t at = isReverse ? steps - 1 - i : i;
    FailureOr<Value> ofStep = element(node, gates, at);
    if (failed(ofStep))
      return failure();
    FailureOr<State> state = layer.step(node, direction, *ofStep, last);
    if (failed(state))
      return failure();
    last = *state;
    outputs[at] = last.front();
  }
  return stack(node, outputs, 0);
}

FailureOr<Value> Importer::runDirection(int64_t number, bool isReverse, State &last) {
  FailureOr<Direction> direction = readDirection(number);
  if (failed(direction))
    return failure();
  FailureOr<State> state = initialState(number);
  if (failed(state))
    return failure();
  // Steps stay a dimension of their own: rows of one batch are shared out together.
  FailureOr<Value> gates = times(node, x, direction->inputWeight);
  if (direction->inputBias)
    gates = add(node, gates, direction->inputBias);
  if (failed(gates))
    return failure();
  return isPlainLSTM(layer, *direction) ? runLSTM(*direction, *gates, *state, isReverse, last) : runSteps(*direction, *gates, *state, isReverse, last);
}

/// [directions, batch, hidden], or the batch first.
FailureOr<Value> Importer::stackStates(ArrayRef<State> states, unsigned which) {
  return stack(node, llvm::map_to_vector(states, [&](const State &state) { return state[which]; }), batchFirst ? 1 : 0);
}

FailureOr<Binding> Importer::run() {
  if (failed(readOperands()))
    return failure();
  SmallVector<Value, 2> outputs;
  SmallVector<State, 2> last(directions);
  bool isReverse = node.string("direction", "forward") == "reverse";
  for (int64_t d = 0; d < directions; ++d) {
    FailureOr<Value> states = runDirection(d, isReverse || d == 1, last[d]);
    if (failed(states))
      return failure();
    outputs.push_back(*states);
  }
  for (unsigned i = 0; i < layer.states; ++i)
    if (node.usesOutput(1 + i)) {
      FailureOr<Value> states = stackStates(last, i);
      if (failed(states))
        return failure();
      node.give(1 + i, *states);
    }
  // [steps, directions, batch, hidden], or [batch, steps, directions, hidden].
  FailureOr<Value> all = stack(node, outputs, 1);
  return failed(all) || !batchFirst ? all : node.create<nn::TransposeOp>(*all, node.list("permutation", {2, 0, 1, 3}));
}

static FailureOr<Binding> importRNN(Node &node) { return Importer(node, {1, 1, {"Tanh"}, stepRNN}).run(); }

static FailureOr<Binding> importGRU(Node &node) {
  bool linearBeforeReset = node.flag("linear_before_reset", false);
  return Importer(node, {3, 1, {"Sigmoid", "Tanh"}, linearBeforeReset ? stepGRU<true> : stepGRU<false>}).run();
}

static FailureOr<Binding> importLSTM(Node &node) {
  if (node.integer("input_forget", 0) != 0)
    return node.error() << "input and forget gates that are coupled are not supported";
  return Importer(node, {4, 2, {"Sigmoid", "Tanh", "Tanh"}, stepLSTM}).run();
}

void dtc::onnximport::addRecurrentOperators(OperatorTable &table) {
  const char *becomes = "one `nn.matmul` over the sequence, then products and elementwise ops step by step";
  const char *lstm = "one `nn.matmul` over the sequence, then `nn.lstm`; with peepholes or other activations step by step";
  table.add({{"RNN", 7, 3, 6, 2, importRNN, becomes},
             {"RNN", 14, 3, 6, 2, importRNN, becomes},
             {"GRU", 7, 3, 6, 2, importGRU, becomes},
             {"GRU", 14, 3, 6, 2, importGRU, becomes},
             {"LSTM", 7, 3, 8, 3, importLSTM, lstm},
             {"LSTM", 14, 3, 8, 3, importLSTM, lstm}});
}
