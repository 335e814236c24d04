// Reads what a program measured with --trace=FILE.
#ifndef DTC_EXPLAIN_TRACEREADER_H
#define DTC_EXPLAIN_TRACEREADER_H

#include "dtc/Timeline/Timetable.h"

#include "llvm/Support/Error.h"

#include <optional>

namespace dtc::explain {

/// One step of a trace. Times are since the first rank began it; the step's time
/// is that of the rank that took longest, since ranks need not begin together.
struct MeasuredStep {
  Timetable timetable;
  int64_t step;
  std::string model;
};

/// Reads a trace in the format that runtime/include/dtcrt/trace.h describes:
/// step `step`, or the last that all ranks have completed. In a wait the rank is
/// taken to be blocked first and to work (to copy, to add) then. Errors are one
/// line, `name: what`: no JSON, no trace of dtc, a step that is not in it.
llvm::Expected<MeasuredStep> parseTrace(llvm::StringRef text, llvm::StringRef name,
                                        std::optional<int64_t> step = std::nullopt);
/// The same for the file at `path`.
llvm::Expected<MeasuredStep> readTrace(llvm::StringRef path,
                                       std::optional<int64_t> step = std::nullopt);

} // namespace dtc::explain

#endif // DTC_EXPLAIN_TRACEREADER_H
