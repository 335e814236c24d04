// Passes of the Fusion stage.
#ifndef DTC_FUSION_PASSES
#define DTC_FUSION_PASSES

include "mlir/Pass/PassBase.td"

def FuseEpiloguesPass : Pass<"dtc-fuse-epilogues", "::mlir::ModuleOp"> {
  let summary = "Give biases, residuals, activations and their gradients to the calls before them";
  let description = [{
    oneDNN, cuDNN, cuBLASLt and the runtime's own kernels add a bias and apply an
    activation while they write the result of a convolution, a matrix product, a
    pooling or a batch normalisation, which saves a pass over memory. This pass
    works in every function and fragment:

    - `nn.add` of a bias that runs along the op's bias dimension (the columns of
      `nn.matmul`, the channels of `nn.conv`) and has length 1 in all others
      becomes the op's `bias`;
    - `nn.add` of a tensor of the type of `nn.batch_norm_training`'s result becomes
      the `residual` of its `epilogue`;
    - `nn.relu`, `leaky_relu`, `elu`, `sigmoid`, `tanh` and `gelu` become the epilogue's
      `activation` (and `alpha`);
    - behind an `nn.matmul` that makes the gradient of an activation's result, the
      activation's own (`nn.where_positive` with 0 for relu, `nn.gelu_gradient`) becomes the
      `gradient` of its epilogue, unless a kernel that goes on from there takes it in.

    A result with a second use (the pre-activation that a backward pass reads,
    a value that the fragment returns) is left alone. The op takes on the fused
    location of what it now does.

    Which ops take what is answered by `EpilogueOpInterface`, which ops are
    activations by `ActivationOpInterface`, and which their gradients by
    `ActivationGradientOpInterface`.

    ```mlir
    %0 = nn.matmul %x, %w : (tensor<64x784xf32>, tensor<784x128xf32>) -> tensor<64x128xf32>
    %1 = nn.add %0, %b : tensor<64x128xf32>, tensor<128xf32>
    %2 = nn.relu %1 : tensor<64x128xf32>
    ```

    becomes

    ```mlir
    %2 = nn.matmul %x, %w bias %b epilogue<activation = relu>
       : (tensor<64x784xf32>, tensor<784x128xf32>, tensor<128xf32>) -> tensor<64x128xf32>
    ```
  }];
  let statistics = [
    Statistic<"biases", "biases", "Number of biases given to library calls">,
    Statistic<"residuals", "residuals", "Number of residuals given to calls">,
    Statistic<"activations", "activations", "Number of activations given to library calls">,
    Statistic<"gradients", "gradients", "Number of activations' gradients given to library calls">
  ];
  let dependentDialects = ["::dtc::nn::NNDialect"];
}

def FuseElementwisePass : Pass<"dtc-fuse-elementwise", "::mlir::ModuleOp"> {
  let summary = "Turn chains of elementwise ops into one linalg.generic each";
  let description = [{
    Every elementwise nn op and `nn.broadcast` becomes a `linalg.generic` on
    tensors, whose body is the op's formula on scalars (`ScalarBodyOpInterface`);
    numpy's broadcasting becomes the indexing maps of its operands, and a splat
    `nn.constant` an `arith.constant` in the body. A generic that is the only
    user of another one, and reads it element by element, takes it in; so
    nothing is computed twice.

    Holds afterwards: no elementwise nn op, and no constant or `nn.broadcast`
    that only such ops read, is left. Every generic made here has parallel
    iterators alone, one result with an identity map, its own `tensor.empty` as
    output, the attribute `dtc.ops` with the mnemonics of its nn ops in
    execution order, and their fused location. An op that only repeats an operand
    (`x * 1`) is gone; one whose value is the same everywhere is a splat
    `nn.constant`.

    ```mlir
    %zero = nn.constant dense<0.0> : tensor<f32> : tensor<f32>
    %0 = nn.where_positive %y, %dy, %zero : tensor<64x10xf32>, tensor<64x10xf32>, tensor<f32>
    %1 = nn.mul %0, %scale : tensor<64x10xf32>, tensor<10xf32>
    ```

    becomes

    ```mlir
    %0 = tensor.empty() : tensor<64x10xf32>
    %1 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>,
                                          affine_map<(d0, d1) -> (d0, d1)>,
                                          affine_map<(d0, d1) -> (d1)>,
                                          affine_map<(d0, d1) -> (d0, d1)>],
                         iterator_types = ["parallel", "parallel"]}
        ins(%y, %dy, %scale : tensor<64x10xf32>, tensor<64x10xf32>, tensor<10xf32>)
        outs(%0 : tensor<64x10xf32>) attrs = {dtc.ops = ["where_positive", "mul"]} {
    ^bb0(%in: f32, %in_0: f32, %in_1: f32, %out: f32):
      %cst = arith.constant 0.0 : f32
      %2 = arith.cmpf ole, %in, %cst : f32
      %3 = arith.select %2, %cst, %in_0 : f32
      %4 = arith.mulf %3, %in_1 : f32
      linalg.yield %4 : f32
    } -> tensor<64x10xf32>
    ```
  }];
  let options = [
    Option<"apart", "apart", "bool", /*default=*/"false",
           "leave each op a kernel of its own, which carries the op's signature: for measuring it">
  ];
  let statistics = [
    Statistic<"kernels", "kernels", "Number of kernels made">,
    Statistic<"fused", "fused", "Number of elementwise ops that needed no kernel of their own">
  ];
  let dependentDialects = [
    "::dtc::nn::NNDialect", "::mlir::arith::ArithDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
    "::mlir::tensor::TensorDialect"];
}

#endif // DTC_FUSION_PASSES
