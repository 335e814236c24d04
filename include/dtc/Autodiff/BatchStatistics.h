// Over which samples batch normalisation takes its statistics in training.
#ifndef DTC_AUTODIFF_BATCHSTATISTICS_H
#define DTC_AUTODIFF_BATCHSTATISTICS_H

namespace dtc {

enum class BatchStatistics {
  /// Those that are together on a rank in a microbatch. No communication.
  Share,
  /// All of the batch: ranks sum in the middle of the step.
  Whole,
};

} // namespace dtc

#endif // DTC_AUTODIFF_BATCHSTATISTICS_H
