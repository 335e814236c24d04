// Where an op of a fragment or a call comes from: the layer of the model, as
// its location remembers it.
#ifndef DTC_PLAN_ORIGIN_H
#define DTC_PLAN_ORIGIN_H

#include "mlir/IR/Location.h"

namespace dtc::plan {

struct Origin {
  /// The first layer that the location names, or null.
  mlir::StringAttr layer;
  /// Whether the op is part of the backward pass (Autodiff marks adjoints by
  /// the fused location's metadata).
  bool adjoint = false;
};

Origin findOrigin(mlir::Location location);

} // namespace dtc::plan

#endif // DTC_PLAN_ORIGIN_H
