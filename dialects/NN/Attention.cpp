// Scaled dot-product attention: shape inference and checks.
#include "dialects/NN/NN.h"

#include "mlir/Dialect/Traits.h"

using namespace mlir;
using namespace dtc::nn;

/// The types of y and lse, of what `adaptor` has as q, k, v, mask and attributes.
template <typename Adaptor>
static LogicalResult inferAttention(std::optional<Location> location, Adaptor adaptor, SmallVectorImpl<Type> &types) {
  auto q = cast<RankedTensorType>(adaptor.getQ().getType()), k = cast<RankedTensorType>(adaptor.getK().getType()),
       v = cast<RankedTensorType>(adaptor.getV().getType());
  if (q.getRank() != 4 || k.getRank() != 4 || v.getRank() != 4)
    return emitOptionalError(location, "q ", q, ", k ", k, " and v ", v, " must have rank 4");
  if (k.getElementType() != q.getElementType() || v.getElementType() != q.getElementType())
    return emitOptionalError(location, "q ", q, ", k ", k, " and v ", v, " must have one element type");
  const int64_t head = adaptor.getPositionsFirst() ? 2 : 1, position = 3 - head;
  int64_t samples = q.getDimSize(0), heads = q.getDimSize(head), groups = k.getDimSize(head);
  if (k.getDimSize(0) != samples || k.getDimSize(3) != q.getDimSize(3))
    return emitOptionalError(location, "k ", k, " has not the samples and the width of q ", q);
  if (groups == 0 || heads % groups != 0)
    return emitOptionalError(location, "the ", groups, " heads of k ", k, " do not divide the ", heads, " of q ", q);
  if (v.getShape().drop_back() != k.getShape().drop_back())
    return emitOptionalError(location, "v ", v, " has not the samples, heads and positions of k ", k);
  if (!adaptor.getScale().isFinite())
    return emitOptionalError(location, "scale ", adaptor.getScale().convertToDouble(), " is not finite");
  Type full = accumulatedType(q.getElementType());
  if (Value mask = adaptor.getMask()) {
    auto type = cast<RankedTensorType>(mask.getType());
    SmallVector<int64_t> whole = {samples, heads, q.getDimSize(position), k.getDimSize(position)}, together;
    if (type.getRank() > 4 || !OpTrait::util::getBroadcastedShape(type.getShape(), whole, together) || together != whole)
      return emitOptionalError(location, "mask ", type, " does not broadcast to [samples, heads, queries, keys] ", formatShape(whole));
    if (!type.getElementType().isInteger(1) && type.getElementType() != full)
      return emitOptionalError(location, "mask ", type, " must be of i1 or ", full);
  }
  SmallVector<int64_t> y(q.getShape());
  y[3] = v.getDimSize(3);
  types.push_back(RankedTensorType::get(y, q.getElementType()));
  types.push_back(RankedTensorType::get({samples, heads, q.getDimSize(position)}, full));
  return success();
}

LogicalResult AttentionOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  return inferAttention(location, adaptor, types);
}

LogicalResult AttentionGradientOp::verify() {
  SmallVector<Type> types;
  if (failed(inferAttention(getLoc(), *this, types)))
    return failure();
  if (getY().getType() != types[0] || getDy().getType() != types[0] || getLse().getType() != types[1])
    return emitOpError("y ") << getY().getType() << ", dy " << getDy().getType() << " and lse " << getLse().getType()
                             << " must be of the types of attention's results, " << types[0] << " and " << types[1];
  if (getDq().getType() != getQ().getType() || getDk().getType() != getK().getType() || getDv().getType() != getV().getType())
    return emitOpError("dq ") << getDq().getType() << ", dk " << getDk().getType() << " and dv " << getDv().getType()
                              << " must have the types of q, k and v";
  if (getDmask() && (!getMask() || getDmask().getType() != getMask().getType()))
    return emitOpError("dmask ") << getDmask().getType() << " must have the type of a mask that is added";
  return success();
}
