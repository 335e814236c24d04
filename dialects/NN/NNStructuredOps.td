// Convolution, matrix product and pooling, with the ops their adjoints need.
#ifndef DTC_NN_STRUCTURED_OPS
#define DTC_NN_STRUCTURED_OPS

include "dialects/NN/NNOpBase.td"

//===----------------------------------------------------------------------===//
// Convolution: x [N, C, spatial...], w [O, C/groups, kernel...], bias [O]
//===----------------------------------------------------------------------===//

defvar NN_ConvAttributes = (ins
  DenseI64ArrayAttr:$strides,     // one a spatial dimension
  DenseI64ArrayAttr:$dilations,   // one a spatial dimension; 1 is dense
  DenseI64ArrayAttr:$pads,        // all begins, then all ends (ONNX)
  I64Attr:$groups);

def NN_ConvOp : NN_EpilogueOp<"conv", ".activation = true", [AttrSizedOperandSegments]> {
  let summary = "convolution (ONNX Conv) over one to three spatial dimensions";
  let description = [{
    `auto_pad` is resolved by the importer. Its epilogue is an activation.

    ```mlir
    %y = nn.conv %x, %w bias %b strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1
       : (tensor<256x1x28x28xf32>, tensor<32x1x3x3xf32>, tensor<32xf32>) -> tensor<256x32x26x26xf32>
    ```
  }];
  let arguments = !con((ins NN_Tensor:$x, NN_Tensor:$weight,
                            Optional<NN_Tensor>:$bias), NN_ConvAttributes, NN_EpilogueArguments);
  let results = (outs NN_Tensor:$y);
  let assemblyFormat = !strconcat([{
    $x `,` $weight (`bias` $bias^)? `strides` $strides `dilations` $dilations
    `pads` $pads `groups` $groups
  }], NN_epilogueFormat, [{
    attr-dict `:` functional-type(operands, results)
  }]);
}

