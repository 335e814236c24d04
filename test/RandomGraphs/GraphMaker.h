// What the families of operators draw from and add to while a random graph grows.
#ifndef DTC_TEST_RANDOMGRAPHS_GRAPHMAKER_H
#define DTC_TEST_RANDOMGRAPHS_GRAPHMAKER_H

#include "test/RandomGraphs/RandomGraph.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

#include <optional>
#include <set>
#include <variant>

namespace dtc::test {

using Shape = llvm::SmallVector<int64_t, 6>;

/// A float tensor of the graph, of one sample a row: dimension 0 is the batch.
struct Value {
  std::string name;
  Shape shape;
  /// About the largest magnitude of its elements.
  double bound = 1;

  int64_t rank() const { return static_cast<int64_t>(shape.size()); }
  /// Elements of a sample.
  int64_t features() const;
};

struct Attribute {
  llvm::StringRef name;
  std::variant<int64_t, double, std::string, Shape> value;
};

class GraphMaker {
public:
  explicit GraphMaker(uint64_t seed);

  /// 0 <= drawn < choices; whether something happens in so many of 100 cases; a number of a range; one of a list.
  int64_t draw(int64_t choices);
  bool chance(int percent) { return draw(100) < percent; }
  double number(double low, double high);
  template <class T> T oneOf(std::initializer_list<T> list) { return *(list.begin() + draw(static_cast<int64_t>(list.size()))); }

  /// A value that fits, read from now on; those that nothing reads yet come first, mostly. None if there is none.
  std::optional<Value> take(llvm::function_ref<bool(const Value &)> fits);
  std::optional<Value> takeOfRank(int64_t least, int64_t most = 6);

  /// A parameter around `center`; often one of its shape that is there already.
  std::string parameter(llvm::ArrayRef<int64_t> shape, double deviation, double center = 0);
  /// A matrix or kernel that keeps the size of what it multiplies: `inner` products are added up.
  std::string weight(llvm::ArrayRef<int64_t> shape, int64_t inner);
  /// Constants that are not trained.
  std::string constant(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<double> values);
  std::string constant(double value) { return constant({}, {value}); }
  std::string integers(llvm::ArrayRef<int64_t> values);
  std::string integer(int64_t value);
  std::string integersOf(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> values);
  std::string booleans(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> values);

  /// Adds a node; its first output's name.
  std::string node(llvm::StringRef op, llvm::ArrayRef<std::string> inputs, llvm::ArrayRef<Attribute> attributes = {});
  std::vector<std::string> nodeOf(llvm::StringRef op, llvm::ArrayRef<std::string> inputs, int outputs, llvm::ArrayRef<Attribute> attributes = {});

  /// Makes a value known to what follows; a large one goes through a bounded operator or a normalisation first.
  Value keep(std::string name, llvm::ArrayRef<int64_t> shape, double bound);

  /// x in another range by an operator or two: (-0.9, 0.9); above 0.1; above 1.5.
  std::string within(const Value &x), positive(const Value &x), aboveOne(const Value &x);
  /// x with another shape, of the same elements a sample.
  Value reshape(const Value &x, llvm::ArrayRef<int64_t> shape);
  Value transpose(const Value &x, llvm::ArrayRef<int64_t> permutation);
  /// A shape that broadcasts to x's and holds nothing of the batch: trailing dimensions, some of them 1.
  Shape broadcastShape(const Value &x);

  int64_t nodes() const { return model().graph().node_size(); }
  const ::onnx::ModelProto &model() const { return graph.model; }
  /// Values that nothing reads.
  std::vector<Value> unreadValues() const;

  int64_t opset = 0;
  RandomGraph graph;
  /// The float inputs.
  std::vector<Value> raw;

private:
  ::onnx::TensorProto &initializer(llvm::ArrayRef<int64_t> shape, int type);
  std::string tensorNode(::onnx::TensorProto tensor);

  uint64_t state;
  std::vector<Value> values;
  std::set<size_t> unread;
  std::vector<std::pair<std::string, Shape>> shared;
};

/// An operator, or a few that belong together; does nothing where no value is fit for it.
struct Family {
  const char *name;
  void (*add)(GraphMaker &);
};

llvm::ArrayRef<Family> elementwiseFamilies();
llvm::ArrayRef<Family> shapeFamilies();
llvm::ArrayRef<Family> selectionFamilies();
llvm::ArrayRef<Family> reductionFamilies();
llvm::ArrayRef<Family> productFamilies();
llvm::ArrayRef<Family> windowFamilies();
llvm::ArrayRef<Family> normalisationFamilies();
llvm::ArrayRef<Family> sequenceFamilies();

} // namespace dtc::test

#endif // DTC_TEST_RANDOMGRAPHS_GRAPHMAKER_H
