// Batch normalisation: in a model, in a training step, and its gradient.
#ifndef DTC_NN_NORMALISATION_OPS
#define DTC_NN_NORMALISATION_OPS

include "dialects/NN/NNOpBase.td"

// x [N, C, spatial...] of rank 2 to 5; everything else has one value a channel, [C],
// and is f32 where images are bf16.

def NN_BatchNormOp : NN_InferredOp<"batch_norm"> {
  let summary = "batch normalisation of a model (ONNX BatchNormalization)";
  let description = [{
    What a model file says: y = (x - running_mean) / sqrt(running_variance +
    epsilon) * scale + bias. Training normalises with the batch's statistics
    instead and moves the running ones, which are `nn.state` arguments that
    belong to this op alone: dtc-differentiate-graph makes of it what each phase
    needs. `momentum` is the weight of the new value, as in PyTorch. The running
    variance moves towards the unbiased variance of the batch, as in PyTorch, or
    with `biased_variance` towards the biased one, as ONNX defines it.
  }];
  let arguments = (ins NN_Tensor:$x, NN_FullTensor:$scale, NN_FullTensor:$bias,
                       NN_FullTensor:$running_mean, NN_FullTensor:$running_variance,
                       F64Attr:$epsilon, F64Attr:$momentum, UnitAttr:$biased_variance);
  let results = (outs NN_Tensor:$y);
  let assemblyFormat = [{
    $x `,` $scale `,` $bias `running` $running_mean `,` $running_variance attr-dict
    `:` functional-type(operands, results)
  }];
}

def NN_BatchNormTrainingOp
    : NN_EpilogueOp<"batch_norm_training", ".activation = true, .residual = true", [AttrSizedOperandSegments]> {
  let summary = "batch normalisation with the statistics of its own share of the batch";
  let description = [{
    y = (x - mean) / sqrt(variance + epsilon) * scale + bias with the mean and
    the biased variance of each channel over the rows whose sample weight is not
    0; in the others y is 0. A rank, or a microbatch, has the statistics of its
    own rows.

    `mean_part` is the mean, and `variance_part` the unbiased variance, or with
    `biased_variance` the biased one, times the sum of the share's sample weights. The weights of a batch sum to 1, so the sum
    of the parts over all shares is the mean of the shares' statistics, weighted by
    their samples; with one share it is PyTorch's. A single value a channel has no
    unbiased variance (PyTorch refuses it): of a partial batch's share that has no
    more, the parts are those of the running statistics, which then stay where
    they are as far as that share counts, and so it is with `biased_variance`.
    Without them they are the value and 0.

    `mean` and `inverse` = 1 / sqrt(variance + epsilon) are what y was made with,
    kept for the gradient of the same share (PyTorch's `save_mean`, `save_invstd`).

    Its epilogue is a residual, an activation, or both: the call then gives activation(y + residual).

    ```mlir
    %y, %mean_part, %variance_part, %mean, %inverse = nn.batch_norm_training %x, %scale, %bias, %weight {epsilon = 1.0e-5}
       : (tensor<64x16x8x8xf32>, tensor<16xf32>, tensor<16xf32>, tensor<64xf32>)
       -> (tensor<64x16x8x8xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>)
    ```
  }];
  let arguments = !con((ins NN_Tensor:$x, NN_FullTensor:$scale, NN_FullTensor:$bias,
                            NN_FullTensor:$sample_weight, Optional<NN_FullTensor>:$running_mean,
                            Optional<NN_FullTensor>:$running_variance, F64Attr:$epsilon), NN_EpilogueArguments,
                       (ins UnitAttr:$biased_variance));
  let results = (outs NN_Tensor:$y, NN_FullTensor:$mean_part, NN_FullTensor:$variance_part,
                      NN_FullTensor:$mean, NN_FullTensor:$inverse);
  let assemblyFormat = !strconcat([{
    $x `,` $scale `,` $bias `,` $sample_weight (`running` $running_mean^ `,` $running_variance)?
  }], NN_epilogueFormat, [{
    attr-dict `:` functional-type(operands, results)
  }]);
}

def NN_BatchNormGradientOp : NN_Op<"batch_norm_gradient"> {
  let summary = "gradients of batch_norm_training's y with respect to x, scale and bias";
  let description = [{
    `mean` and `inverse` are those of batch_norm_training on the same share; dx
    takes into account that they depend on x. In rows whose sample weight is 0 dx
    is 0, and dy counts nothing.

    With `bias`, dy is the gradient with respect to relu(y): it counts where y > 0,
    which x, the statistics, scale and bias say again, so that y is not read.

    ```mlir
    %dx, %dscale, %dbias = nn.batch_norm_gradient %dy, %x, %scale, %weight statistics %mean, %inverse relu %bias
       : (tensor<64x16x8x8xf32>, tensor<64x16x8x8xf32>, tensor<16xf32>, tensor<64xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>)
       -> (tensor<64x16x8x8xf32>, tensor<16xf32>, tensor<16xf32>)
    ```
  }];
  let arguments = (ins NN_Tensor:$dy, NN_Tensor:$x, NN_FullTensor:$scale,
                       NN_FullTensor:$sample_weight, NN_FullTensor:$mean,
                       NN_FullTensor:$inverse, Optional<NN_FullTensor>:$bias);
  let results = (outs NN_Tensor:$dx, NN_FullTensor:$dscale, NN_FullTensor:$dbias);
  let assemblyFormat = [{
    $dy `,` $x `,` $scale `,` $sample_weight `statistics` $mean `,` $inverse
    (`relu` $bias^)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

#endif // DTC_NN_NORMALISATION_OPS
