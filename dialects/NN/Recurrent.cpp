// Recurrent layers: shape inference and checks.
#include "dialects/NN/NNRecurrent.h"

using namespace mlir;
using namespace dtc::nn;

/// Checks r, h0 and c0 beside gates, and gives the types of h, c and activated.
static LogicalResult inferLstm(std::optional<Location> location, RankedTensorType gates, Value ofR, Value ofH0, Value ofC0,
                               SmallVectorImpl<Type> &types) {
  auto r = cast<RankedTensorType>(ofR.getType()), h0 = cast<RankedTensorType>(ofH0.getType()), c0 = cast<RankedTensorType>(ofC0.getType());
  Type element = gates.getElementType();
  if (r.getElementType() != element || h0.getElementType() != element || c0.getElementType() != element)
    return emitOptionalError(location, "gates ", gates, ", r ", r, ", h0 ", h0, " and c0 ", c0, " must have one element type");
  if (gates.getRank() != 3 || gates.getDimSize(0) < 1 || gates.getDimSize(2) % 4 != 0)
    return emitOptionalError(location, "gates ", gates, " must be [steps, samples, 4 hidden] with one step or more");
  int64_t steps = gates.getDimSize(0), samples = gates.getDimSize(1), hidden = gates.getDimSize(2) / 4;
  if (r.getShape() != ArrayRef<int64_t>{4 * hidden, hidden})
    return emitOptionalError(location, "r ", r, " must have the shape ", formatShape({4 * hidden, hidden}), " beside gates ", gates);
  if (h0.getShape() != ArrayRef<int64_t>{samples, hidden} || c0 != h0)
    return emitOptionalError(location, "h0 ", h0, " and c0 ", c0, " must have the shape ", formatShape({samples, hidden}), " beside gates ", gates);
  auto state = RankedTensorType::get({steps, samples, hidden}, element);
  types.append({state, state, gates});
  return success();
}

LogicalResult LstmOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor, SmallVectorImpl<Type> &types) {
  return inferLstm(location, cast<RankedTensorType>(adaptor.getGates().getType()), adaptor.getR(), adaptor.getH0(), adaptor.getC0(), types);
}

LogicalResult LstmGradientOp::verify() {
  SmallVector<Type> types;
  if (failed(inferLstm(getLoc(), getActivated().getType(), getR(), getH0(), getC0(), types)))
    return failure();
  if (getDh().getType() != types[0] || getH().getType() != types[0] || getC().getType() != types[1] || (getDc() && getDc().getType() != types[1]))
    return emitOpError("dh, dc, h and c must have the type of nn.lstm's states, ") << types[0];
  if (getDgates().getType() != types[2] || getDr().getType() != getR().getType() || getDh0().getType() != getH0().getType() ||
      getDc0().getType() != getC0().getType())
    return emitOpError("dgates, dr, dh0 and dc0 must have the types of gates, r, h0 and c0");
  return success();
}

#define GET_OP_CLASSES
#include "dialects/NN/NNRecurrentOps.cpp.inc"
