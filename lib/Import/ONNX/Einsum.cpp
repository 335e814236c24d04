// Einsum: sums of products, as matrix products between transpositions.
#include "Operators.h"

#include "dialects/NN/NN.h"

#include "llvm/ADT/StringExtras.h"

#include <map>

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

namespace {
/// A tensor with a label a dimension. Dimensions that an ellipsis stands for have labels below 0, counted from the last.
struct Term {
  Value value;
  SmallVector<int> labels;
  bool has(int label) const { return llvm::is_contained(labels, label); }
};
} // namespace

/// "b...ij" for a tensor of `rank` dimensions.
static FailureOr<SmallVector<int>> readLabels(Node &node, StringRef text, int64_t rank) {
  SmallVector<int> labels;
  StringRef rest = text;
  int64_t letters = llvm::count_if(text, [](char c) { return llvm::isAlpha(c); });
  bool hasEllipsis = text.contains("...");
  if (hasEllipsis ? letters > rank : letters != rank)
    return node.error() << "the term " << quoted(text) << " does not label a tensor of rank " << rank;
  while (!rest.empty()) {
    if (rest.consume_front("...")) {
      for (int64_t i = rank - letters; i > 0; --i)
        labels.push_back(-static_cast<int>(i));
    } else if (llvm::isAlpha(rest.front())) {
      labels.push_back(rest.front());
      rest = rest.drop_front();
    } else {
      return node.error() << "the term " << quoted(text) << " holds something else than letters and one ellipsis";
    }
  }
  return labels;
}

static int64_t sizeOf(const Term &term, int label) {
  return shapeOf(term.value)[llvm::find(term.labels, label) - term.labels.begin()];
}

/// A label that stands twice takes the diagonal: all else is left out.
static FailureOr<Term> diagonals(Node &node, Term term) {
  while (true) {
    // The first pair of dimensions of one label.
    size_t first = 0, second = 0;
    for (second = 1; second < term.labels.size(); ++second) {
      first = llvm::find(term.labels, term.labels[second]) - term.labels.begin();
      if (first < second)
        break;
    }
    if (second >= term.labels.size())
      return term;
    SmallVector<int64_t> shape(shapeOf(term.value)), permutation, flat;
    int64_t size = shape[first];
    if (size != shape[second])
      return node.error() << "a label stands for dimensions of " << size << " and " << shape[second];
    // Both to the front, flat, where the diagonal is every (size + 1)-th row.
    SmallVector<int> labels{term.labels[first]};
    permutation = {static_cast<int64_t>(first), static_cast<int64_t>(second)};
    flat = {size * size};
    for (size_t d = 0; d < shape.size(); ++d)
      if (d != first && d != second) {
        permutation.push_back(d);
        flat.push_back(shape[d]);
        labels.push_back(term.labels[d]);
      }
    SmallVector<int64_t> rows;
    for (int64_t i = 0; i < size; ++i)
      rows.push_back(i * (size + 1));
    FailureOr<Value> value = node.create<nn::TransposeOp>(term.value, node.list("permutation", permutation));
    if (succeeded(value))
      value = node.reshape(*value, flat);
    if (succeeded(value))
      value = node.create<nn::GatherOp>({*value, node.integers(rows)}, node.number("axis", 0));
    if (failed(value))
      return failure();
    term = {*value, labels};
  }
}

/// Sums over what is in none of `kept`.
static FailureOr<Term> sumAway(Node &node, Term term, function_ref<bool(int)> kept) {
  SmallVector<int64_t> axes;
  SmallVector<int> labels;
  for (auto [d, label] : llvm::enumerate(term.labels)) {
    if (kept(label))
      labels.push_back(label);
    else
      axes.push_back(d);
  }
  if (axes.empty())
    return term;
  FailureOr<Value> sum = node.create<nn::ReduceSumOp>(term.value, node.list("axes", axes));
  if (failed(sum))
    return failure();
  return Term{*sum, labels};
}

/// The term's dimensions in this order.
static FailureOr<Term> order(Node &node, Term term, ArrayRef<int> labels) {
  SmallVector<int64_t> permutation;
  for (int label : labels)
    permutation.push_back(llvm::find(term.labels, label) - term.labels.begin());
  if (llvm::is_sorted(permutation))
    return term;
  FailureOr<Value> moved = node.create<nn::TransposeOp>(term.value, node.list("permutation", permutation));
  if (failed(moved))
    return failure();
  return Term{*moved, SmallVector<int>(labels)};
}

static FailureOr<Value> matrices(Node &node, const Term &term, ArrayRef<int> batch, ArrayRef<int> rows, ArrayRef<int> columns) {
  SmallVector<int> labels(batch);
  llvm::append_range(labels, rows);
  llvm::append_range(labels, columns);
  FailureOr<Term> ordered = order(node, term, labels);
  if (failed(ordered))
    return failure();
  auto product = [&](ArrayRef<int> of) {
    int64_t size = 1;
    for (int label : of)
      size *= sizeOf(term, label);
    return size;
  };
  return node.reshape(ordered->value, {product(batch), product(rows), product(columns)});
}

