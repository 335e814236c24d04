// Recurrent layers: of each the part in which a step depends on the step before, and its gradient.
#ifndef DTC_NN_RECURRENT_OPS
#define DTC_NN_RECURRENT_OPS

include "dialects/NN/NNOpBase.td"

def NN_LstmOp : NN_InferredOp<"lstm"> {
  let summary = "the recurrence of an LSTM (Hochreiter and Schmidhuber 1997; ONNX LSTM without peepholes)";
  let description = [{
    `gates` [T, N, 4H] is what the input gives the input, output, forget and cell
    gate of each step (ONNX's order), biases included: one product over the whole
    sequence, which is an op of its own. With r [4H, H], and h0 and c0 [N, H] as the
    state before the first step, a step has (i, o, f, g) = gates + h r^T and
        c = sigmoid(f) c + sigmoid(i) tanh(g),  h = sigmoid(o) tanh(c).
    `reverse`: from the last step to the first.

    h and c [T, N, H] are the states behind each step. `activated` [T, N, 4H] holds
    sigmoid(i), sigmoid(o), sigmoid(f) and tanh(g) for the gradient.

    ```mlir
    %h, %c, %a = nn.lstm %gates, %r, %h0, %c0 reverse
       : (tensor<64x32x1024xf32>, tensor<1024x256xf32>, tensor<32x256xf32>, tensor<32x256xf32>)
       -> (tensor<64x32x256xf32>, tensor<64x32x256xf32>, tensor<64x32x1024xf32>)
    ```
  }];
  let arguments = (ins NN_FullTensor:$gates, NN_FullTensor:$r, NN_FullTensor:$h0, NN_FullTensor:$c0, UnitAttr:$reverse);
  let results = (outs NN_FullTensor:$h, NN_FullTensor:$c, NN_FullTensor:$activated);
  let assemblyFormat = "$gates `,` $r `,` $h0 `,` $c0 (`reverse` $reverse^)? attr-dict `:` functional-type(operands, results)";
}

def NN_LstmGradientOp : NN_Op<"lstm_gradient"> {
  let summary = "gradients of nn.lstm's h and c with respect to gates, r, h0 and c0";
  let description = [{
    h, c and `activated` are those of nn.lstm with the same operands; dc, of c's
    type, may be left out where nobody reads c. dr is the sum over all steps and
    samples.
  }];
  let arguments = (ins NN_FullTensor:$dh, NN_FullTensor:$r, NN_FullTensor:$h0, NN_FullTensor:$c0, NN_FullTensor:$h,
                       NN_FullTensor:$c, NN_FullTensor:$activated, Optional<NN_FullTensor>:$dc, UnitAttr:$reverse);
  let results = (outs NN_FullTensor:$dgates, NN_FullTensor:$dr, NN_FullTensor:$dh0, NN_FullTensor:$dc0);
  let assemblyFormat = [{
    $dh `,` $r `,` $h0 `,` $c0 `,` $h `,` $c `,` $activated (`cell` $dc^)? (`reverse` $reverse^)?
    attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

#endif // DTC_NN_RECURRENT_OPS
