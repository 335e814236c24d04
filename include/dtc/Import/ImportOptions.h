// What an importer is told beside the file.
#ifndef DTC_IMPORT_IMPORTOPTIONS_H
#define DTC_IMPORT_IMPORTOPTIONS_H

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace dtc {

/// The variance of a batch's n values of a channel.
enum class RunningVariance {
  Unbiased, ///< squared deviations over n - 1: torch.nn.BatchNorm2d
  Biased,   ///< over n: ONNX's BatchNormalization, Keras
};

/// A node whose constants hold the batch that the model was exported with, although the model's own is symbolic.
struct BakedBatch {
  std::string node;
  int64_t size;
  /// Whether it is provably the batch, and is given the model's.
  bool isRebound;
};

struct ImportOptions {
  /// The global batch. It binds the symbolic first dimension of the model's
  /// inputs; 0 leaves the batch that the model states.
  int64_t batch = 0;
  /// Sizes of the model's symbolic dimensions by their names; each must be one of the model's.
  std::vector<std::pair<std::string, int64_t>> dimensions;
  /// ONNX: parameters that hold the numbers of another one, or of its transpose, are that one. A remark names them.
  bool tie = false;
  /// Receives the paths of the files that were read besides the model's own; null: nobody wants them.
  std::vector<std::string> *dataFiles = nullptr;
  /// Receives nodes whose constants hold a batch, and those that perhaps do; null: nobody wants them.
  std::vector<BakedBatch> *bakedBatches = nullptr;
  /// The model was exported for evaluation and is to be trained: Dropout nodes that do nothing there drop again, by the ratio that they
  /// have.
  bool trainMode = false;
  /// The ratio of all Dropout nodes, whatever they say, from 0 to below 1; without, each has its own. It is an error if there is none.
  std::optional<double> dropout;
  /// Which variance of a batch the running one of BatchNormalization moves towards; without, PyTorch's in files that PyTorch exported, else
  /// ONNX's.
  std::optional<RunningVariance> runningVariance;
};

} // namespace dtc

#endif // DTC_IMPORT_IMPORTOPTIONS_H
