// Passes of the Recognition stage, in the order in which they run.
#ifndef DTC_RECOGNITION_PASSES
#define DTC_RECOGNITION_PASSES

include "mlir/Pass/PassBase.td"

def RecogniseDropoutPass : Pass<"dtc-recognise-dropout", "::mlir::func::FuncOp"> {
  let summary = "Dropout that an exporter took apart becomes nn.dropout";
  let description = [{
    Expects a model. PyTorch exports `torchvision.ops.stochastic_depth`, and frameworks without an operator for it dropout itself, as
    uniform numbers that are compared with the probability to keep, or to which it is added before they are rounded down. The comparison
    as numbers is 1 with that probability p, else 0: p itself in the mean, which is what dropout of p with the ratio 1 - p gives in
    training, and p in an evaluation. So the product that follows drops in training, and is the identity in an evaluation, as the model
    was before it was exported.

    Afterwards an `nn.random_uniform` is left only where nothing of the kind follows.

    ```mlir
    %u = nn.random_uniform {low = 0.0 : f64, high = 1.0 : f64} : tensor<4x1xf32>
    %p = nn.constant dense<0.75> : tensor<f32> : tensor<f32>
    %b = nn.less %u, %p : tensor<4x1xf32>, tensor<f32>
    %keep = nn.cast %b : tensor<4x1xi1> -> tensor<4x1xf32>
    ```
    becomes
    ```mlir
    %ps = nn.constant dense<0.75> : tensor<4x1xf32> : tensor<4x1xf32>
    %keep = nn.dropout %ps {ratio = 0.25 : f64} : (tensor<4x1xf32>) -> tensor<4x1xf32>
    ```
  }];
  let dependentDialects = ["::dtc::nn::NNDialect"];
}

def RecogniseActivationsPass : Pass<"dtc-recognise-activations", "::mlir::func::FuncOp"> {
  let summary = "Activations that an exporter wrote as formulas become one op";
  let description = [{
    Expects a model. Exports of opset 19 and below have no operator for gelu, of opset 17 and below none for mish, and none at all for
    silu. Their formulas are compared as polynomials in x and in their one function of x (erf, tanh, sigmoid, a clip), so that neither
    the order of the factors nor what is divided by instead of multiplied with matters; constants agree to 1e-6. `1 / (1 + e^-x)` is a
    sigmoid.

    A formula stays as it is if somebody else reads one of its parts, or if its constants are others (the gelu with x sigmoid(1.702 x)).

    ```mlir
    %half = nn.constant dense<0.5> : tensor<f32> : tensor<f32>
    %one = nn.constant dense<1.0> : tensor<f32> : tensor<f32>
    %root = nn.constant dense<1.41421354> : tensor<f32> : tensor<f32>
    %0 = nn.div %x, %root : tensor<4x8xf32>, tensor<f32>
    %1 = nn.erf %0 : tensor<4x8xf32>
    %2 = nn.add %1, %one : tensor<4x8xf32>, tensor<f32>
    %3 = nn.mul %x, %2 : tensor<4x8xf32>, tensor<4x8xf32>
    %y = nn.mul %3, %half : tensor<4x8xf32>, tensor<f32>
    ```
    becomes
    ```mlir
    %y = nn.gelu %x : tensor<4x8xf32>
    ```
  }];
  let dependentDialects = ["::dtc::nn::NNDialect"];
}

