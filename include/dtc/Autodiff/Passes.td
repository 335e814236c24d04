// Passes of the Autodiff stage, in the order in which they run.
#ifndef DTC_AUTODIFF_PASSES
#define DTC_AUTODIFF_PASSES

include "mlir/Pass/PassBase.td"

def StoreConstantsPass : Pass<"dtc-store-constants", "::mlir::func::FuncOp"> {
  let summary = "Large constants of a model become parameters that are not trained";
  let description = [{
    Constants are part of the text of a program, in which large ones (the mask of a
    thousand positions) have no place. Those of more than `most` elements that are
    not one number become arguments of the model with `nn.parameter`, `nn.frozen`
    and `nn.init`, and so part of the file that brings initial values. Booleans and
    integers are stored as the same numbers in float32 and cast where they are
    used; integers beyond 2^24 stay as they are.

    Recognition comes before, and has taken away what it knows a form of.

    ```mlir
    %mask = nn.constant dense<...> : tensor<512x512xi1> : tensor<512x512xi1>
    ```
    becomes, with `%arg: tensor<512x512xf32> {nn.frozen, nn.init = dense<...>, nn.parameter = "constant:mask"}`,
    ```mlir
    %mask = nn.cast %arg : tensor<512x512xf32> -> tensor<512x512xi1>
    ```
  }];
  let options = [
    Option<"most", "most", "int64_t", /*default=*/"int64_t{1} << 16", "elements that a constant may have and stay">
  ];
  let dependentDialects = ["::dtc::nn::NNDialect"];
}

def MaskPaddingPass : Pass<"dtc-mask-padding", "::mlir::func::FuncOp"> {
  let summary = "Keep rows that pad a partial batch out of what mixes samples";
  let description = [{
    The last batch of an epoch may hold fewer samples than the model was compiled
    for; its other rows are there (copies of a sample) and have the sample weight
    0. Losses leave them out. This pass sees to it that nothing else of the model
    takes them in: it follows the samples from the inputs through the sharding
    rules of the ops, and

    - where an op sums over samples (`reduce_sum`, `matmul`, `conv`), padding is 0
      in its operands;
    - where an op needs all samples at once and knows a value that takes no part
      (`softmax`: a very small one), padding is that, and 0 in the result;
    - a `reduce_mean` becomes a sum over the number of elements, of samples those
      that are there; none is left;
    - where none of this is possible (a `concat` of batches, an output whose rows
      are no samples), the function carries `nn.whole_batches`, with the op's name:
      the program then refuses data of which a batch would be partial. A warning
      tells.

    Masks and counts are made of the sample weights, which become an argument of
    the model if they are needed. Differentiation behind this pass finds gradients
    that are 0 in the padding. Models that treat each sample alone stay as they are.

    ```mlir
    %mean = nn.reduce_mean %x axes [0] keep : (tensor<4x3xf32>) -> tensor<1x3xf32>
    ```
    becomes, with `%weight: tensor<4xf32> {nn.sample_weight}`,
    ```mlir
    %ones = nn.where_positive %weight, %one, %zero : tensor<4xf32>, tensor<f32>, tensor<f32>
    %count = nn.reduce_sum %ones axes [0] : (tensor<4xf32>) -> tensor<f32>
    %column = nn.reshape %weight : tensor<4xf32> -> tensor<4x1xf32>
    %masked = nn.where_positive %column, %x, %zero : tensor<4x1xf32>, tensor<4x3xf32>, tensor<f32>
    %sum = nn.reduce_sum %masked axes [0] keep : (tensor<4x3xf32>) -> tensor<1x3xf32>
    %mean = nn.div %sum, %count : tensor<1x3xf32>, tensor<f32>
    ```
  }];
  let options = [
    Option<"output", "output", "std::string", /*default=*/"",
           "name of the model output that is trained, where there are several">
  ];
  let dependentDialects = ["::dtc::nn::NNDialect"];
}

