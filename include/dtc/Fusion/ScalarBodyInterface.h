// Interface of ops that are a formula on scalars.
#ifndef DTC_FUSION_SCALARBODYINTERFACE_H
#define DTC_FUSION_SCALARBODYINTERFACE_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/OpDefinition.h"

#include "dtc/Fusion/ScalarBodyInterface.h.inc"

#endif // DTC_FUSION_SCALARBODYINTERFACE_H
