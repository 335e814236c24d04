// ReverseSequence: the first elements of each sequence in the opposite order.
#include "Indexing.h"
#include "Operators.h"

#include "dialects/NN/NN.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

static FailureOr<Binding> importReverseSequence(Node &node) {
  Value x = node.tensor(0), lengths = node.tensor(1);
  int64_t batch = node.integer("batch_axis", 1), time = node.integer("time_axis", 0);
  if (node.failed())
    return failure();
  ArrayRef<int64_t> shape = shapeOf(x);
  if (shape.size() < 2 || batch + time != 1 || batch * time != 0)
    return node.error() << "its axes of batch and time must be the first two, in either order";
  if (!isInteger(lengths) || shapeOf(lengths) != ArrayRef<int64_t>{shape[batch]})
    return node.error() << "the lengths must be " << shape[batch] << " integers";
  SmallVector<int64_t> spread(shape.size(), 1), all(shape);
  spread[batch] = shape[batch];
  FailureOr<Value> length = node.reshape(lengths, spread);
  FailureOr<Value> at = ramp(node, lengths, shape[time], 1, time, shape.size());
  if (failed(length) || failed(at))
    return failure();
  // t becomes length - 1 - t where that is not negative.
  FailureOr<Value> lastPlace = node.create<nn::SubOp>({*length, number(node, lengths, 1)});
  FailureOr<Value> mirrored = failed(lastPlace) ? lastPlace : node.create<nn::SubOp>({*lastPlace, *at});
  FailureOr<Value> isBehind = failed(mirrored) ? mirrored : node.create<nn::LessOp>({*mirrored, number(node, lengths, 0)});
  FailureOr<Value> from = failed(isBehind) ? isBehind : node.create<nn::WhereOp>({*isBehind, *at, *mirrored});
  FailureOr<Value> indices = failed(from) ? from : node.broadcast(*from, all);
  FailureOr<Value> places = failed(indices) ? indices : placesAlong(node, x, *indices, time);
  return failed(places) ? places : takeFlat(node, x, *places);
}

void dtc::onnximport::addSequenceOperators(OperatorTable &table) {
  table.add({{"ReverseSequence", 10, 2, 2, 1, importReverseSequence, "`nn.gather` from the flattened data"}});
}
