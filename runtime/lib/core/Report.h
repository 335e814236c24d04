// What a run tells: metrics to a file, progress to a terminal. Rank 0 alone has one that speaks.
#pragma once

#include "dtcrt/plan.h"

#include <chrono>
#include <cstdio>
#include <string>

namespace dtcrt {

struct Score {
  f64 loss = 0, accuracy = 0;
  bool has_accuracy = false;
};

class Report {
public:
  /// `speaks` false: all calls do nothing. The metrics may go to a file, a pipe or a device. Throws Error when it cannot be opened.
  Report(bool speaks, const std::string &metrics_file);
  ~Report();
  Report(const Report &) = delete;
  Report &operator=(const Report &) = delete;

  void step(i64 step, i64 last_step, f64 loss, f64 lr, f64 samples_per_second);
  /// `split` is "validation" or "test".
  void evaluation(i64 step, const char *split, const Score &score);
  /// Throws Error when a line could not be written to the metrics file: not at once, because the other ranks must hear of it.
  void check() const;
  /// What is said of the first evaluation whose loss is not finite; "" without one. The same on all ranks.
  const std::string &not_finite() const { return not_finite_; }
  /// The one line that stays.
  void summary(const std::string &text);

private:
  void write_line(const std::string &line);
  void clear_progress();

  bool speaks_, terminal_ = false, progress_shown_ = false;
  std::FILE *metrics_ = nullptr;
  std::string metrics_name_, failure_, not_finite_;
  std::chrono::steady_clock::time_point last_progress_{};
};

/// `"name":value` as JSON has it: the shortest text that reads back as the same number. JSON knows no others, so for those it is
/// `"name":null,"name_is":"nan"`, or "inf" or "-inf".
template <class Number> std::string json_member(const std::string &name, Number value);

} // namespace dtcrt
