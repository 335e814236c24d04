// Activations.
#include "ElementwiseOps.h"
#include "Operators.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

template <typename Op>
static FailureOr<Binding> importPlain(Node &node) {
  return given(make<Op>(node, operand(node, 0, Kind::Floats)));
}

template <typename Op>
static FailureOr<Binding> importWithAlpha(Node &node, double otherwise) {
  Value x = operand(node, 0, Kind::Floats);
  double alpha = node.floating("alpha", otherwise);
  return given(make<Op>(node, x, node.real("alpha", alpha)));
}

static FailureOr<Binding> importLeakyRelu(Node &node) {
  return importWithAlpha<nn::LeakyReluOp>(node, 0.01f);
}

static FailureOr<Binding> importElu(Node &node) {
  return importWithAlpha<nn::EluOp>(node, 1);
}

/// x where it is positive, else alpha (e^(x / alpha) - 1).
static FailureOr<Binding> importCelu(Node &node) {
  Value x = operand(node, 0, Kind::Floats);
  double alpha = node.floating("alpha", 1);
  if (node.failed())
    return failure();
  if (!(alpha > 0))
    return node.error() << "attribute 'alpha' must be positive, not " << alpha;
  if (alpha == 1)
    return given(make<nn::EluOp>(node, x, node.real("alpha", 1)));
  Value scaled = make<nn::DivOp>(node, {x, numberLike(node, x, alpha)});
  Value negative = make<nn::EluOp>(node, scaled, node.real("alpha", alpha));
  return given(make<nn::WherePositiveOp>(node, {x, x, negative}));
}

static FailureOr<Binding> importSelu(Node &node) {
  Value x = operand(node, 0, Kind::Floats);
  double alpha = node.floating("alpha", 1.67326319217681884765625), gamma = node.floating("gamma", 1.05070102214813232421875);
  if (node.failed())
    return failure();
  Value elu = make<nn::EluOp>(node, x, node.real("alpha", alpha));
  return given(make<nn::MulOp>(node, {elu, numberLike(node, x, gamma)}));
}

static FailureOr<Binding> importGelu(Node &node) {
  Value x = operand(node, 0, Kind::Floats);
  StringRef approximate = node.string("approximate", "none");
  if (node.failed())
    return failure();
  if (approximate != "none" && approximate != "tanh")
    return node.error() << "attribute 'approximate' is 'none' or 'tanh', not '" << approximate << "'";
  SmallVector<NamedAttribute, 1> attributes;
  if (approximate == "tanh")
    attributes.push_back(node.unit("approximate"));
  return given(make<nn::GeluOp>(node, x, attributes));
}

static FailureOr<Binding> importHardSigmoid(Node &node) {
  Value x = operand(node, 0, Kind::Floats);
  double alpha = node.floating("alpha", 0.2f), beta = node.floating("beta", 0.5);
  return given(make<nn::HardSigmoidOp>(node, x, {node.real("alpha", alpha), node.real("beta", beta)}));
}

/// The slope broadcasts to x, not x to it.
static FailureOr<Binding> importPRelu(Node &node) {
  Value x = operand(node, 0, Kind::Floats), slope = operand(node, 1, Kind::Floats);
  Value scaled = make<nn::MulOp>(node, {x, slope});
  if (!scaled)
    return failure();
  if (shapeOf(scaled) != shapeOf(x))
    return node.error() << "the slope " << slope.getType() << " cannot be broadcast to " << x.getType();
  return given(make<nn::WherePositiveOp>(node, {x, x, scaled}));
}

static FailureOr<Binding> importThresholdedRelu(Node &node) {
  Value x = operand(node, 0, Kind::Floats);
  double alpha = node.floating("alpha", 1);
  if (node.failed())
    return failure();
  Value above = make<nn::GreaterOp>(node, {x, numberLike(node, x, alpha)});
  return given(make<nn::WhereOp>(node, {above, x, numberLike(node, x, 0)}));
}

/// 0 from -lambd to lambd; outside, x moved towards 0 by the bias.
static FailureOr<Binding> importShrink(Node &node) {
  Value x = operand(node, 0, Kind::Floats);
  double bias = node.floating("bias", 0), lambd = node.floating("lambd", 0.5);
  if (node.failed())
    return failure();
  Value below = make<nn::LessOp>(node, {x, numberLike(node, x, -lambd)}), above = make<nn::GreaterOp>(node, {x, numberLike(node, x, lambd)});
  Value raised = x, lowered = x;
  if (bias != 0) {
    raised = make<nn::AddOp>(node, {x, numberLike(node, x, bias)});
    lowered = make<nn::SubOp>(node, {x, numberLike(node, x, bias)});
  }
  return given(make<nn::WhereOp>(node, {below, raised, make<nn::WhereOp>(node, {above, lowered, numberLike(node, x, 0)})}));
}

static FailureOr<Binding> importSoftsign(Node &node) {
  Value x = operand(node, 0, Kind::Floats);
  if (!x)
    return failure();
  return given(make<nn::DivOp>(node, {x, make<nn::AddOp>(node, {make<nn::AbsOp>(node, x), numberLike(node, x, 1)})}));
}

static FailureOr<Binding> importSwish(Node &node) {
  Value x = operand(node, 0, Kind::Floats);
  double alpha = node.floating("alpha", 1);
  if (node.failed())
    return failure();
  if (alpha == 1)
    return given(make<nn::SiluOp>(node, x));
  Value scaled = make<nn::MulOp>(node, {x, numberLike(node, x, alpha)});
  return given(make<nn::MulOp>(node, {x, make<nn::SigmoidOp>(node, scaled)}));
}

void dtc::onnximport::addActivationOperators(OperatorTable &table) {
  table.add({
      {"Relu", 13, 1, 1, 1, importPlain<nn::ReluOp>, "`nn.relu`"},
      {"LeakyRelu", 6, 1, 1, 1, importLeakyRelu, "`nn.leaky_relu`"},
      {"PRelu", 9, 2, 2, 1, importPRelu, "`nn.mul`, `nn.where_positive`"},
      {"ThresholdedRelu", 10, 1, 1, 1, importThresholdedRelu, "`nn.greater`, `nn.where`"},
      {"Elu", 6, 1, 1, 1, importElu, "`nn.elu`"},
      {"Celu", 12, 1, 1, 1, importCelu, "`nn.elu`; unless `alpha` is 1, of x / `alpha`, behind `nn.where_positive`"},
      {"Selu", 6, 1, 1, 1, importSelu, "`nn.elu`, `nn.mul`"},
      {"Gelu", 20, 1, 1, 1, importGelu, "`nn.gelu`"},
      {"Sigmoid", 13, 1, 1, 1, importPlain<nn::SigmoidOp>, "`nn.sigmoid`"},
      {"HardSigmoid", 6, 1, 1, 1, importHardSigmoid, "`nn.hard_sigmoid`"},
      {"HardSwish", 14, 1, 1, 1, importPlain<nn::HardSwishOp>, "`nn.hard_swish`"},
      {"Swish", 24, 1, 1, 1, importSwish, "`nn.silu`; `nn.sigmoid` and `nn.mul` unless `alpha` is 1"},
      {"Mish", 18, 1, 1, 1, importPlain<nn::MishOp>, "`nn.mish`"},
      {"Softplus", 1, 1, 1, 1, importPlain<nn::SoftplusOp>, "`nn.softplus`"},
      {"Softsign", 1, 1, 1, 1, importSoftsign, "`nn.abs`, `nn.add`, `nn.div`"},
      {"Shrink", 9, 1, 1, 1, importShrink, "`nn.less`, `nn.greater`, `nn.where`"},
  });
}
