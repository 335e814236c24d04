// The checks of a model file, each in a file of its own.
#ifndef DTC_LIB_IMPORT_ONNX_CHECKS_CHECKS_H
#define DTC_LIB_IMPORT_ONNX_CHECKS_CHECKS_H

#include "dtc/Import/CheckONNX.h"
#include "lib/Import/ONNX/GraphImporter.h"

#include "llvm/ADT/StringMap.h"

#include <optional>

namespace dtc::onnximport {

/// A file as checks see it: functions are inlined, and merged parameters apart; all else is as the file has it, also names.
struct CheckedModel {
  const ::onnx::ModelProto &model;
  const ::onnx::GraphProto &graph;
  /// What is trained, and running statistics.
  llvm::ArrayRef<GraphImporter::Parameter> parameters;
  llvm::ArrayRef<GraphImporter::Tie> ties;
  /// Nodes whose constants hold a batch, with what the importer does about it.
  llvm::ArrayRef<BakedBatch> bakedBatches;
  /// The importer's error; empty: it takes the model.
  std::string refusal;
  /// By names of values: the nodes that read them, each once.
  llvm::StringMap<llvm::SmallVector<const ::onnx::NodeProto *, 2>> readers;
};

struct Check {
  llvm::StringRef name, summary, effect, instead;
  std::vector<ModelFinding> (*find)(const CheckedModel &);
};

extern const Check foldedNormalisationCheck, lostNameCheck, transposedWeightCheck, mergedParameterCheck, idleDropoutCheck, brokenTieCheck,
    bakedBatchCheck, noGradientCheck, refusalCheck;

/// "node 'conv1' (Conv)"; a node without a name has that of its first output.
std::string placeOf(const ::onnx::NodeProto &node);
/// "initializer 'w'"
std::string placeOfInitializer(llvm::StringRef name);
/// Whether a node is of ONNX's own operators, and this one.
bool isOperator(const ::onnx::NodeProto &node, llvm::StringRef type);

} // namespace dtc::onnximport

#endif // DTC_LIB_IMPORT_ONNX_CHECKS_CHECKS_H
