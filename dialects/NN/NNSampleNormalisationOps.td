// Normalisations whose statistics are those of one sample, in training and in evaluation alike: layer, RMS and group
// normalisation, and their gradients.
#ifndef DTC_NN_SAMPLE_NORMALISATION_OPS
#define DTC_NN_SAMPLE_NORMALISATION_OPS

include "dialects/NN/NNOpBase.td"

// Rows of x are its trailing dimensions, from `axis` on; statistics have the shape of the leading ones, one value a
// row. Where x is bf16, all else is f32, and so is the arithmetic.

def NN_LayerNormOp : NN_InferredOp<"layer_norm", [AttrSizedOperandSegments]> {
  let summary = "layer normalisation (ONNX LayerNormalization, torch.nn.LayerNorm)";
  let description = [{
    y = (x - mean) / sqrt(variance + epsilon) * scale + bias with the mean and the biased variance of each row.
    `scale` and `bias` have the shape of the normalised dimensions; without them they are 1 and 0.

    `mean` and `inverse` = 1 / sqrt(variance + epsilon) are what y was made with, kept for the gradient.

    ```mlir
    %y, %mean, %inverse = nn.layer_norm %x scale %s bias %b {axis = 2, epsilon = 1.0e-5}
       : (tensor<8x16x64xf32>, tensor<64xf32>, tensor<64xf32>) -> (tensor<8x16x64xf32>, tensor<8x16xf32>, tensor<8x16xf32>)
    ```
  }];
  let arguments = (ins NN_Tensor:$x, Optional<NN_FullTensor>:$scale, Optional<NN_FullTensor>:$bias,
                       I64Attr:$axis, F64Attr:$epsilon);
  let results = (outs NN_Tensor:$y, NN_FullTensor:$mean, NN_FullTensor:$inverse);
  let assemblyFormat = [{
    $x (`scale` $scale^)? (`bias` $bias^)? attr-dict `:` functional-type(operands, results)
  }];
}

def NN_RmsNormOp : NN_InferredOp<"rms_norm"> {
  let summary = "root mean square normalisation (ONNX RMSNormalization, torch.nn.RMSNorm)";
  let description = [{
    y = x / sqrt(mean of x squared + epsilon) * scale, of each row (Zhang & Sennrich 2019). `inverse` is the factor that y was made
    with, kept for the gradient.
  }];
  let arguments = (ins NN_Tensor:$x, Optional<NN_FullTensor>:$scale, I64Attr:$axis, F64Attr:$epsilon);
  let results = (outs NN_Tensor:$y, NN_FullTensor:$inverse);
  let assemblyFormat = [{
    $x (`scale` $scale^)? attr-dict `:` functional-type(operands, results)
  }];
}

def NN_LayerNormGradientOp : NN_Op<"layer_norm_gradient", [AttrSizedOperandSegments, AttrSizedResultSegments]> {
  let summary = "gradients of layer_norm's or rms_norm's y with respect to x, scale and bias";
  let description = [{
    `inverse` and `mean` are what forward kept; without `mean` forward was rms_norm. dx takes into account that
    they depend on x. dscale and dbias, sums over the rows, are absent where nobody needs them.

    ```mlir
    %dx, %dscale, %dbias = nn.layer_norm_gradient %dy, %x inverse %inverse mean %mean scale %s
       : tensor<8x64xf32>, tensor<8x64xf32>, tensor<8xf32>, tensor<8xf32>, tensor<64xf32>
       -> tensor<8x64xf32> scale tensor<64xf32> bias tensor<64xf32>
    ```
  }];
  let arguments = (ins NN_Tensor:$dy, NN_Tensor:$x, NN_FullTensor:$inverse, Optional<NN_FullTensor>:$mean,
                       Optional<NN_FullTensor>:$scale);
  let results = (outs NN_Tensor:$dx, Optional<NN_FullTensor>:$dscale, Optional<NN_FullTensor>:$dbias);
  let assemblyFormat = [{
    $dy `,` $x `inverse` $inverse (`mean` $mean^)? (`scale` $scale^)? attr-dict
    `:` type(operands) `->` type($dx) (`scale` type($dscale)^)? (`bias` type($dbias)^)?
  }];
  let extraClassDeclaration = [{
    /// The first dimension of a row.
    int64_t getAxis() { return getInverse().getType().getRank(); }
  }];
  let hasVerifier = 1;
}

// x [N, C, spatial...] of rank 2 to 5, its channels in groups of neighbours; scale and bias have one value a channel [C], statistics
// one a sample and group [N, groups].

def NN_GroupNormOp : NN_InferredOp<"group_norm"> {
  let summary = "group normalisation (ONNX GroupNormalization 21, torch.nn.GroupNorm)";
  let description = [{
    y = (x - mean) / sqrt(variance + epsilon) * scale + bias with the mean and the biased variance of each sample's
    groups of channels over their positions (Wu & He 2018). With a group for each channel it is instance normalisation.

    `mean` and `inverse` = 1 / sqrt(variance + epsilon) are what y was made with, kept for the gradient.

    ```mlir
    %y, %mean, %inverse = nn.group_norm %x, %s, %b groups 4 {epsilon = 1.0e-5}
       : (tensor<8x16x5x5xf32>, tensor<16xf32>, tensor<16xf32>) -> (tensor<8x16x5x5xf32>, tensor<8x4xf32>, tensor<8x4xf32>)
    ```
  }];
  let arguments = (ins NN_Tensor:$x, NN_FullTensor:$scale, NN_FullTensor:$bias, I64Attr:$groups, F64Attr:$epsilon);
  let results = (outs NN_Tensor:$y, NN_FullTensor:$mean, NN_FullTensor:$inverse);
  let assemblyFormat = [{
    $x `,` $scale `,` $bias `groups` $groups attr-dict `:` functional-type(operands, results)
  }];
}

def NN_GroupNormGradientOp : NN_Op<"group_norm_gradient"> {
  let summary = "gradients of group_norm's y with respect to x, scale and bias";
  let description = [{
    `mean` and `inverse` are what group_norm kept of the same x, and say its groups; dx takes into account that they depend on x.
    dscale and dbias are sums over samples and positions.
  }];
  let arguments = (ins NN_Tensor:$dy, NN_Tensor:$x, NN_FullTensor:$scale, NN_FullTensor:$mean, NN_FullTensor:$inverse);
  let results = (outs NN_Tensor:$dx, NN_FullTensor:$dscale, NN_FullTensor:$dbias);
  let assemblyFormat = [{
    $dy `,` $x `,` $scale `statistics` $mean `,` $inverse attr-dict `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = [{
    int64_t getGroups() { return getMean().getType().getDimSize(1); }
  }];
  let hasVerifier = 1;
}

#endif // DTC_NN_SAMPLE_NORMALISATION_OPS
