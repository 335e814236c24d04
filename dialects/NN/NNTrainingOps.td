// Losses with their gradients, metrics, optimizer updates.
#ifndef DTC_NN_TRAINING_OPS
#define DTC_NN_TRAINING_OPS

include "dialects/NN/NNOpBase.td"

// A loss is the sum over samples n of sample_weight[n] times the mean over the
// sample's positions: with weights 1/N it is the mean over all; padding rows
// have weight 0, and shares of a batch add up.

def NN_SoftmaxCrossEntropyOp : NN_Op<"softmax_cross_entropy"> {
  let summary = "cross-entropy of logits [N, ..., classes] against class ids [N, ...], with its gradient";
  let description = [{
    The probabilities are never kept. `dlogits` is d loss / d logits. Of bf16 logits it is bf16, the loss f32.

    A position with the label y and the log-probabilities log p has the loss (torch.nn.CrossEntropyLoss, without what it divides by)

      -(1 - label_smoothing) w[y] log p[y] - label_smoothing / classes * the sum over c of w[c] log p[c],

    where w is `class_weight`, or 1; if y is `ignore_index`, which need be no class id, it is 0.

    ```mlir
    %loss, %d = nn.softmax_cross_entropy %logits, %label, %weight class_weight %w {ignore_index = -100 : i64, label_smoothing = 0.1 : f64}
       : (tensor<8x4x50xf32>, tensor<8x4xi64>, tensor<8xf32>, tensor<50xf32>) -> (tensor<f32>, tensor<8x4x50xf32>)
    ```
  }];
  let arguments = (ins NN_Tensor:$logits, NN_ClassIds:$label, NN_FullTensor:$sample_weight, Optional<NN_FullTensor>:$class_weight,
                       OptionalAttr<I64Attr>:$ignore_index, DefaultValuedAttr<F64Attr, "0.0">:$label_smoothing);
  let results = (outs NN_Scalar:$loss, NN_Tensor:$dlogits);
  let assemblyFormat = [{
    $logits `,` $label `,` $sample_weight (`class_weight` $class_weight^)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def NN_BinaryCrossEntropyOp : NN_Op<"binary_cross_entropy"> {
  let summary = "binary cross-entropy of probabilities [N, ...] against targets [N, ...], with its gradient";
  let description = "Logarithms are cut off at -100, as torch.nn.BCELoss does.";
  let arguments = (ins NN_FullTensor:$probability, NN_FullTensor:$label, NN_FullTensor:$sample_weight);
  let results = (outs NN_Scalar:$loss, NN_FullTensor:$dprobability);
  let assemblyFormat = [{
    $probability `,` $label `,` $sample_weight attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def NN_BinaryCrossEntropyWithLogitsOp : NN_Op<"binary_cross_entropy_with_logits"> {
  let summary = "binary cross-entropy of sigmoid(logits [N, ...]) against targets [N, ...], with its gradient";
  let description = [{
    max(z, 0) - z t + log(1 + exp(-|z|)), which no logit overflows. Of bf16 logits `dlogits` is bf16, the loss f32.
  }];
  let arguments = (ins NN_Tensor:$logits, NN_FullTensor:$label, NN_FullTensor:$sample_weight);
  let results = (outs NN_Scalar:$loss, NN_Tensor:$dlogits);
  let assemblyFormat = [{
    $logits `,` $label `,` $sample_weight attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def NN_CountCorrectOp : NN_Op<"count_correct"> {
  let summary = "weighted number of samples whose largest logit is their label";
  let description = [{
    A sample with several positions counts by the share of them that are right. A position whose label is `ignore_index` is not.
  }];
  let arguments = (ins NN_Tensor:$logits, NN_ClassIds:$label, NN_FullTensor:$sample_weight, OptionalAttr<I64Attr>:$ignore_index);
  let results = (outs NN_Scalar:$correct);
  let assemblyFormat = [{
    $logits `,` $label `,` $sample_weight attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

// Updates return the new parameter or statistic, and the new states.

def NN_UpdateOp : NN_Op<"update"> {
  let summary = "one step of an optimizer, of one parameter";
  let description = [{
    What moves how is the optimizer's formula. `states` are those that its settings need, in its order: of the parameter's
    type, or scalars of its element type.

    ```mlir
    %new_w, %new_m, %new_v = nn.update %w, %dw state(%m, %v) rate %lr step %step by adam<lr = 1.0e-3>
       : (tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<f64>, tensor<i64>)
      -> (tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>)
    ```
  }];
  let arguments = (ins NN_FullTensor:$parameter, NN_FullTensor:$gradient, Variadic<NN_FullTensor>:$states,
                       0DTensorOf<[F64]>:$learning_rate, 0DTensorOf<[I64]>:$step, NN_OptimizerAttr:$optimizer);
  let results = (outs NN_FullTensor:$new_parameter, Variadic<NN_FullTensor>:$new_states);
  let assemblyFormat = [{
    $parameter `,` $gradient (`state` `(` $states^ `)`)? `rate` $learning_rate `step` $step `by` custom<Optimizer>($optimizer) attr-dict
    `:` functional-type(operands, results)
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$parameter, "::mlir::Value":$gradient, "::mlir::ValueRange":$states,
                                 "::mlir::Value":$learningRate, "::mlir::Value":$step, "::dtc::nn::OptimizerAttr":$optimizer), [{
    build($_builder, $_state, parameter.getType(), states.getTypes(), parameter, gradient, states, learningRate, step, optimizer);
  }]>];
  let hasVerifier = 1;
}

def NN_RunningAverageUpdateOp : NN_Op<"running_average_update",
    [AllTypesMatch<["average", "value", "new_average"]>]> {
  let summary = "average + momentum (value - average)";
  let description = "How batch normalisation's running statistics follow the batches'.";
  let arguments = (ins NN_FullTensor:$average, NN_FullTensor:$value, F64Attr:$momentum);
  let results = (outs NN_FullTensor:$new_average);
  let assemblyFormat = "$average `,` $value attr-dict `:` type($average)";
}

#endif // DTC_NN_TRAINING_OPS
