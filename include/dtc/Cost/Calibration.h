// Makes devices and links of measured times.
#ifndef DTC_COST_CALIBRATION_H
#define DTC_COST_CALIBRATION_H

#include "dtc/Cost/Cluster.h"

#include "llvm/ADT/ArrayRef.h"

namespace dtc {

/// One call that was timed alone on a device of speed 1.
struct MeasuredCall {
  OpFamily family;
  /// As the cost interface counts them: read and written bytes together.
  double flops, bytes;
  double seconds;
};

/// One message that was timed between two devices.
struct MeasuredMessage {
  double bytes, seconds;
};

/// `start` with the rates of all families that have calls: those for which the
/// squares of the relative errors of Rate's formula have the least sum. What calls
/// do not show (no FLOPs at all; never bound by memory) is set so that it changes no
/// measured time. Errors, of one line: a time that is not above 0, a family whose
/// times do not grow with its work.
llvm::Expected<Device> calibrate(Device start, llvm::ArrayRef<MeasuredCall> calls);

/// The same for Link's formula; needs messages of two sizes.
llvm::Expected<Link> calibrateLink(llvm::ArrayRef<MeasuredMessage> messages);

/// The mean of |predicted - measured| / measured.
double meanError(const Device &device, llvm::ArrayRef<MeasuredCall> calls);

} // namespace dtc

#endif // DTC_COST_CALIBRATION_H
