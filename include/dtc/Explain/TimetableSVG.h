// The picture of a step: devices down, time across.
#ifndef DTC_EXPLAIN_TIMETABLESVG_H
#define DTC_EXPLAIN_TIMETABLESVG_H

#include "dtc/Timeline/Timetable.h"

#include "llvm/Support/raw_ostream.h"

namespace dtc::explain {

struct TimetablePicture {
  /// What is drawn: the model and how it is spread. Any text.
  std::string title;
  /// The role of each rank; may be empty.
  std::vector<std::string> roles;
  const Timetable *predicted;
  /// Of as many ranks; drawn below the prediction of each.
  const Timetable *measured = nullptr;
};

/// Writes an SVG file: a row for each rank with a box for each fragment, in it
/// the number of its microbatch, and under it a thin one for communication that
/// goes on beside; an axis in ms, a legend, step time and bubble. A box says in
/// its tooltip what it is. The picture grows with the number of boxes.
void drawTimetable(llvm::raw_ostream &os, const TimetablePicture &picture);

} // namespace dtc::explain

#endif // DTC_EXPLAIN_TIMETABLESVG_H
