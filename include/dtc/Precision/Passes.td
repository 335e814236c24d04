// Passes of the Precision stage.
#ifndef DTC_PRECISION_PASSES
#define DTC_PRECISION_PASSES

include "mlir/Pass/PassBase.td"

def LowerPrecisionPass : Pass<"dtc-lower-precision", "::mlir::ModuleOp"> {
  let summary = "Round what matrix products and convolutions read";
  let description = [{
    Expects the step and the evaluation as autodiff leaves them, in f32, and
    notes the precision on both (`nn.precision`). With `tf32` that is all: types
    stay, and a library may round as it reads. With `bf16` (Micikevicius et al.
    2018; Kalamkar et al. 2019)

    - matrix products and convolutions read bf16: a parameter is cast once, and all of its uses
      of that kind read the copy; the parameter, its gradient, its update and the
      optimizer's state stay f32;
    - activations and their gradients are bf16 from there on;
    - losses, sums, and what normalisation has one of a channel, are f32;
    - casts stand where a value of the one type meets a need of the other, once for each value, and behind an
      f32 result that products read; matrix products whose result is read as f32 alone write f32 (`wide`).

    Which op reads what is answered by `PrecisionOpInterface`.

    ```mlir
    %y = nn.matmul %x, %w : (tensor<4x2xf32>, tensor<2x1xf32>) -> tensor<4x1xf32>
    …                                                              // %dy
    %dw = nn.matmul %x transposed, %dy : (tensor<4x2xf32>, tensor<4x1xf32>) -> tensor<2x1xf32>
    %new_w = nn.update %w, %dw rate %lr step %step by sgd<lr = 1.000000e-01> : …
    ```
    becomes
    ```mlir
    %x_1 = nn.cast %x : tensor<4x2xf32> -> tensor<4x2xbf16>
    %w_1 = nn.cast %w : tensor<2x1xf32> -> tensor<2x1xbf16>
    %y = nn.matmul %x_1, %w_1 : (tensor<4x2xbf16>, tensor<2x1xbf16>) -> tensor<4x1xbf16>
    …                                                              // %dy, bf16
    %dw = nn.matmul %x_1 transposed, %dy {wide} : (tensor<4x2xbf16>, tensor<4x1xbf16>) -> tensor<2x1xf32>
    %new_w = nn.update %w, %dw rate %lr step %step by sgd<lr = 1.000000e-01> : …
    ```
  }];
  let options = [
    Option<"precision", "precision", "::dtc::Precision", /*default=*/"::dtc::Precision::BF16",
           "what matrix products and convolutions round their operands to",
           [{::llvm::cl::values(
               clEnumValN(::dtc::Precision::F32, "f32", "nothing"),
               clEnumValN(::dtc::Precision::TF32, "tf32", "TF32, where the device has it"),
               clEnumValN(::dtc::Precision::BF16, "bf16", "bf16, as are activations"))}]>
  ];
  let statistics = [Statistic<"casts", "casts", "Casts that were made">];
  let dependentDialects = ["::dtc::nn::NNDialect"];
}

#endif // DTC_PRECISION_PASSES
