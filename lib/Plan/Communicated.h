// What a rank tells others; private to Plan.
#ifndef DTC_LIB_PLAN_COMMUNICATED_H
#define DTC_LIB_PLAN_COMMUNICATED_H

#include "dialects/RT/RT.h"

#include "llvm/ADT/DenseSet.h"

namespace dtc::plan {

/// The buffers of which the program sends, receives or all-reduces anything:
/// what ranks of one host have to see of each other.
llvm::DenseSet<mlir::Operation *> findCommunicated(rt::ProgramOp program);

} // namespace dtc::plan

#endif // DTC_LIB_PLAN_COMMUNICATED_H
