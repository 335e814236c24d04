// Losses of class ids as operators of a graph: NegativeLogLikelihoodLoss, SoftmaxCrossEntropyLoss.
#include "Indexing.h"
#include "Operators.h"

#include "dialects/NN/NN.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

namespace {
/// Makes values one after the other; once one has failed, nothing more is made.
class Chain {
public:
  explicit Chain(Node &node) : node(node) {}
  template <typename Op> Value make(ValueRange operands, ArrayRef<NamedAttribute> attributes = {}) {
    return llvm::all_of(operands, [](Value operand) { return bool(operand); }) ? keep(node.create<Op>(operands, attributes)) : Value();
  }
  Value reshape(Value x, ArrayRef<int64_t> shape) { return x ? keep(node.reshape(x, shape)) : Value(); }
  Value keep(FailureOr<Value> value) { return failed(value) ? Value() : *value; }

private:
  Node &node;
};
} // namespace

/// The loss of log-probabilities [N, C, d…] against labels [N, d…]: what is wanted of -w[label] log p[label], which is 0 of labels that are ignored.
static FailureOr<Value> likelihoodLoss(Node &node, Value logs, Value labels, Value weights) {
  StringRef reduction = node.string("reduction", "mean");
  bool hasIgnored = node.hasAttribute("ignore_index");
  int64_t ignored = hasIgnored ? node.integer("ignore_index", 0) : 0;
  if (node.failed())
    return failure();
  if (reduction != "none" && reduction != "sum" && reduction != "mean")
    return node.error() << "reduction " << quoted(reduction) << " is not none, sum or mean";
  SmallVector<int64_t> expected(shapeOf(logs));
  if (expected.size() < 2)
    return node.error() << "scores of shape " << nn::formatShape(expected) << " have no classes in dimension 1";
  int64_t classes = expected[1];
  expected.erase(expected.begin() + 1);
  if (!isInteger(labels) || shapeOf(labels) != ArrayRef(expected))
    return node.error() << "labels must be integers of shape " << nn::formatShape(expected);
  if (weights && shapeOf(weights) != ArrayRef<int64_t>{classes})
    return node.error() << "weights must be one for each of the " << classes << " classes";
  Chain chain(node);
  Value isIgnored, chosen = labels;
  if (hasIgnored) {
    isIgnored = chain.make<nn::EqualOp>({labels, number(node, labels, ignored)});
    chosen = chain.make<nn::WhereOp>({isIgnored, number(node, labels, 0), labels});
  }
  // Where the class is the label: of each sample alone, so that samples can lie on different ranks.
  SmallVector<int64_t> column(expected);
  column.insert(column.begin() + 1, 1);
  Value classAt = chain.reshape(chosen, column);
  Value along = classAt ? chain.keep(ramp(node, labels, classes, 1, 1, column.size())) : Value();
  Value isLabel = along ? chain.make<nn::EqualOp>({classAt, along}) : Value();
  Value taken = chain.make<nn::WhereOp>({isLabel, logs, node.scalar(0)});
  Value loss = chain.make<nn::NegOp>(chain.make<nn::ReduceSumOp>(taken, node.list("axes", 1)));
  // What each label counts. Gather refuses, when the program runs, one that is no class.
  if (!weights)
    weights = chain.keep(node.broadcast(node.scalar(1), {classes}));
  Value counts = weights && chosen ? chain.make<nn::GatherOp>({weights, chosen}, node.number("axis", 0)) : Value();
  if (hasIgnored)
    counts = chain.make<nn::WhereOp>({isIgnored, node.scalar(0), counts});
  loss = chain.make<nn::MulOp>({loss, counts});
  if (!loss)
    return failure();
  if (reduction == "none")
    return loss;
  NamedAttribute all = node.list("axes", llvm::to_vector(llvm::seq<int64_t>(0, expected.size())));
  Value sum = chain.make<nn::ReduceSumOp>(loss, all);
  if (reduction == "mean")
    sum = chain.make<nn::DivOp>({sum, chain.make<nn::ReduceSumOp>(counts, all)});
  return sum ? FailureOr<Value>(sum) : FailureOr<Value>();
}

static FailureOr<Binding> importNegativeLogLikelihood(Node &node) {
  Value logs = node.tensor(0), labels = node.tensor(1), weights = node.hasInput(2) ? node.tensor(2) : Value();
  return node.failed() ? FailureOr<Binding>() : likelihoodLoss(node, logs, labels, weights);
}

static FailureOr<Binding> importSoftmaxCrossEntropy(Node &node) {
  Value scores = node.tensor(0), labels = node.tensor(1), weights = node.hasInput(2) ? node.tensor(2) : Value();
  if (node.failed())
    return failure();
  if (shapeOf(scores).size() < 2)
    return node.error() << "scores of shape " << nn::formatShape(shapeOf(scores)) << " have no classes in dimension 1";
  FailureOr<Value> logs = node.create<nn::LogSoftmaxOp>(scores, node.number("axis", 1));
  if (failed(logs))
    return failure();
  node.give(1, *logs);
  return likelihoodLoss(node, *logs, labels, weights);
}

void dtc::onnximport::addLabelLossOperators(OperatorTable &table) {
  StringRef becomes = "`nn.reduce_sum` of `nn.where` the class is the label, `nn.mul`";
  table.add({{"NegativeLogLikelihoodLoss", 13, 2, 3, 1, importNegativeLogLikelihood, becomes},
             {"SoftmaxCrossEntropyLoss", 13, 2, 3, 2, importSoftmaxCrossEntropy,
              "`nn.log_softmax`, then as NegativeLogLikelihoodLoss"}});
}
