// Ops that move or reduce elements: constants, shapes, reductions, softmax.
#ifndef DTC_NN_SHAPE_OPS
#define DTC_NN_SHAPE_OPS

include "dialects/NN/NNOpBase.td"

def NN_ConstantOp : NN_Op<"constant", [ConstantLike]> {
  let summary = "a constant tensor";
  let arguments = (ins ElementsAttr:$value);
  let results = (outs AnyStaticShapeTensor:$result);
  let assemblyFormat = "$value attr-dict `:` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def NN_ReshapeOp : NN_Op<"reshape"> {
  let summary = "the same elements in the same row-major order under another shape";
  let arguments = (ins NN_AnyTensor:$x);
  let results = (outs NN_AnyTensor:$y);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($y)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def NN_TransposeOp : NN_InferredOp<"transpose"> {
  let summary = "result dimension i is operand dimension permutation[i]";
  let arguments = (ins NN_AnyTensor:$x, DenseI64ArrayAttr:$permutation);
  let results = (outs NN_AnyTensor:$y);
  let assemblyFormat = "$x $permutation attr-dict `:` functional-type(operands, results)";
  let hasFolder = 1;
}

def NN_BroadcastOp : NN_Op<"broadcast"> {
  let summary = "x repeated to the result's shape by numpy's rules";
  let arguments = (ins NN_AnyTensor:$x);
  let results = (outs NN_AnyTensor:$y);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($y)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def NN_ConcatOp : NN_InferredOp<"concat"> {
  let summary = "operands one behind the other along an axis";
  let arguments = (ins Variadic<NN_AnyTensor>:$operands, I64Attr:$axis);
  let results = (outs NN_AnyTensor:$y);
  let assemblyFormat = "$operands `axis` $axis attr-dict `:` functional-type(operands, results)";
}

def NN_SliceOp : NN_Op<"slice"> {
  let summary = "the block of the result's shape that begins at offsets";
  let arguments = (ins NN_AnyTensor:$x, DenseI64ArrayAttr:$offsets);
  let results = (outs NN_AnyTensor:$y);
  let assemblyFormat = "$x $offsets attr-dict `:` type($x) `->` type($y)";
  let hasVerifier = 1;
}

def NN_PadOp : NN_Op<"pad"> {
  let summary = "x at offsets inside zeros of the result's shape (adjoint of slice)";
  let arguments = (ins NN_AnyTensor:$x, DenseI64ArrayAttr:$offsets);
  let results = (outs NN_AnyTensor:$y);
  let assemblyFormat = "$x $offsets attr-dict `:` type($x) `->` type($y)";
  let hasVerifier = 1;
}

class NN_ReductionOp<string mnemonic> : NN_InferredOp<mnemonic> {
  let arguments = (ins NN_Tensor:$x, DenseI64ArrayAttr:$axes, UnitAttr:$keep_dims);
  let results = (outs NN_FullTensor:$y);
  let assemblyFormat = "$x `axes` $axes (`keep` $keep_dims^)? attr-dict `:` functional-type(operands, results)";
}

def NN_ReduceSumOp : NN_ReductionOp<"reduce_sum"> {
  let summary = "sum over axes; a reduced axis stays with length 1 if keep_dims";
  let description = "Sums of bf16 are f32.";
}

def NN_ReduceMeanOp : NN_ReductionOp<"reduce_mean"> {
  let summary = "mean over axes; a reduced axis stays with length 1 if keep_dims";
  let description = [{
    Stands in models alone: over how many elements it is taken depends on the
    samples of a partial batch. `dtc-mask-padding` makes it a sum and a division.
  }];
}

// Computed in f32. With `wide` the result of bf16 is not rounded back.
class NN_AlongAxisOp<string mnemonic> : NN_InferredOp<mnemonic> {
  let arguments = (ins NN_Tensor:$x, I64Attr:$axis, UnitAttr:$wide);
  let results = (outs NN_Tensor:$y);
  let assemblyFormat = "$x `axis` $axis attr-dict `:` type($x)";
}

def NN_SoftmaxOp : NN_AlongAxisOp<"softmax"> {
  let summary = "e^x / sum of e^x along an axis (ONNX Softmax since opset 13)";
}
def NN_LogSoftmaxOp : NN_AlongAxisOp<"log_softmax"> {
  let summary = "logarithm of softmax, stable for large x (ONNX LogSoftmax since opset 13)";
}

#endif // DTC_NN_SHAPE_OPS
