// Measured times, the roofline of a device, and messages on links.
#include "dtc/Cost/Time.h"

#include "dtc/Cost/Signature.h"

#include <algorithm>

using namespace mlir;
using namespace dtc;

double dtc::secondsOf(const Device &device, OpFamily family, double flops, double bytes) {
  std::optional<size_t> position = ratePosition(family);
  if (!position)
    return 0;
  const Rate &rate = device.families[*position];
  double bound = std::max(flops / rate.flopsPerSecond, bytes / rate.bytesPerSecond);
  return (rate.overheadSeconds + bound) / device.speed;
}

double dtc::secondsOf(const Device &device, OpFamily family, const Cost &cost) {
  return secondsOf(device, family, double(cost.flops),
                   double(cost.bytesRead) + double(cost.bytesWritten));
}

double dtc::secondsOf(const Device &device, Operation *op) {
  if (!device.measured.empty())
    if (const double *seconds = device.measured.find(signatureOf(op)))
      return *seconds / device.speed;
  if (auto costed = dyn_cast<CostOpInterface>(op))
    return costed.getSeconds(device);
  double sum = 0;
  for (Region &region : op->getRegions())
    sum += secondsOf(device, region);
  return sum;
}

double dtc::secondsOf(const Device &device, Region &region) {
  double sum = 0;
  for (Operation &op : region.getOps())
    sum += secondsOf(device, &op);
  return sum;
}

double dtc::transferSeconds(const Link &link, int64_t bytes) {
  return bytes == 0 ? 0 : link.latencySeconds + bytes / link.bytesPerSecond;
}