def RecogniseNormalisationsPass : Pass<"dtc-recognise-normalisations", "::mlir::func::FuncOp"> {
  let summary = "Layer, RMS, group and instance normalisation from their parts become one op";
  let description = [{
    Expects a model. What is divided by its root mean square over trailing dimensions, with an epsilon under the root, is `nn.rms_norm`,
    and `nn.layer_norm` where it is a difference to the mean over the same dimensions. A product and a sum behind it become scale and
    bias if they have one value for each element of a row. Where they have one a channel, and each channel, or each of several groups of
    channels (between reshapes), is normalised by itself, it is `nn.group_norm`.

    The parts stay if somebody else reads one of them, if the epsilon is not a constant above 0, or if rows are no trailing dimensions.

    ```mlir
    %mean = nn.reduce_mean %x axes [1] keep : (tensor<4x8xf32>) -> tensor<4x1xf32>
    %d = nn.sub %x, %mean : tensor<4x8xf32>, tensor<4x1xf32>
    %square = nn.pow %d, %two : tensor<4x8xf32>, tensor<f32>
    %variance = nn.reduce_mean %square axes [1] keep : (tensor<4x8xf32>) -> tensor<4x1xf32>
    %sum = nn.add %variance, %epsilon : tensor<4x1xf32>, tensor<f32>
    %root = nn.sqrt %sum : tensor<4x1xf32>
    %y = nn.div %d, %root : tensor<4x8xf32>, tensor<4x1xf32>
    %scaled = nn.mul %y, %scale : tensor<4x8xf32>, tensor<8xf32>
    ```
    becomes
    ```mlir
    %scaled, %mean, %inverse = nn.layer_norm %x scale %scale {axis = 1, epsilon = 1.0e-5}
       : (tensor<4x8xf32>, tensor<8xf32>) -> (tensor<4x8xf32>, tensor<4xf32>, tensor<4xf32>)
    ```
  }];
  let dependentDialects = ["::dtc::nn::NNDialect"];
}

def RecogniseAttentionPass : Pass<"dtc-recognise-attention", "::mlir::func::FuncOp"> {
  let summary = "Two products with a softmax between them become attention";
  let description = [{
    Expects a model. A product of queries and keys that is scaled, perhaps masked, and goes through a softmax into a product with values
    becomes `nn.attention`, of tensors [N, H, T, D] or [N, T, D]. The scale may stand on the scores or on either operand; transposes
    before the products are read as `positions_first` where all three are alike; keys and values whose heads an Expand repeated are
    taken before it.

    Masks that are known are taken together: hidden keys become truth values, or `causal` if position t sees positions up to t. Others
    are taken if they are learned (read from a parameter), or if they hide keys behind -infinity and the parts say that a query without
    keys gives 0.

    The parts stay if somebody else reads the scores or the probabilities (a dropout of these too), and where `nn.attention` would not
    give their values and gradients: a known mask that hides all keys of a query behind a finite number, a mask of inputs that might.

    ```mlir
    %s = nn.matmul %q, %k transposed : (tensor<2x4x8x16xf32>, tensor<2x4x8x16xf32>) -> tensor<2x4x8x8xf32>
    %scaled = nn.mul %s, %quarter : tensor<2x4x8x8xf32>, tensor<f32>
    %p = nn.softmax %scaled axis 3 : tensor<2x4x8x8xf32>
    %y = nn.matmul %p, %v : (tensor<2x4x8x8xf32>, tensor<2x4x8x16xf32>) -> tensor<2x4x8x16xf32>
    ```
    becomes
    ```mlir
    %y, %lse = nn.attention %q, %k, %v {scale = 2.500000e-01 : f64}
       : (tensor<2x4x8x16xf32>, tensor<2x4x8x16xf32>, tensor<2x4x8x16xf32>) -> (tensor<2x4x8x16xf32>, tensor<2x4x8xf32>)
    ```
  }];
  let dependentDialects = ["::dtc::nn::NNDialect"];
}

