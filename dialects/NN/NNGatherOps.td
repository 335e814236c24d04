// Ops that choose elements by integers.
#ifndef DTC_NN_GATHER_OPS
#define DTC_NN_GATHER_OPS

include "dialects/NN/NNOpBase.td"

def NN_GatherOp : NN_InferredOp<"gather"> {
  let summary = "the slices of data along an axis that indices name (ONNX Gather; an embedding along axis 0)";
  let description = [{
    Of data [a…, rows, b…] and indices [i…] the result is [a…, i…, b…]. Negative indices count from the end; one outside of
    [-rows, rows) ends a program with an error that names it.

    ```mlir
    %y = nn.gather %table, %ids axis 0 : (tensor<50257x768xf32>, tensor<4x256xi64>) -> tensor<4x256x768xf32>
    ```
  }];
  let arguments = (ins NN_AnyTensor:$data, NN_Integer:$indices, I64Attr:$axis);
  let results = (outs NN_AnyTensor:$y);
  let assemblyFormat = "$data `,` $indices `axis` $axis attr-dict `:` functional-type(operands, results)";
}

def NN_GatherGradientOp : NN_Op<"gather_gradient"> {
  let summary = "each slice of dy added up where gather took it from; zeros elsewhere";
  let description = [{
    What is added to one element is added in the order of the indices, in f32 of bf16 too. There is never a tensor of
    indices times rows.

    ```mlir
    %dtable = nn.gather_gradient %dy, %ids axis 0 : tensor<4x256x768xf32>, tensor<4x256xi64> -> tensor<50257x768xf32>
    ```
  }];
  let arguments = (ins NN_Tensor:$dy, NN_Integer:$indices, I64Attr:$axis);
  let results = (outs NN_FullTensor:$ddata);
  let assemblyFormat = "$dy `,` $indices `axis` $axis attr-dict `:` type($dy) `,` type($indices) `->` type($ddata)";
  let hasVerifier = 1;
}

#endif // DTC_NN_GATHER_OPS
