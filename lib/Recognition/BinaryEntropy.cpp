// Binary cross-entropy: the terms are multiplied out and compared as polynomials in the target, the logits and two logarithms.
#include "lib/Recognition/BinaryEntropy.h"

#include "dialects/NN/NN.h"
#include "lib/Recognition/ConstantNumber.h"

#include <cmath>
#include <map>

using namespace mlir;
using namespace dtc;
using namespace dtc::nn;
using namespace dtc::recognition;

namespace {

/// Coefficients by the numbers of the factors, ascending; the constant's key is empty.
using Terms = std::map<SmallVector<unsigned, 2>, double>;

/// Multiplies out in factors that it numbers as it finds them: `known` ones first, and whatever is no sum or product.
class Expansion {
public:
  explicit Expansion(ArrayRef<Value> known) : factors(known) {}

  std::optional<Terms> read(Value value);

  SmallVector<Value> factors;

private:
  Terms factor(Value value) {
    auto found = llvm::find(factors, value);
    unsigned number = found - factors.begin();
    if (found == factors.end())
      factors.push_back(value);
    return {{{number}, 1.0}};
  }
  int steps = 0;
};

} // namespace

static Terms sum(Terms a, const Terms &b, double scale) {
  for (const auto &[key, coefficient] : b)
    a[key] += scale * coefficient;
  return a;
}

static std::optional<Terms> product(const Terms &a, const Terms &b) {
  Terms result;
  for (const auto &[first, x] : a)
    for (const auto &[second, y] : b) {
      SmallVector<unsigned, 2> key(first);
      key.append(second);
      if (key.size() > 2)
        return std::nullopt;
      llvm::sort(key);
      result[key] += x * y;
    }
  return result;
}

std::optional<Terms> Expansion::read(Value value) {
  if (llvm::is_contained(factors, value))
    return factor(value);
  if (std::optional<double> number = numberOf(value))
    return Terms{{{}, *number}};
  Operation *op = value.getDefiningOp();
  if (!isa_and_nonnull<AddOp, SubOp, MulOp, NegOp>(op))
    return factor(value);
  if (++steps > 32)
    return std::nullopt;
  std::optional<Terms> a = read(op->getOperand(0));
  if (!a)
    return std::nullopt;
  if (isa<NegOp>(op))
    return sum({}, *a, -1);
  std::optional<Terms> b = read(op->getOperand(1));
  if (!b)
    return std::nullopt;
  if (isa<MulOp>(op))
    return product(*a, *b);
  return sum(*a, *b, isa<SubOp>(op) ? -1 : 1);
}

/// Whether `terms`, but for zeros, are `expected` times `scale`.
static bool are(const Terms &terms, const Terms &expected, double scale) {
  Terms difference = sum(terms, expected, -scale);
  return llvm::all_of(difference, [](const auto &term) { return std::abs(term.second) < 1e-6; });
}

namespace {
/// log p, or log(1 - p), perhaps cut off.
struct Logarithm {
  /// Null: it is none.
  Value of;
  bool isCut = false, isOfComplement = false;
};
} // namespace

/// `probability` null: any.
static Logarithm readLogarithm(Value value, Value probability) {
  Logarithm result;
  if (auto max = value.getDefiningOp<MaxOp>()) {
    for (unsigned i : {0u, 1u})
      if (numberOf(max->getOperand(i)) == -100.0)
        value = max->getOperand(1 - i);
    if (value == max->getResult(0))
      return {};
    result.isCut = true;
  }
  auto log = value.getDefiningOp<LogOp>();
  if (!log)
    return {};
  Value argument = log->getOperand(0);
  if (!probability || argument == probability) {
    result.of = argument;
    return result;
  }
  std::optional<Terms> terms = Expansion({probability}).read(argument);
  if (!terms || !are(*terms, {{{}, 1.0}, {{0}, -1.0}}, 1))
    return {};
  result.of = probability;
  result.isOfComplement = true;
  return result;
}

/// Those among the factors of the terms.
static SmallVector<Value> findLogarithms(Value terms) {
  SmallVector<Value> found;
  SetVector<Value> worklist;
  worklist.insert(terms);
  // The logits may be sums and products without end.
  for (size_t i = 0; i < worklist.size() && i < 64; ++i) {
    Value value = worklist[i];
    if (readLogarithm(value, {}).of)
      found.push_back(value);
    else if (Operation *op = value.getDefiningOp(); isa_and_nonnull<AddOp, SubOp, MulOp, NegOp>(op))
      worklist.insert(op->operand_begin(), op->operand_end());
  }
  return found;
}

std::optional<BinaryEntropy> dtc::recognition::readBinaryEntropy(Value terms, double &scale) {
  SmallVector<Value> logarithms = findLogarithms(terms);
  for (Value factor : logarithms) {
    // That of p; the other one's argument is a difference.
    Logarithm ofP = readLogarithm(factor, {});
    if (!ofP.of || isa_and_nonnull<AddOp, SubOp>(ofP.of.getDefiningOp()))
      continue;
    auto sigmoid = ofP.of.getDefiningOp<SigmoidOp>();
    Value logits = sigmoid ? sigmoid->getOperand(0) : Value();
    Value ofComplement;
    for (Value other : logarithms)
      if (Logarithm read = readLogarithm(other, ofP.of); read.isOfComplement && read.isCut == ofP.isCut)
        ofComplement = other;
    // Whether what is left is the target is for who asks to say.
    SmallVector<Value> known{factor};
    known.push_back(ofComplement ? ofComplement : logits);
    if (!known.back())
      continue;
    Expansion expansion(known);
    std::optional<Terms> read = expansion.read(terms);
    if (!read || expansion.factors.size() != 3)
      continue;
    Value target = expansion.factors.back();
    if (target.getType() != ofP.of.getType() || terms.getType() != ofP.of.getType())
      continue;
    // 0: log p; 1: log(1 - p), or z; 2: t.
    Terms expected = ofComplement ? Terms{{{0, 2}, -1.0}, {{1}, -1.0}, {{1, 2}, 1.0}} : Terms{{{1}, 1.0}, {{1, 2}, -1.0}, {{0}, -1.0}};
    bool ofLogits = logits && !ofP.isCut;
    if (ofComplement && !ofLogits && !ofP.isCut)
      continue;
    if (!ofComplement && ofP.isCut)
      continue;
    for (double sign : {1.0, -1.0})
      if (are(*read, expected, sign)) {
        scale = sign;
        return BinaryEntropy{ofLogits ? logits : ofP.of, target, ofLogits};
      }
  }
  return std::nullopt;
}
