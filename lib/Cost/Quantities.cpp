// Amounts as people read them.
#include "dtc/Cost/Quantities.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

/// `value` in the largest unit in which it is at least 1.
static std::string scaled(double value, llvm::ArrayRef<llvm::StringRef> units,
                          double step) {
  size_t unit = 0;
  for (; value >= step && unit + 1 < units.size(); ++unit)
    value /= step;
  std::string text;
  llvm::raw_string_ostream(text)
      << llvm::format(unit ? "%.2f " : "%.0f ", value) << units[unit];
  return text;
}

std::string dtc::formatBytes(double bytes) {
  return scaled(bytes, {"B", "KiB", "MiB", "GiB", "TiB"}, 1024);
}

std::string dtc::formatFlops(double flops) {
  return scaled(flops, {"FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP", "PFLOP"}, 1000);
}