def NN_ConvInputGradientOp : NN_Op<"conv_input_gradient"> {
  let summary = "gradient of conv with respect to x";
  let arguments = !con((ins NN_Tensor:$dy, NN_Tensor:$weight), NN_ConvAttributes);
  let results = (outs NN_Tensor:$dx);
  let assemblyFormat = [{
    $dy `,` $weight `strides` $strides `dilations` $dilations `pads` $pads
    `groups` $groups attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def NN_ConvWeightGradientOp : NN_Op<"conv_weight_gradient"> {
  let summary = "gradients of conv with respect to its weight and its bias";
  let description = [{
    One library call makes both; without a bias `dbias` is absent. Of bf16 images
    they are f32, as they were accumulated.
  }];
  let arguments = !con((ins NN_Tensor:$x, NN_Tensor:$dy), NN_ConvAttributes);
  let results = (outs NN_FullTensor:$dweight, Optional<NN_FullTensor>:$dbias);
  let assemblyFormat = [{
    $x `,` $dy `strides` $strides `dilations` $dilations `pads` $pads
    `groups` $groups attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Matrix product
//===----------------------------------------------------------------------===//

def NN_MatmulOp : NN_EpilogueOp<"matmul", ".activation = true, .gradient = true", [AttrSizedOperandSegments]> {
  let summary = "matrix product (ONNX MatMul) with broadcast leading dimensions";
  let description = [{
    Both operands have rank 2 or more. `transpose_a` and `transpose_b` swap the
    last two dimensions of an operand. Products of bf16 are accumulated
    in f32; with `wide` they are not rounded back. `bias` (the width of the result) is set by
    the Fusion stage alone. Its epilogue is an activation or, without a bias, the gradient of one.

    ```mlir
    %y = nn.matmul %x, %w transposed bias %b epilogue<activation = relu>
       : (tensor<64x784xf32>, tensor<128x784xf32>, tensor<128xf32>) -> tensor<64x128xf32>
    %dx = nn.matmul %dz, %v epilogue<gradient = relu>(%y)
       : (tensor<64x10xf32>, tensor<10x128xf32>, tensor<64x128xf32>) -> tensor<64x128xf32>
    ```
  }];
  let arguments = !con((ins NN_Tensor:$a, NN_Tensor:$b, Optional<NN_Tensor>:$bias,
    UnitAttr:$transpose_a, UnitAttr:$transpose_b, UnitAttr:$wide), NN_EpilogueArguments);
  let results = (outs NN_Tensor:$y);
  let assemblyFormat = !strconcat([{
    $a (`transposed` $transpose_a^)? `,` $b (`transposed` $transpose_b^)?
    (`bias` $bias^)?
  }], NN_epilogueFormat, [{
    attr-dict `:` functional-type(operands, results)
  }]);
}

//===----------------------------------------------------------------------===//
// Pooling: x [N, C, spatial...]
//===----------------------------------------------------------------------===//

defvar NN_PoolAttributes = (ins
  DenseI64ArrayAttr:$kernel,
  DenseI64ArrayAttr:$strides,
  DenseI64ArrayAttr:$pads,        // all begins, then all ends (ONNX)
  DenseI64ArrayAttr:$dilations);

def NN_MaxPoolOp : NN_EpilogueOp<"max_pool", ".activation = true"> {
  let summary = "maximum over windows (ONNX MaxPool)";
  let description = [{
    `index` says where in its window each maximum stood (row-major position,
    the first one of equals): `ui8` while the window has at most 256 elements,
    else `i32`. With `ceil_mode` the last windows may hang over the end.
    Its epilogue is an activation of `y`.
  }];
  let arguments = !con((ins NN_Tensor:$x), NN_PoolAttributes,
    (ins UnitAttr:$ceil_mode), NN_EpilogueArguments);
  let results = (outs NN_Tensor:$y, NN_WindowIndex:$index);
  let assemblyFormat = !strconcat([{
    $x `kernel` $kernel `strides` $strides `pads` $pads `dilations` $dilations
    (`ceil` $ceil_mode^)?
  }], NN_epilogueFormat, [{
    attr-dict `:` functional-type(operands, results)
  }]);
}

def NN_MaxPoolGradientOp : NN_Op<"max_pool_gradient"> {
  let summary = "gradient of max_pool: each dy goes where its maximum stood";
  let arguments = !con((ins NN_Tensor:$dy, NN_WindowIndex:$index), NN_PoolAttributes);
  let results = (outs NN_Tensor:$dx);
  let assemblyFormat = [{
    $dy `,` $index `kernel` $kernel `strides` $strides `pads` $pads `dilations` $dilations
    attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def NN_AvgPoolOp : NN_InferredOp<"avg_pool"> {
  let summary = "mean over windows (ONNX AveragePool)";
  let arguments = !con((ins NN_Tensor:$x), NN_PoolAttributes,
    (ins UnitAttr:$count_include_pad, UnitAttr:$ceil_mode));
  let results = (outs NN_Tensor:$y);
  let assemblyFormat = [{
    $x `kernel` $kernel `strides` $strides `pads` $pads `dilations` $dilations
    (`ceil` $ceil_mode^)? (`count_include_pad` $count_include_pad^)?
    attr-dict `:` functional-type(operands, results)
  }];
}

def NN_AvgPoolGradientOp : NN_Op<"avg_pool_gradient"> {
  let summary = "gradient of avg_pool: each dy is shared out over its window";
  let arguments = !con((ins NN_Tensor:$dy), NN_PoolAttributes,
    (ins UnitAttr:$count_include_pad));
  let results = (outs NN_Tensor:$dx);
  let assemblyFormat = [{
    $dy `kernel` $kernel `strides` $strides `pads` $pads `dilations` $dilations
    (`count_include_pad` $count_include_pad^)?
    attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

#endif // DTC_NN_STRUCTURED_OPS
