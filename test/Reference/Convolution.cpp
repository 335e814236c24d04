// Convolution and its gradients, each from its own sum over all products.
#include "test/Reference/Rules.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::reference;

namespace {
/// A convolution brought to three spatial dimensions (depth, height, width).
struct Conv3D {
  int64_t samples, groups, inPerGroup, outPerGroup;
  int64_t in[3] = {1, 1, 1}, out[3] = {1, 1, 1}, kernel[3] = {1, 1, 1};
  int64_t stride[3] = {1, 1, 1}, dilation[3] = {1, 1, 1}, pad[3] = {0, 0, 0};

  template <typename Op>
  Conv3D(Op op, ArrayRef<int64_t> x, ArrayRef<int64_t> weight,
         ArrayRef<int64_t> y)
      : samples(x[0]), groups(op.getGroups()), inPerGroup(weight[1]),
        outPerGroup(weight[0] / groups) {
    size_t spatial = x.size() - 2;
    for (size_t d = 0; d < spatial; ++d) {
      size_t to = 3 - spatial + d;
      in[to] = x[2 + d];
      out[to] = y[2 + d];
      kernel[to] = weight[2 + d];
      stride[to] = op.getStrides()[d];
      dilation[to] = op.getDilations()[d];
      pad[to] = op.getPads()[d];
    }
  }

  /// Calls body(x index, weight index, y index) for every product in the sum.
  template <typename Body>
  void forEachProduct(Body body) const {
    for (int64_t n = 0; n < samples; ++n)
      for (int64_t g = 0; g < groups; ++g)
        for (int64_t o = 0; o < outPerGroup; ++o)
          for (int64_t c = 0; c < inPerGroup; ++c)
            forEachPosition((n * groups + g) * inPerGroup + c,
                            (g * outPerGroup + o) * inPerGroup + c,
                            (n * groups + g) * outPerGroup + o, body);
  }

private:
  template <typename Body>
  void forEachPosition(int64_t xPlane, int64_t wPlane, int64_t yPlane,
                       Body body) const {
    for (int64_t od = 0; od < out[0]; ++od)
      for (int64_t oh = 0; oh < out[1]; ++oh)
        for (int64_t ow = 0; ow < out[2]; ++ow)
          for (int64_t kd = 0; kd < kernel[0]; ++kd)
            for (int64_t kh = 0; kh < kernel[1]; ++kh)
              for (int64_t kw = 0; kw < kernel[2]; ++kw) {
                int64_t id = od * stride[0] - pad[0] + kd * dilation[0];
                int64_t ih = oh * stride[1] - pad[1] + kh * dilation[1];
                int64_t iw = ow * stride[2] - pad[2] + kw * dilation[2];
                if (id < 0 || id >= in[0] || ih < 0 || ih >= in[1] || iw < 0 ||
                    iw >= in[2])
                  continue;
                body(((xPlane * in[0] + id) * in[1] + ih) * in[2] + iw,
                     ((wPlane * kernel[0] + kd) * kernel[1] + kh) * kernel[2] + kw,
                     ((yPlane * out[0] + od) * out[1] + oh) * out[2] + ow);
              }
  }
};
} // namespace

static LogicalResult conv(Operation *op, Operands operands, Results results) {
  auto conv = cast<nn::ConvOp>(op);
  const Tensor &x = *operands[0], &weight = *operands[1];
  Tensor &y = results[0];
  Conv3D(conv, x.shape, weight.shape, y.shape)
      .forEachProduct([&](int64_t xi, int64_t wi, int64_t yi) {
        y.data[yi] += x.data[xi] * weight.data[wi];
      });
  forEachIndex(y.shape, [&](ArrayRef<int64_t> index, int64_t flat) {
    double value = y.data[flat] + (conv.getBias() ? operands[2]->data[index[1]] : 0);
    y.data[flat] = activate(conv.getActivation(),
                            conv.getActivationAlpha(), value);
  });
  return success();
}

static LogicalResult convInputGradient(Operation *op, Operands operands,
                                       Results results) {
  const Tensor &dy = *operands[0], &weight = *operands[1];
  Tensor &dx = results[0];
  Conv3D(cast<nn::ConvInputGradientOp>(op), dx.shape, weight.shape, dy.shape)
      .forEachProduct([&](int64_t xi, int64_t wi, int64_t yi) {
        dx.data[xi] += dy.data[yi] * weight.data[wi];
      });
  return success();
}

static LogicalResult convWeightGradient(Operation *op, Operands operands,
                                        Results results) {
  const Tensor &x = *operands[0], &dy = *operands[1];
  Tensor &dweight = results[0];
  Conv3D(cast<nn::ConvWeightGradientOp>(op), x.shape, dweight.shape, dy.shape)
      .forEachProduct([&](int64_t xi, int64_t wi, int64_t yi) {
        dweight.data[wi] += x.data[xi] * dy.data[yi];
      });
  if (results.size() == 2)
    forEachIndex(dy.shape, [&](ArrayRef<int64_t> index, int64_t flat) {
      results[1].data[index[1]] += dy.data[flat];
    });
  return success();
}

void reference::addConvolutionRules(Rules &rules) {
  rules["nn.conv"] = conv;
  rules["nn.conv_input_gradient"] = convInputGradient;
  rules["nn.conv_weight_gradient"] = convWeightGradient;
}
