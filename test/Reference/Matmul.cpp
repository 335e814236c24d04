// Matrix product with broadcast leading dimensions.
#include "test/Reference/Rules.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::reference;

static LogicalResult matmul(Operation *op, Operands operands, Results results) {
  auto matmul = cast<nn::MatmulOp>(op);
  const Tensor &a = *operands[0], &b = *operands[1];
  bool transposeA = matmul.getTransposeA(), transposeB = matmul.getTransposeB();
  int64_t inner = a.shape[a.shape.size() - (transposeA ? 2 : 1)];
  Tensor &y = results[0];
  size_t batch = y.shape.size() - 2;
  forEachIndex(y.shape, [&](ArrayRef<int64_t> index, int64_t flat) {
    SmallVector<int64_t> ai(index), bi(index);
    int64_t row = index[batch], column = index[batch + 1];
    double sum = matmul.getBias() ? operands[2]->data[column] : 0;
    for (int64_t k = 0; k < inner; ++k) {
      ai[batch] = transposeA ? k : row;
      ai[batch + 1] = transposeA ? row : k;
      bi[batch] = transposeB ? column : k;
      bi[batch + 1] = transposeB ? k : column;
      sum += a.data[flatten(ai, a.shape)] * b.data[flatten(bi, b.shape)];
    }
    y.data[flat] = matmul.getGradientAt()
                       ? activationGradient(matmul.getActivationGradient(), sum, operands.back()->data[flat])
                       : activate(matmul.getActivation(), matmul.getActivationAlpha(), sum);
  });
  return success();
}

void reference::addMatmulRules(Rules &rules) { rules["nn.matmul"] = matmul; }
