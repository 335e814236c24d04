// Ops whose values are drawn: from counters, so that every rank, microbatch and recomputation draws the same.
#ifndef DTC_NN_RANDOM_OPS
#define DTC_NN_RANDOM_OPS

include "dialects/NN/NNOpBase.td"

// An op of a model that draws anew wherever it stands: two that look the same are not one. Unused it is dead.
class NN_DrawingOp<string mnemonic, list<Trait> traits = []>
    : Op<NN_Dialect, mnemonic, !listconcat([DeclareOpInterfaceMethods<MemoryEffectsOpInterface>], traits)> {
  let extraClassDefinition = [{
    void $cppClass::getEffects(
        ::llvm::SmallVectorImpl<::mlir::SideEffects::EffectInstance<::mlir::MemoryEffects::Effect>> &effects) {
      effects.emplace_back(::mlir::MemoryEffects::Allocate::get(), getOperation()->getOpResult(0));
    }
  }];
}

def NN_DropoutOp : NN_DrawingOp<"dropout", [InferTypeOpAdaptor]> {
  let summary = "dropout of a model (ONNX Dropout, torch.nn.Dropout)";
  let description = [{
    What a model file says. In training each element is 0 with probability `ratio` and multiplied by 1 / (1 - ratio) otherwise;
    in an evaluation x stays as it is. dtc-differentiate-graph makes of it what each phase needs.

    ```mlir
    %y = nn.dropout %x {ratio = 1.0e-1 : f64} : (tensor<64x128xf32>) -> tensor<64x128xf32>
    ```
  }];
  let arguments = (ins NN_Tensor:$x, F64Attr:$ratio);
  let results = (outs NN_Tensor:$y);
  let assemblyFormat = "$x attr-dict `:` functional-type(operands, results)";
  let hasFolder = 1;
}

def NN_RandomUniformOp : NN_DrawingOp<"random_uniform"> {
  let summary = "numbers from low up to high (ONNX RandomUniform, RandomUniformLike)";
  let description = [{
    What a model file says where an exporter took dropout apart. dtc-recognise-dropout makes `nn.dropout` of those that are compared with the
    probability to keep; what else draws has no meaning in an evaluation, and is refused.

    ```mlir
    %u = nn.random_uniform {low = 0.0 : f64, high = 1.0 : f64} : tensor<64x1x1x1xf32>
    ```
  }];
  let arguments = (ins F64Attr:$low, F64Attr:$high);
  let results = (outs NN_Tensor:$y);
  let assemblyFormat = "attr-dict `:` type($y)";
}

def NN_DropoutTrainingOp : NN_InferredOp<"dropout_training"> {
  let summary = "x with a part of its elements dropped, which counters choose";
  let description = [{
    y = x / (1 - ratio) where an element is kept, else 0. What is kept follows from the run's seed and from the counters alone:
    `stream`, the number of the op's dropout in the model; `step`, the number of the step; the sample's place in the whole batch,
    which `sample` [N] holds for each sample of x; and the element's offset in its sample. So it depends neither on ranks nor on
    microbatches, and the adjoint, which is this op on dy, draws the mask again.

    x in row-major order is [outer, N, inner]; the offset of element (o, n, i) is o * inner + i. Without `sample` x is one sample,
    number 0: a value that belongs to no sample, of which every rank has all.

    Words are those of Philox4x32-10 (Salmon et al. 2011): words 0 to 3 of the counter (offset / 4, sample, step, stream) belong to
    offsets 4k to 4k + 3. An element is dropped if its word is below ratio * 2^32.

    ```mlir
    %y = nn.dropout_training %x step %step sample %sample {ratio = 1.0e-1 : f64, stream = 0 : i64}
       : (tensor<64x128xf32>, tensor<i64>, tensor<64xi64>) -> tensor<64x128xf32>
    ```
  }];
  let arguments = (ins NN_Tensor:$x, 0DTensorOf<[I64]>:$step, Optional<1DTensorOf<[I64]>>:$sample, F64Attr:$ratio,
                       I64Attr:$stream, DefaultValuedAttr<I64Attr, "1">:$outer);
  let results = (outs NN_Tensor:$y);
  let assemblyFormat = "$x `step` $step (`sample` $sample^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
  let hasFolder = 1;
  let extraClassDeclaration = [{
    /// Where x's samples lie: dimension `dim` is outer x N x inner.
    struct Samples {
      unsigned dim;
      int64_t outer;
    };
    /// None without `sample`, or if they lie across dimensions, which the verifier refuses.
    ::std::optional<Samples> getSamples();
  }];
}

#endif // DTC_NN_RANDOM_OPS