/// The product of two terms, summed over what is not needed.
static FailureOr<Term> multiply(Node &node, Term a, Term b, function_ref<bool(int)> needed) {
  // Dimensions of 1 are spread where the other has more.
  for (auto [own, other] : {std::pair(&a, &b), std::pair(&b, &a)}) {
    SmallVector<int64_t> shape(shapeOf(own->value));
    for (auto [size, label] : llvm::zip_equal(shape, own->labels))
      if (size == 1 && other->has(label))
        size = sizeOf(*other, label);
    FailureOr<Value> spread = node.broadcast(own->value, shape);
    if (failed(spread))
      return failure();
    own->value = *spread;
  }
  for (int label : a.labels)
    if (b.has(label) && sizeOf(a, label) != sizeOf(b, label))
      return node.error() << "operands of shapes " << nn::formatShape(shapeOf(a.value)) << " and " << nn::formatShape(shapeOf(b.value))
                          << " disagree in a dimension of one label";
  FailureOr<Term> left = sumAway(node, a, [&](int label) { return b.has(label) || needed(label); });
  FailureOr<Term> right = sumAway(node, b, [&](int label) { return a.has(label) || needed(label); });
  if (failed(left) || failed(right))
    return failure();
  SmallVector<int> batch, summed, rows, columns;
  for (int label : left->labels)
    (!right->has(label) ? rows : needed(label) ? batch : summed).push_back(label);
  for (int label : right->labels)
    if (!left->has(label))
      columns.push_back(label);
  FailureOr<Value> x = matrices(node, *left, batch, rows, summed), y = matrices(node, *right, batch, summed, columns);
  if (failed(x) || failed(y))
    return failure();
  MLIRContext *context = x->getContext();
  FailureOr<Value> product = node.create<nn::MatmulOp>({*x, *y}, {{StringAttr::get(context, nn::MatmulOp::getOperandSegmentSizeAttr()),
                                                                   DenseI32ArrayAttr::get(context, {1, 1, 0, 0})}});
  Term result{{}, batch};
  llvm::append_range(result.labels, rows);
  llvm::append_range(result.labels, columns);
  SmallVector<int64_t> shape;
  for (int label : result.labels)
    shape.push_back(sizeOf(left->has(label) ? *left : *right, label));
  if (succeeded(product))
    product = node.reshape(*product, shape);
  if (failed(product))
    return failure();
  result.value = *product;
  return result;
}

static FailureOr<Binding> importEinsum(Node &node) {
  std::string equation;
  for (char c : node.string("equation", ""))
    if (c != ' ')
      equation += c;
  if (node.failed())
    return failure();
  auto [operands, result] = StringRef(equation).split("->");
  bool isExplicit = StringRef(equation).contains("->");
  SmallVector<StringRef> texts;
  operands.split(texts, ',');
  if (texts.size() != node.inputCount())
    return node.error() << "the equation " << quoted(equation) << " has " << texts.size() << " terms for " << node.inputCount() << " operands";
  SmallVector<Term> terms;
  std::map<int, unsigned> uses;
  for (auto [i, text] : llvm::enumerate(texts)) {
    Term term{node.tensor(i), {}};
    if (node.failed())
      return failure();
    FailureOr<SmallVector<int>> labels = readLabels(node, text, shapeOf(term.value).size());
    if (failed(labels))
      return failure();
    term.labels = *labels;
    for (int label : term.labels)
      ++uses[label];
    FailureOr<Term> distinct = diagonals(node, term);
    if (failed(distinct))
      return failure();
    terms.push_back(*distinct);
  }
  // Without a result: what an ellipsis stands for, then the labels that stand once, in the order of the alphabet.
  SmallVector<int> wanted;
  int64_t spread = llvm::count_if(uses, [](const auto &entry) { return entry.first < 0; });
  if (isExplicit) {
    int64_t letters = llvm::count_if(result, [](char c) { return llvm::isAlpha(c); });
    FailureOr<SmallVector<int>> labels = readLabels(node, result, letters + (result.contains("...") ? spread : 0));
    if (failed(labels))
      return failure();
    wanted = *labels;
    for (auto [i, label] : llvm::enumerate(wanted))
      if (llvm::is_contained(ArrayRef(wanted).take_front(i), label))
        return node.error() << "the equation " << quoted(equation) << " gives a label twice";
  } else {
    for (auto [label, count] : uses)
      if (label < 0 || count == 1)
        wanted.push_back(label);
  }
  for (int label : wanted)
    if (!uses.count(label))
      return node.error() << "the equation " << quoted(equation) << " gives a label that no operand has";
  // The last term that has a label.
  std::map<int, size_t> last;
  for (auto [i, term] : llvm::enumerate(terms))
    for (int label : term.labels)
      last[label] = i;
  Term value = terms.front();
  for (size_t i = 1; i < terms.size(); ++i) {
    auto needed = [&](int label) { return llvm::is_contained(wanted, label) || last[label] > i; };
    FailureOr<Term> product = multiply(node, value, terms[i], needed);
    if (failed(product))
      return failure();
    value = *product;
  }
  FailureOr<Term> summed = sumAway(node, value, [&](int label) { return llvm::is_contained(wanted, label); });
  FailureOr<Term> ordered = failed(summed) ? summed : order(node, *summed, wanted);
  if (failed(ordered))
    return failure();
  return ordered->value;
}

void dtc::onnximport::addEinsumOperators(OperatorTable &table) {
  table.add({{"Einsum", 12, 1, variadic, 1, importEinsum, "`nn.matmul` between `nn.transpose` and `nn.reshape`; diagonals by `nn.gather`"}});
}
