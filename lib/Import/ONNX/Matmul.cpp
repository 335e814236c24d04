// Gemm and MatMul.
#include "Operators.h"

#include "dialects/NN/NN.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

/// x times a constant; x itself if the constant is 1.
static FailureOr<Value> scale(Node &node, Value x, double factor) {
  if (factor == 1)
    return x;
  return node.create<nn::MulOp>({x, node.scalar(factor)});
}

/// A product of two operands: bias and the like are Fusion's.
static NamedAttribute operandsAlone(Value operand) {
  MLIRContext *context = operand.getContext();
  return {StringAttr::get(context, nn::MatmulOp::getOperandSegmentSizeAttr()),
          DenseI32ArrayAttr::get(context, {1, 1, 0, 0})};
}

/// Y = alpha A' B' + beta C, C broadcast to Y's shape.
static FailureOr<Binding> importGemm(Node &node) {
  Value a = node.tensor(0), b = node.tensor(1);
  Value c = node.hasInput(2) ? node.tensor(2) : Value();
  double alpha = node.floating("alpha", 1), beta = node.floating("beta", 1);
  SmallVector<NamedAttribute> attributes;
  if (node.flag("transA", false))
    attributes.push_back(node.unit("transpose_a"));
  if (node.flag("transB", false))
    attributes.push_back(node.unit("transpose_b"));
  if (node.failed())
    return failure();
  if (shapeOf(a).size() != 2 || shapeOf(b).size() != 2)
    return node.error() << "A of shape " << nn::formatShape(shapeOf(a))
                        << " and B of shape " << nn::formatShape(shapeOf(b))
                        << " must be matrices";
  attributes.push_back(operandsAlone(a));
  FailureOr<Value> product = node.create<nn::MatmulOp>({a, b}, attributes);
  if (failed(product))
    return failure();
  FailureOr<Value> result = scale(node, *product, alpha);
  if (failed(result) || !c)
    return result;

  FailureOr<Value> addend = scale(node, c, beta);
  if (failed(addend))
    return failure();
  FailureOr<Value> sum = node.create<nn::AddOp>({*result, *addend});
  if (failed(sum))
    return failure();
  // ONNX broadcasts C to the product, never the product to C.
  if (shapeOf(*sum) != shapeOf(*result))
    return node.error() << "C of shape " << nn::formatShape(shapeOf(c))
                        << " cannot be broadcast to the product's shape "
                        << nn::formatShape(shapeOf(*result));
  return sum;
}

/// numpy.matmul: a vector on the left is a row, one on the right a column, and
/// the dimension of 1 that this adds is taken away again.
static FailureOr<Binding> importMatMul(Node &node) {
  Value a = node.tensor(0), b = node.tensor(1);
  if (node.failed())
    return failure();
  if (shapeOf(a).empty() || shapeOf(b).empty())
    return node.error() << "a scalar cannot be an operand";
  bool aIsVector = shapeOf(a).size() == 1, bIsVector = shapeOf(b).size() == 1;
  FailureOr<Value> left =
      aIsVector ? node.reshape(a, {1, shapeOf(a)[0]}) : FailureOr<Value>(a);
  FailureOr<Value> right =
      bIsVector ? node.reshape(b, {shapeOf(b)[0], 1}) : FailureOr<Value>(b);
  if (failed(left) || failed(right))
    return failure();
  FailureOr<Value> product = node.create<nn::MatmulOp>({*left, *right}, {operandsAlone(*left)});
  if (failed(product))
    return failure();
  SmallVector<int64_t> shape(shapeOf(*product));
  if (bIsVector)
    shape.pop_back();
  if (aIsVector)
    shape.erase(shape.end() - (bIsVector ? 1 : 2));
  return node.reshape(*product, shape);
}

void dtc::onnximport::addMatmulOperators(OperatorTable &table) {
  table.add({{"Gemm", 13, 2, 3, 1, importGemm,
              "`nn.matmul`, then `nn.mul` by alpha and beta unless 1, and "
              "`nn.add`"},
             {"MatMul", 13, 2, 2, 1, importMatMul,
              "`nn.matmul`; vectors through `nn.reshape`"}});
}
