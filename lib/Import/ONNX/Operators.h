// The operators that the importer knows: a row an operator, a file a family.
#ifndef DTC_LIB_IMPORT_ONNX_OPERATORS_H
#define DTC_LIB_IMPORT_ONNX_OPERATORS_H

#include "Node.h"

#include <climits>
#include <map>

namespace dtc::onnximport {

/// Builds the ops of one node and returns what its first output stands for,
/// with Node::give for the others; fails after one error.
using ImportFunction = llvm::FailureOr<Binding> (*)(Node &);

/// One version of one operator's ONNX definition.
struct Operator {
  llvm::StringRef name;
  /// The version of the definition that `import` follows; it is in force until
  /// the next row of the same name. Versions that only add element types have
  /// no row of their own.
  int64_t version;
  unsigned minInputs, maxInputs, maxOutputs;
  ImportFunction import;
  /// What it becomes, in words for the table in Rationale.md.
  llvm::StringRef becomes;
};

inline constexpr unsigned variadic = UINT_MAX;

class OperatorTable {
public:
  /// Adds the rows of a family.
  void add(llvm::ArrayRef<Operator> rows);

  /// The definition in force at an opset; null if the name is unknown.
  const Operator *find(llvm::StringRef name, int64_t opset) const;

  /// By name, then by version.
  using Rows = std::map<std::string, std::map<int64_t, Operator>>;
  const Rows &rows() const { return byName; }

private:
  Rows byName;
};

void addConvolutionOperators(OperatorTable &table);
void addPoolingOperators(OperatorTable &table);
void addNormalisationOperators(OperatorTable &table);
void addAttentionOperators(OperatorTable &table);
void addMatmulOperators(OperatorTable &table);
void addElementwiseOperators(OperatorTable &table);
void addActivationOperators(OperatorTable &table);
void addComparisonOperators(OperatorTable &table);
void addSoftmaxOperators(OperatorTable &table);
void addGatherOperators(OperatorTable &table);
void addRandomOperators(OperatorTable &table);
void addShapeOperators(OperatorTable &table);
void addKnownOperators(OperatorTable &table);
void addReductionOperators(OperatorTable &table);
void addConstantOperators(OperatorTable &table);
void addRecurrentOperators(OperatorTable &table);
void addEinsumOperators(OperatorTable &table);
void addPaddingOperators(OperatorTable &table);
void addResizeOperators(OperatorTable &table);
void addIndexingOperators(OperatorTable &table);
void addGridSampleOperators(OperatorTable &table);
void addLabelLossOperators(OperatorTable &table);
void addScatterOperators(OperatorTable &table);
void addSelectionOperators(OperatorTable &table);
void addSpaceDepthOperators(OperatorTable &table);
void addSequenceOperators(OperatorTable &table);
void addControlFlowOperators(OperatorTable &table);
void addRotaryEmbeddingOperators(OperatorTable &table);
void addColumnOperators(OperatorTable &table);
void addRegionOperators(OperatorTable &table);
void addSpectralOperators(OperatorTable &table);
void addDeterminantOperators(OperatorTable &table);

/// All families.
const OperatorTable &operatorTable();

} // namespace dtc::onnximport

#endif // DTC_LIB_IMPORT_ONNX_OPERATORS_H
