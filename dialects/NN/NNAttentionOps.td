// Scaled dot-product attention and its gradient.
#ifndef DTC_NN_ATTENTION_OPS
#define DTC_NN_ATTENTION_OPS

include "dialects/NN/NNOpBase.td"

// Of truth values, or added to the scores; f32 where q, k and v are bf16.
def NN_AttentionMask : StaticShapeTensorOf<[I1, F32, F64]>;

defvar NN_AttentionAttributes = (ins
  F64Attr:$scale,              // what the scores q k^T are multiplied by
  UnitAttr:$causal,            // position t of q attends to positions s <= t of k
  UnitAttr:$positions_first);  // q is [N, T, H, D], and so are the others

def NN_AttentionOp : NN_InferredOp<"attention"> {
  let summary = "scaled dot-product attention (ONNX Attention without its projections)";
  let description = [{
    y = softmax(scale q k^T + mask) v (Vaswani et al. 2017), with q [N, H, T, D],
    k [N, G, S, D], v [N, G, S, E] and y [N, H, T, E]. G divides H: the heads
    i H/G to (i + 1) H/G - 1 of q share head i of k and v (grouped queries). With
    `positions_first` dimensions 1 and 2 of q, k, v and y change places: what a
    projection gives, [N, T, H * D], is [N, T, H, D] by a reshape.

    The mask has a shape that broadcasts to [N, H, T, S]: of i1 it says to which
    keys a query attends, of floats it is added to the scaled scores. `causal`
    lets position t attend to positions s <= t, whatever T and S are (PyTorch's
    and ONNX's `is_causal`). A query that has no key, by either or by -infinity
    in an added mask, has y = 0, as in PyTorch.

    `lse` [N, H, T] is the logarithm of the sum of the exponentials of a query's
    scores, from which the gradient has the probabilities again; -infinity of a
    query without keys. No tensor of T x S elements is made.

    ```mlir
    %y, %lse = nn.attention %q, %k, %v mask %m causal {scale = 1.250000e-01 : f64}
       : (tensor<4x12x256x64xf32>, tensor<4x4x256x64xf32>, tensor<4x4x256x64xf32>, tensor<4x1x1x256xi1>)
       -> (tensor<4x12x256x64xf32>, tensor<4x12x256xf32>)
    ```
  }];
  let arguments = !con((ins NN_Tensor:$q, NN_Tensor:$k, NN_Tensor:$v, Optional<NN_AttentionMask>:$mask),
                       NN_AttentionAttributes);
  let results = (outs NN_Tensor:$y, NN_FullTensor:$lse);
  let assemblyFormat = [{
    $q `,` $k `,` $v (`mask` $mask^)? (`causal` $causal^)? (`positions_first` $positions_first^)?
    attr-dict `:` functional-type(operands, results)
  }];
}

def NN_AttentionGradientOp : NN_Op<"attention_gradient"> {
  let summary = "gradients of attention's y with respect to q, k, v and an added mask";
  let description = [{
    `y` and `lse` are those of nn.attention with the same operands and attributes
    (Dao 2023, "FlashAttention-2"). `dmask`, where it is asked for, has the added
    mask's type: sums over the dimensions that are broadcast.

    ```mlir
    %dq, %dk, %dv = nn.attention_gradient %dy, %q, %k, %v, %y, %lse {scale = 1.250000e-01 : f64}
       : (tensor<4x12x256x64xf32>, tensor<4x12x256x64xf32>, tensor<4x12x256x64xf32>, tensor<4x12x256x64xf32>,
          tensor<4x12x256x64xf32>, tensor<4x12x256xf32>)
       -> (tensor<4x12x256x64xf32>, tensor<4x12x256x64xf32>, tensor<4x12x256x64xf32>)
    ```
  }];
  let arguments = !con((ins NN_Tensor:$dy, NN_Tensor:$q, NN_Tensor:$k, NN_Tensor:$v, NN_Tensor:$y, NN_FullTensor:$lse,
                            Optional<NN_AttentionMask>:$mask), NN_AttentionAttributes);
  let results = (outs NN_Tensor:$dq, NN_Tensor:$dk, NN_Tensor:$dv, Optional<NN_FullTensor>:$dmask);
  let assemblyFormat = [{
    $dy `,` $q `,` $k `,` $v `,` $y `,` $lse (`mask` $mask^)? (`causal` $causal^)? (`positions_first` $positions_first^)?
    attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

#endif // DTC_NN_ATTENTION_OPS
