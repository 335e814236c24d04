// The nn dialect: the training graph on ranked, static tensors.
#ifndef DTC_NN_DIALECT
#define DTC_NN_DIALECT

include "mlir/IR/OpBase.td"

def NN_Dialect : Dialect {
  let name = "nn";
  let cppNamespace = "::dtc::nn";
  let summary = "Neural networks and their training step on static tensors";
  let description = [{
    A model is a `func.func` whose arguments and results carry attributes of
    this dialect:

    | attribute on                | name           | meaning                                   |
    |-----------------------------|----------------|-------------------------------------------|
    | argument                    | `nn.input`     | a model input; the batch is dimension 0   |
    | argument                    | `nn.parameter` | a trained tensor, under its source name   |
    | argument with nn.parameter  | `nn.init`      | its initial value (`#nn.uniform<…>`, `#nn.normal<…>`, `#nn.constant<…>` or `dense…`) |
    | argument with nn.parameter  | `nn.frozen`    | it is not trained: it has no gradient, update or state, and keeps its value |
    | argument with nn.parameter  | `nn.rate_scale` | what the learning rate is multiplied by for it, `f64` |
    | argument with nn.parameter  | `nn.no_decay`  | it is updated without weight decay |
    | argument with nn.parameter  | `nn.constant_use` | why it looks like a constant, in words |
    | argument                    | `nn.label`     | what the loss compares the output with    |
    | argument with nn.label      | `nn.classes`   | labels are class ids below this           |
    | argument with nn.input      | `nn.classes`   | its whole numbers choose from a table of so many rows: they lie in [-rows, rows) |
    | argument                    | `nn.sample_weight` | per-sample weight, `tensor<Nxf32>`: 1/N for a sample, 0 for padding |
    | argument                    | `nn.loss_weight` | what the loss takes for the sample weight where labels do not count alike, `tensor<Nxf32>`: a sample's positions over what the labels of the batch count, 0 for padding |
    | argument                    | `nn.sample_index` | the place of each sample in the whole batch, `tensor<Nxi64>`; in steps that draw random values |
    | argument                    | `nn.step`      | the 1-based number of the step, `tensor<i64>` |
    | argument                    | `nn.learning_rate` | the learning rate of the step, `tensor<f64>` |
    | argument                    | `nn.state`     | what is kept from step to step, under its checkpoint name; `nn.init` is its start value |
    | argument with nn.state      | `nn.statistic` | it is the model's (a running mean), not the optimizer's: evaluation and prediction read it too |
    | result                      | `nn.output`    | a model output, under its source name; of a prediction its only result |
    | result                      | `nn.parameter`, `nn.state` | the new value of the argument of the same name |
    | result                      | `nn.loss`, `nn.correct`    | scalars of the step and of the evaluation |
    | function                    | `nn.model`     | the model's name; the function is a graph |
    | result with nn.output       | `nn.own_loss`  | the loss that the model itself takes of it, `#nn.cross_entropy<…>`, against the input whose name is `nn.label` of the same result |
    | function                    | `nn.recipe`    | `#nn.recipe<…>`: loss, optimizer, batch   |
    | function                    | `nn.phase`     | `"train"`, `"evaluate"` or `"predict"`, once there is a step |
    | function                    | `nn.precision` | `"tf32"` or `"bf16"`: what matrix products and convolutions round their operands to |
    | function                    | `nn.whole_batches` | the op for whose sake no batch may be partial |

    Names in these attributes are the source model's own, unchanged; whatever
    needs an identifier derives one.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect"];
  let hasConstantMaterializer = 1;
  let hasOperationAttrVerify = 1;
  let hasRegionArgAttrVerify = 1;
  let hasRegionResultAttrVerify = 1;
  let extraClassDeclaration = [{
    void registerAttributes();
    ::mlir::Attribute parseAttribute(::mlir::DialectAsmParser &parser, ::mlir::Type type) const override;
    void printAttribute(::mlir::Attribute attribute, ::mlir::DialectAsmPrinter &printer) const override;

    /// What formulas cost, found once.
    struct FormulaSizes {
      ::std::mutex mutex;
      ::llvm::DenseMap<::mlir::Attribute, ::dtc::FormulaSize> sizes;
    };
    FormulaSizes formulaSizes;
  }];
}

#endif // DTC_NN_DIALECT