def RecogniseLossPass : Pass<"dtc-recognise-loss", "::mlir::func::FuncOp"> {
  let summary = "A scalar output that is a loss becomes the loss of the value that it is taken of";
  let description = [{
    Expects a model that brings its own loss: a scalar output, and its labels among the inputs. Runs only where that is asked for
    (`--loss=model`), before the recipe, whose loss it finds. The output becomes the value that the loss is taken of, with the loss in
    `nn.own_loss` and the label's name in `nn.label`; the label is no input any more, and outputs that follow from it are gone. Every later
    stage then sees a model and a loss as any other, exact on any number of ranks: of a mean that stands in a graph, no share knows the
    whole.

    What is recognised: the mean or sum of SoftmaxCrossEntropyLoss and of NegativeLogLikelihoodLoss behind a log_softmax, with class weights
    and labels that are ignored, as the importer writes them; the mean of squared differences; and
    that of binary cross-entropies, of logits or of probabilities whose logarithms are cut off at -100, as PyTorch's exporters write both. Factors that stand before are taken
    together: what is no mean over all samples (or, of class ids, no sum) is refused, since the ranks that share a batch would train by
    something else.

    ```mlir
    func.func @line(%x: tensor<4x2xf32> {nn.input = "x"}, %t: tensor<4x1xf32> {nn.input = "t"}, %w: …) -> (tensor<f32> {nn.output = "loss"}) {
      %y = nn.matmul %x, %w : (tensor<4x2xf32>, tensor<2x1xf32>) -> tensor<4x1xf32>
      %d = nn.sub %y, %t : tensor<4x1xf32>, tensor<4x1xf32>
      %square = nn.mul %d, %d : tensor<4x1xf32>, tensor<4x1xf32>
      %loss = nn.reduce_mean %square axes [0, 1] : (tensor<4x1xf32>) -> tensor<f32>
      return %loss : tensor<f32>
    }
    ```
    becomes
    ```mlir
    func.func @line(%x: tensor<4x2xf32> {nn.input = "x"}, %w: …) -> (tensor<4x1xf32> {nn.label = "t", nn.output = "loss", nn.own_loss = #nn.mse}) {
      %y = nn.matmul %x, %w : (tensor<4x2xf32>, tensor<2x1xf32>) -> tensor<4x1xf32>
      return %y : tensor<4x1xf32>
    }
    ```
  }];
  let options = [
    Option<"output", "output", "std::string", /*default=*/"", "name of the output that is the loss, where there are several scalars">
  ];
  let dependentDialects = ["::dtc::nn::NNDialect"];
}

def CancelTransposesPass : Pass<"dtc-cancel-transposes", "::mlir::func::FuncOp"> {
  let summary = "Ops without a layout of their own take the one in which fewer bytes are transposed";
  let description = [{
    Expects a model. Frameworks that have channels last export them so, and put transposes around what ONNX defines with channels first
    (Conv, pooling, BatchNormalization). Elementwise ops, `concat`, `slice`, `pad`, `broadcast`, sums and means and softmax work in any
    order of dimensions: for each permutation that occurs, those move to the other side of the transposes for which that makes fewer bytes
    to transpose in all. That is a minimum cut of the graph, so residual additions and concatenations move if all their branches together
    gain, and a value that is read in both orders is transposed once. Operands that broadcast (a bias of channels) are reshaped, at no cost.

    Afterwards no transpose of a transpose is left, and one that moves dimensions of size 1 alone is a `reshape`. What has a layout stays
    where it is: `conv`, pooling, normalisations, `matmul`, `gather`, and `reshape` with the order of elements that it flattens; so does
    `dropout`, whose random numbers belong to elements. Values are the same; sums may be taken in another order.

    ```mlir
    %a = nn.transpose %x [0, 2, 3, 1] : (tensor<4x3x8x6xf32>) -> tensor<4x8x6x3xf32>
    %b = nn.add %a, %bias : tensor<4x8x6x3xf32>, tensor<3xf32>
    %c = nn.relu %b : tensor<4x8x6x3xf32>
    %y = nn.transpose %c [0, 3, 1, 2] : (tensor<4x8x6x3xf32>) -> tensor<4x3x8x6xf32>
    ```
    becomes
    ```mlir
    %channels = nn.reshape %bias : tensor<3xf32> -> tensor<1x3x1x1xf32>
    %b = nn.add %x, %channels : tensor<4x3x8x6xf32>, tensor<1x3x1x1xf32>
    %y = nn.relu %b : tensor<4x3x8x6xf32>
    ```
  }];
  let dependentDialects = ["::dtc::nn::NNDialect"];
}

def ExpandRecurrencePass : Pass<"dtc-expand-recurrence", "::mlir::func::FuncOp"> {
  let summary = "nn.lstm becomes products and elementwise ops, step by step";
  let description = [{
    Expects a model, of a target without a call for nn.lstm (all but the CPU). Afterwards there is no nn.lstm. Each step is

    ```mlir
    %p = nn.matmul %h, %r transposed : (tensor<2x3xf32>, tensor<12x3xf32>) -> tensor<2x12xf32>
    %s = nn.add %gates_of_step, %p : tensor<2x12xf32>, tensor<2x12xf32>
    ```
    and the activations, products and sums of its four gates.
  }];
  let dependentDialects = ["::dtc::nn::NNDialect"];
}

#endif // DTC_RECOGNITION_PASSES
