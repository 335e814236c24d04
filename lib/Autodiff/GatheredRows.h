// From how many rows the whole numbers of an input choose.
#ifndef DTC_LIB_AUTODIFF_GATHEREDROWS_H
#define DTC_LIB_AUTODIFF_GATHEREDROWS_H

#include "mlir/IR/Value.h"

#include <optional>

namespace dtc {

/// The rows of the smallest table of which `ids`, moved but not changed, are indices of nn.gather; none if there is no such table.
std::optional<int64_t> findGatheredRows(mlir::Value ids);

} // namespace dtc

#endif // DTC_LIB_AUTODIFF_GATHEREDROWS_H
