// What a call was given that its definition rules out, and what is said of it.
#pragma once

#include "dtcrt/tensor.h"

#include <cstdio>
#include <string>

namespace dtcrt {

/// A class id that is none, or a probability out of [0, 1]; then there are 0 classes. Of a gather, an index that names none of its rows.
struct BadOperand {
  i64 sample = 0, label = 0, classes = 0;
  f32 probability = 0;
  bool is_index = false; ///< number `sample` of a gather's indices, of `classes` rows

  static BadOperand of_index(i64 number, i64 value, i64 rows) {
    return {.sample = number, .label = value, .classes = rows, .probability = 0, .is_index = true};
  }
};

inline std::string describe(const BadOperand &bad, int rank) {
  if (bad.is_index)
    return "index " + std::to_string(bad.label) + ", number " + std::to_string(bad.sample) + " of those that a gather takes on rank " +
           std::to_string(rank) + ", is none of a table of " + std::to_string(bad.classes) + " rows";
  char value[32];
  if (bad.classes)
    std::snprintf(value, sizeof value, "%lld", static_cast<long long>(bad.label));
  else
    std::snprintf(value, sizeof value, "%.9g", static_cast<f64>(bad.probability));
  return (bad.classes ? "label " : "probability ") + std::string(value) + " of sample " + std::to_string(bad.sample) +
         " of the batch on rank " + std::to_string(rank) +
         (bad.classes ? " is not a class id below " + std::to_string(bad.classes)
                      : " is not in [0, 1]: bce takes probabilities, bce-logits takes logits");
}

} // namespace dtcrt
