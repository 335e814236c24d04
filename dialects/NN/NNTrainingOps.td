// Losses with their gradients, metrics, optimizer updates.
#ifndef DTC_NN_TRAINING_OPS
#define DTC_NN_TRAINING_OPS

include "dialects/NN/NNOpBase.td"

// A loss is the sum over samples n of sample_weight[n] times the mean over the
// sample's positions: with weights 1/N it is the mean over all; padding rows
// have weight 0, and shares of a batch add up.

def NN_SoftmaxCrossEntropyOp : NN_Op<"softmax_cross_entropy"> {
  let summary = "cross-entropy of logits [N, ..., classes] against class ids [N, ...], with its gradient";
  let description = "The probabilities are never kept. `dlogits` is d loss / d logits. Of bf16 logits it is bf16, the loss f32.";
  let arguments = (ins NN_Tensor:$logits, NN_ClassIds:$label, NN_FullTensor:$sample_weight);
  let results = (outs NN_Scalar:$loss, NN_Tensor:$dlogits);
  let assemblyFormat = [{
    $logits `,` $label `,` $sample_weight attr-dict `:` functional-type(operands, results)
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
  let description = "A sample with several positions counts by the share of them that are right.";
  let arguments = (ins NN_Tensor:$logits, NN_ClassIds:$label, NN_FullTensor:$sample_weight);
  let results = (outs NN_Scalar:$correct);
  let assemblyFormat = [{
    $logits `,` $label `,` $sample_weight attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

// Updates return the new parameter or statistic, and the new state; shapes are all equal.

def NN_SGDUpdateOp : NN_Op<"sgd_update"> {
  let summary = "one step of torch.optim.SGD";
  let arguments = (ins NN_FullTensor:$parameter, NN_FullTensor:$gradient,
                       Optional<NN_FullTensor>:$momentum_buffer, 0DTensorOf<[I64]>:$step,
                       NN_SGDAttr:$optimizer);
  let results = (outs NN_FullTensor:$new_parameter, Optional<NN_FullTensor>:$new_momentum_buffer);
  let assemblyFormat = [{
    $parameter `,` $gradient (`momentum` $momentum_buffer^)? `step` $step $optimizer attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def NN_AdamUpdateOp : NN_Op<"adam_update",
    [AllTypesMatch<["parameter", "gradient", "m", "v", "new_parameter", "new_m", "new_v"]>]> {
  let summary = "one step of torch.optim.Adam or AdamW";
  let arguments = (ins NN_FullTensor:$parameter, NN_FullTensor:$gradient, NN_FullTensor:$m,
                       NN_FullTensor:$v, 0DTensorOf<[I64]>:$step, NN_AdamAttr:$optimizer);
  let results = (outs NN_FullTensor:$new_parameter, NN_FullTensor:$new_m, NN_FullTensor:$new_v);
  let assemblyFormat = [{
    $parameter `,` $gradient `,` $m `,` $v `step` $step $optimizer attr-dict
    `:` type($parameter) `,` type($step)
  }];
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
