// Amounts as people read them.
#ifndef DTC_COST_QUANTITIES_H
#define DTC_COST_QUANTITIES_H

#include <string>

namespace dtc {

/// `23.00 MiB`.
std::string formatBytes(double bytes);
/// `0.99 GFLOP`.
std::string formatFlops(double flops);

} // namespace dtc

#endif // DTC_COST_QUANTITIES_H
