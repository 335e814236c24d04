// The table of all operators.
#include "Operators.h"

#include "dtc/Import/ONNX.h"

using namespace dtc::onnximport;

void OperatorTable::add(llvm::ArrayRef<Operator> rows) {
  for (const Operator &row : rows) {
    [[maybe_unused]] bool isNew =
        byName[row.name.str()].emplace(row.version, row).second;
    assert(isNew && "an operator's version is registered twice");
  }
}

const Operator *OperatorTable::find(llvm::StringRef name, int64_t opset) const {
  auto versions = byName.find(name.str());
  if (versions == byName.end())
    return nullptr;
  auto next = versions->second.upper_bound(opset);
  return next == versions->second.begin() ? nullptr : &std::prev(next)->second;
}

const OperatorTable &dtc::onnximport::operatorTable() {
  static const OperatorTable table = [] {
    OperatorTable table;
    addConvolutionOperators(table);
    addPoolingOperators(table);
    addNormalisationOperators(table);
    addAttentionOperators(table);
    addMatmulOperators(table);
    addElementwiseOperators(table);
    addActivationOperators(table);
    addComparisonOperators(table);
    addSoftmaxOperators(table);
    addGatherOperators(table);
    addRandomOperators(table);
    addShapeOperators(table);
    addKnownOperators(table);
    addReductionOperators(table);
    addConstantOperators(table);
    addRecurrentOperators(table);
    addEinsumOperators(table);
    addPaddingOperators(table);
    addResizeOperators(table);
    addIndexingOperators(table);
    addGridSampleOperators(table);
    addLabelLossOperators(table);
    addScatterOperators(table);
    addSelectionOperators(table);
    addSpaceDepthOperators(table);
    addSequenceOperators(table);
    addControlFlowOperators(table);
    addRotaryEmbeddingOperators(table);
    addColumnOperators(table);
    addRegionOperators(table);
    addSpectralOperators(table);
    addDeterminantOperators(table);
    return table;
  }();
  return table;
}

std::vector<dtc::ONNXOperator> dtc::supportedONNXOperators() {
  std::vector<ONNXOperator> operators;
  for (const auto &[name, versions] : operatorTable().rows()) {
    ONNXOperator &entry = operators.emplace_back();
    entry.name = name;
    entry.becomes = versions.rbegin()->second.becomes.str();
    for (const auto &[version, row] : versions)
      entry.versions.push_back(version);
  }
  return operators;
}
