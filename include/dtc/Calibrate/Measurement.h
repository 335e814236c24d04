// What a measuring program has found, and the cluster that follows from it.
#ifndef DTC_CALIBRATE_MEASUREMENT_H
#define DTC_CALIBRATE_MEASUREMENT_H

#include "dtc/Calibrate/MeasureProgram.h"

namespace dtc {

/// The file that dtcrt/measure.h describes.
struct Measurement {
  struct Fragment {
    std::string role, name;
    double seconds;
  };
  int64_t cores = 0, memoryBytes = 0, ranks = 0;
  std::vector<Fragment> fragments;
  std::vector<MeasuredMessage> messages;
};

/// Errors are one line that begins with `name`.
llvm::Expected<Measurement> parseMeasurement(llvm::StringRef text, llvm::StringRef name);

/// Seconds by signature of all that the program timed: the mean where ops of one signature stand
/// at several places, 0 of `ops` that became no call. Fails if a fragment is missing.
llvm::Expected<std::map<std::string, double, std::less<>>>
secondsBySignature(const Measurement &measurement, llvm::ArrayRef<TimedFragment> fragments,
                   const std::map<std::string, OpWork, std::less<>> &ops);

/// Models in dtc's language whose steps hold ops of all families, in several sizes.
llvm::ArrayRef<llvm::StringLiteral> standardModels();

} // namespace dtc

#endif // DTC_CALIBRATE_MEASUREMENT_H
