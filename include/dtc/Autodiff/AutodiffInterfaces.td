// What an op and a loss must answer so that a graph with them can be trained.
#ifndef DTC_AUTODIFF_INTERFACES
#define DTC_AUTODIFF_INTERFACES

include "mlir/IR/OpBase.td"

def DifferentiableOpInterface : OpInterface<"DifferentiableOpInterface"> {
  let description = [{
    An op with an adjoint: from the gradients of its results it builds those of
    its operands.
  }];
  let cppNamespace = "::dtc";
  let methods = [
    InterfaceMethod<[{
        Builds the gradient of each operand at the builder, whose location is
        already the op's, marked as adjoint. `resultGradients` holds one value
        for each result, of its type, or null where nothing depends on that
        result. `neededOperands` says for each operand whether its gradient is
        wanted. Returns one value for each operand, of its type; null where it
        was not wanted or is zero everywhere. Fails with a diagnostic at the op.
      }],
      "::llvm::FailureOr<::llvm::SmallVector<::mlir::Value>>", "buildAdjoint",
      (ins "::mlir::ImplicitLocOpBuilder &":$builder,
           "::llvm::ArrayRef<::mlir::Value>":$resultGradients,
           "::llvm::ArrayRef<bool>":$neededOperands)>
  ];
}

def StatefulOpInterface : OpInterface<"StatefulOpInterface"> {
  let description = [{
    An op of a model that keeps values from step to step which no gradient
    moves, and that computes otherwise in training than in evaluation. It stands
    in a model only; dtc-differentiate-graph asks it what stands in each phase.
  }];
  let cppNamespace = "::dtc";
  let methods = [
    InterfaceMethod<"Which operands are the kept values, `nn.state` arguments.",
      "::llvm::SmallVector<unsigned>", "getStateOperands">,
    InterfaceMethod<"Fails with a diagnostic at the op if it cannot be trained on whole batches.",
      "::llvm::LogicalResult", "checkTraining", (ins), "", "return ::llvm::success();">,
    InterfaceMethod<[{
        Builds what the op computes in a training step from `operands`, one for
        each of the op's. `sampleWeight` [N] is 1 / samples, 0 for a row that
        pads the batch; operand 0 has the rows of N samples, or several rows for each. The builder's location is the op's.
      }],
      "::dtc::TrainedOp", "buildTraining",
      (ins "::mlir::ImplicitLocOpBuilder &":$builder, "::mlir::ValueRange":$operands,
           "::mlir::Value":$sampleWeight, "::dtc::BatchStatistics":$statistics)>,
    InterfaceMethod<"Builds the op's results in an evaluation.",
      "::llvm::SmallVector<::mlir::Value>", "buildEvaluation",
      (ins "::mlir::ImplicitLocOpBuilder &":$builder, "::mlir::ValueRange":$operands)>
  ];
}

def RandomOpInterface : OpInterface<"RandomOpInterface"> {
  let description = [{
    An op of a model that draws random values in training and none in an evaluation. It stands in a model only;
    dtc-differentiate-graph asks it what stands in each phase.
  }];
  let cppNamespace = "::dtc";
  let methods = [
    InterfaceMethod<[{
        Builds what the op computes in a training step from `operands`, one for each of the op's. All that is random follows from
        `draw`. The builder's location is the op's.
      }],
      "::llvm::SmallVector<::mlir::Value>", "buildTraining",
      (ins "::mlir::ImplicitLocOpBuilder &":$builder, "::mlir::ValueRange":$operands, "const ::dtc::Draw &":$draw)>,
    InterfaceMethod<"Builds the op's results in an evaluation.",
      "::llvm::SmallVector<::mlir::Value>", "buildEvaluation",
      (ins "::mlir::ImplicitLocOpBuilder &":$builder, "::mlir::ValueRange":$operands)>
  ];
}

def LossInterface : AttrInterface<"LossInterface"> {
  let description = [{
    A loss that a recipe can name. The loss of a batch is the sum over samples n
    of sample_weight[n] times the mean over the sample's positions: weights of
    1/N make it PyTorch's mean reduction, rows of weight 0 are padding, and the
    losses of the shares of a batch add up to the loss of the batch.
  }];
  let cppNamespace = "::dtc";
  let methods = [
    InterfaceMethod<[{
        The type of the labels that a prediction [N, ...] is compared with; fails
        with a diagnostic where the loss cannot be taken of such a prediction.
      }],
      "::llvm::FailureOr<::mlir::RankedTensorType>", "getLabelType",
      (ins "::mlir::Location":$location,
           "::mlir::RankedTensorType":$prediction)>,
    InterfaceMethod<[{
        The number of classes if labels are class ids of a prediction of this
        type, else 0.
      }],
      "int64_t", "getClasses", (ins "::mlir::RankedTensorType":$prediction),
      /*methodBody=*/"", /*defaultImplementation=*/"return 0;">,
    InterfaceMethod<[{
        How much labels count. Where they do not count alike, `sampleWeight` of the methods below is `nn.loss_weight`: it divides by what the
        labels of the whole batch count, which no share of the batch knows.
      }],
      "::dtc::LabelCounts", "getLabelCounts", (ins),
      /*methodBody=*/"", /*defaultImplementation=*/"return {};">,
    InterfaceMethod<"Whether labels are probabilities, in [0, 1].",
      "bool", "labelsAreProbabilities", (ins),
      /*methodBody=*/"", /*defaultImplementation=*/"return false;">,
    InterfaceMethod<[{
        Warns where the loss would do to `prediction`, a value of a model, what the
        model has done to it already. `output` is its name.
      }],
      "void", "remarkOn", (ins "::mlir::Value":$prediction, "::mlir::StringAttr":$output),
      /*methodBody=*/"", /*defaultImplementation=*/"return;">,
    InterfaceMethod<[{
        Builds the loss (a scalar) and its gradient with respect to the
        prediction (of the prediction's type).
      }],
      "::dtc::LossAndGradient", "buildLoss",
      (ins "::mlir::ImplicitLocOpBuilder &":$builder,
           "::mlir::Value":$prediction, "::mlir::Value":$label,
           "::mlir::Value":$sampleWeight)>,
    InterfaceMethod<"Builds the loss alone, for evaluation.",
      "::mlir::Value", "buildLossAlone",
      (ins "::mlir::ImplicitLocOpBuilder &":$builder,
           "::mlir::Value":$prediction, "::mlir::Value":$label,
           "::mlir::Value":$sampleWeight),
      /*methodBody=*/"", /*defaultImplementation=*/[{
        return ::llvm::cast<::dtc::LossInterface>(::mlir::Attribute($_attr))
            .buildLoss(builder, prediction, label, sampleWeight).loss;
      }]>,
    InterfaceMethod<[{
        Builds the weighted number of right predictions (a scalar; with weights
        of 1/N the accuracy), or returns null if the loss knows no right and
        wrong.
      }],
      "::mlir::Value", "buildCorrect",
      (ins "::mlir::ImplicitLocOpBuilder &":$builder,
           "::mlir::Value":$prediction, "::mlir::Value":$label,
           "::mlir::Value":$sampleWeight),
      /*methodBody=*/"", /*defaultImplementation=*/"return {};">
  ];
}

#endif // DTC_AUTODIFF_INTERFACES
