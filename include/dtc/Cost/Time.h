// How long ops run on a device and messages travel on a link.
#ifndef DTC_COST_TIME_H
#define DTC_COST_TIME_H

#include "dtc/Cost/Cluster.h"
#include "dtc/Cost/Cost.h"

namespace dtc {

/// Seconds of one call of a family: the roofline, `overhead + max(flops / rate,
/// bytes / bandwidth)`, over the device's speed (Williams et al., CACM 2009).
/// 0 for views and communication.
double secondsOf(const Device &device, OpFamily family, const Cost &cost);
double secondsOf(const Device &device, OpFamily family, double flops, double bytes);
/// Seconds of an op: what was measured of it on the device, if it was; else by its
/// CostOpInterface; of an op without it, those of its regions. `dist.run` takes what its fragment takes.
double secondsOf(const Device &device, mlir::Operation *op);
/// The sum over the region's ops, one after the other.
double secondsOf(const Device &device, mlir::Region &region);

/// Seconds of a message; no bytes are no message.
double transferSeconds(const Link &link, int64_t bytes);

} // namespace dtc

#endif // DTC_COST_TIME_H