def SimplifyGraphPass : Pass<"dtc-simplify-graph", "::mlir::func::FuncOp"> {
  let summary = "Local rewrites of an nn graph that make its training step cheaper";
  let description = [{
    Rewrites an nn function until nothing applies. Every rewrite keeps the value
    and the gradients; the reason stands at each pattern. It expects a graph
    without adjoints (it may run again on a step, where the rewrites that would
    change a gradient's meaning see that they do not apply). Afterwards

    - `relu` and `leaky_relu` stand behind a `max_pool`, where there are fewer elements;
    - no `reshape` of a `reshape` and no `transpose` of a `transpose` is left, and a
      transposed matrix is read transposed by `matmul`;
    - `log` of `softmax` is `log_softmax`;
    - elementwise ops do the broadcasting themselves;
    - a `batch_norm_gradient` behind a relu's gradient decides by itself where the relu
      let through, if nobody else reads that gradient;
    - elementwise ops on constants that are one value throughout are folded, and
      identities and dead ops are gone.

    ```mlir
    %1 = nn.relu %0 : tensor<8x32x26x26xf32>
    %2, %index = nn.max_pool %1 kernel [2, 2] strides [2, 2] pads [0, 0, 0, 0] dilations [1, 1]
       : (tensor<8x32x26x26xf32>) -> (tensor<8x32x13x13xf32>, tensor<8x32x13x13xui8>)
    ```
    becomes
    ```mlir
    %1, %index = nn.max_pool %0 kernel [2, 2] strides [2, 2] pads [0, 0, 0, 0] dilations [1, 1]
       : (tensor<8x32x26x26xf32>) -> (tensor<8x32x13x13xf32>, tensor<8x32x13x13xui8>)
    %2 = nn.relu %1 : tensor<8x32x13x13xf32>
    ```
  }];
  let dependentDialects = ["::dtc::nn::NNDialect"];
}

def DifferentiateGraphPass : Pass<"dtc-differentiate-graph", "::mlir::ModuleOp"> {
  let summary = "Turn a model with a recipe into its training step, its evaluation and its prediction";
  let description = [{
    Expects one function with `nn.model` and `nn.recipe`, whose loss
    has the interface of this stage. It is replaced by these functions:

    - `@train` (`nn.phase = "train"`): inputs, label, sample weight, step number,
      learning rate, parameters, state of the model and of the optimizer → loss, new parameters,
      new state;
    - `@evaluate` (`nn.phase = "evaluate"`): inputs, label, sample weight,
      parameters, the model's state → loss, and the weighted number of right answers where the loss
      knows one;
    - `@predict` (`nn.phase = "predict"`): inputs, parameters, the model's state → what the loss is taken of, with `nn.output`. There is
      none where that does not depend on the inputs.

    In `@train` stand the forward ops, the loss, the adjoints in the order that
    finishes each parameter's gradient as early as possible, and all updates at
    the end. An adjoint has its forward op's location inside `fused<"adjoint">`,
    an update its parameter's inside `fused<"update">`. A parameter with `nn.frozen`
    is returned unchanged, without state; so is one that does not influence the loss
    (no gradient reaches it), which is warned about and has `nn.frozen` from then on. Ops
    with state (`nn.batch_norm`) and ops that draw (`nn.dropout`) become what they are in either phase; for the
    latter the step has `nn.sample_index`, the places of its samples in the batch.

    ```mlir
    func.func @line(%x: tensor<4x2xf32> {nn.input = "x"},
                    %w: tensor<2x1xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 0.0>})
        -> (tensor<4x1xf32> {nn.output = "y"})
        attributes {nn.model = "line", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 4>} {
      %y = nn.matmul %x, %w : (tensor<4x2xf32>, tensor<2x1xf32>) -> tensor<4x1xf32>
      return %y : tensor<4x1xf32>
    }
    ```
    becomes (with `@evaluate`, which is the first four lines, and `@predict`, which is the model without its recipe's part)
    ```mlir
    func.func @train(%x: tensor<4x2xf32> {nn.input = "x"}, %label: tensor<4x1xf32> {nn.label},
                     %weight: tensor<4xf32> {nn.sample_weight}, %step: tensor<i64> {nn.step}, %lr: tensor<f64> {nn.learning_rate},
                     %w: tensor<2x1xf32> {nn.init = #nn.constant<value = 0.0>, nn.parameter = "w"})
        -> (tensor<f32> {nn.loss}, tensor<2x1xf32> {nn.parameter = "w"})
        attributes {nn.model = "line", nn.phase = "train", nn.recipe = …} {
      %y = nn.matmul %x, %w : (tensor<4x2xf32>, tensor<2x1xf32>) -> tensor<4x1xf32>
      %difference = nn.sub %y, %label : tensor<4x1xf32>, tensor<4x1xf32>
      …                                                              // %loss, %dy
      %dw = nn.matmul %x transposed, %dy : (tensor<4x2xf32>, tensor<4x1xf32>) -> tensor<2x1xf32>
      %new_w = nn.update %w, %dw rate %lr step %step by sgd<lr = 1.000000e-01>
         : (tensor<2x1xf32>, tensor<2x1xf32>, tensor<f64>, tensor<i64>) -> tensor<2x1xf32>
      return %loss, %new_w : tensor<f32>, tensor<2x1xf32>
    }
    ```
  }];
  let options = [
    Option<"output", "output", "std::string", /*default=*/"",
           "name of the model output that is trained, where there are several">,
    Option<"batchStatistics", "batch-statistics", "::dtc::BatchStatistics",
           /*default=*/"::dtc::BatchStatistics::Share",
           "over which samples batch normalisation takes its statistics",
           [{::llvm::cl::values(
               clEnumValN(::dtc::BatchStatistics::Share, "share",
                          "those of a rank in a microbatch"),
               clEnumValN(::dtc::BatchStatistics::Whole, "whole",
                          "all of the batch"))}]>
  ];
  let dependentDialects = ["::dtc::nn::NNDialect", "::mlir::func::FuncDialect"];
}

def VerifyStepPass : Pass<"dtc-verify-step", "::mlir::ModuleOp"> {
  let summary = "Check what must hold when the nn level ends";
  let description = [{
    Changes nothing. Fails with a diagnostic at the first function, argument,
    result or op that breaks a rule:

    - there is one `@train` and one `@evaluate` function of the same model, and at most one `@predict`, all
      with the arguments and results that `dtc-differentiate-graph` describes;
    - names of inputs are unique, and so are names of parameters and of states;
    - what evaluation reads of the state is the training step's;
    - every parameter and state has an initial value and a result of its own
      name and type, and a parameter that influences the loss has an update unless
      it has `nn.frozen`;
    - every op is an nn op on static tensors (or the return).

    ```mlir
    // error: parameter "w" has no result with its new value
    func.func @train(…, %w: tensor<2x1xf32> {nn.parameter = "w", …}) -> (tensor<f32> {nn.loss})
    ```
  }];
}

#endif // DTC_AUTODIFF_PASSES
