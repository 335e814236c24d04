// A model's outputs for the samples of a data set, gathered from the ranks that make them into one file.
#pragma once

#include "core/Device.h"
#include "dtcrt/world.h"

#include <functional>
#include <string>

namespace dtcrt {

/// Which rows of the batches are this rank's: those of a global batch from `first_row` on, `local_batch` of them.
struct PredictedRows {
  index samples, batch, local_batch, first_row;
};

/// Collective: writes one row for each of the samples, in their order, as NumPy's format 1.0: float32, [samples, ...]. `run` makes the outputs
/// of a global batch, which then lie in `output`, of the ranks that bind it. Rank 0 writes; it holds one rank's rows at a time. The file is
/// whole or not there. AgreedError where it cannot be written.
void write_predictions(World &world, Device &device, const std::string &path, const Tensor<f32> &output, const PredictedRows &rows,
                       const std::function<void(index batch)> &run);

} // namespace dtcrt
