// The command line of dtc, checked.
#ifndef DTC_TOOLS_DTC_OPTIONS_H
#define DTC_TOOLS_DTC_OPTIONS_H

#include "dtc/Autodiff/BatchStatistics.h"
#include "dtc/Emit/Emit.h"
#include "dtc/Import/ImportOptions.h"
#include "dtc/Partition/PartitionOptions.h"
#include "dtc/Precision/Precision.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace dtc {

/// What a compilation ends with. The text levels come first.
enum class Result { NN, Grad, Dist, RT, Source, Binary };

/// Recipe options as given; what is absent comes from the model file or is
/// PyTorch's default.
struct RecipeOptions {
  std::optional<std::string> loss;
  /// Of a cross-entropy: the dimension of the classes, the label that does not count, the part of labels that all classes share, and
  /// what labels count by their classes, as a list or the name of a file.
  std::optional<int64_t> classAxis, ignoreIndex;
  std::optional<double> labelSmoothing;
  std::optional<std::string> classWeights;
  std::optional<std::string> optimizer;
  /// Settings of the optimizer by their name in the nn dialect, in the order
  /// given (`weight_decay`, 0.01); flags count as 1.
  std::vector<std::pair<std::string, double>> settings;
  /// The GLOBAL batch; 0 when not given.
  int64_t batch = 0;
};

struct Options {
  /// Empty: --calibrate alone.
  std::string model;
  bool modelIsONNX = false;
  RecipeOptions recipe;
  /// Sizes of the model's symbolic dimensions, by their names.
  std::vector<std::pair<std::string, int64_t>> dimensions;
  /// Whether parameters that the exporter copied are one again.
  bool tie = false;
  /// Name of the output that the loss takes; empty: the only one.
  std::string modelOutput;
  /// Patterns of names of parameters that are not trained.
  std::vector<std::string> freeze;
  /// Patterns of names of parameters, with what the learning rate is multiplied by for them; the last that matches counts.
  std::vector<std::pair<std::string, double>> rateScales;
  /// Patterns of names of parameters that do not decay.
  std::vector<std::string> noDecay;
  /// Dropout nodes that do nothing in an evaluation-mode export drop again.
  bool trainMode = false;
  /// The ratio of all Dropout nodes of an ONNX model; unset: what it says.
  std::optional<double> dropout;
  /// Which variance of a batch the running one of an ONNX model moves towards; unset: what the model's exporter meant.
  std::optional<RunningVariance> runningVariance;
  /// Over which samples batch normalisation takes its statistics.
  BatchStatistics batchStatistics = BatchStatistics::Share;
  /// Whether what an exporter wrote in parts becomes one op again.
  bool recognise = true;
  /// What matrix products and convolutions round their operands to.
  Precision precision = Precision::F32;
  /// The strategy, in the compiler's words.
  PartitionOptions partition;
  const Target *target = &Target::cpu();
  /// GPUs to compile for, by compute capability without its point.
  llvm::SmallVector<std::string> architectures;
  Result result = Result::Binary;
  /// "-" is standard output. Without a slash at its end.
  std::string out;
  /// The folder of a program's source.
  std::string sourceFolder() const { return out + ".source"; }
  /// Pictures: where they go; empty: not drawn.
  std::string timetable, dot;
  /// What was measured, for the timetable; empty: nothing.
  std::string trace;
  /// Where the trained model goes, and the checkpoint that it is made of; empty: a program is compiled.
  std::string exported, load;
  bool calibrate = false, check = false, explain = false, printPipeline = false, timePasses = false;
  /// MLIR's own options, spelled as given.
  std::vector<std::string> mlirOptions;
};

/// Reads the command line. Without a value, the process is to end with
/// `status`: 0 after --help or --version, 2 after one line on stderr.
std::optional<Options> parseOptions(int argc, const char *const *argv,
                                    int &status);

} // namespace dtc

#endif // DTC_TOOLS_DTC_OPTIONS_H
