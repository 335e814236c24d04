// The dist dialect: fragments and timelines.
#ifndef DTC_DIST_DIALECT
#define DTC_DIST_DIALECT

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

def Dist_Dialect : Dialect {
  let name = "dist";
  let cppNamespace = "::dtc::dist";
  let summary = "Distributed steps: pure fragments, and one timeline for each role";
  let description = [{
    A module at this level holds a `shard.grid @mesh` whose axes are named by
    its attribute `dist.axes` (`["data"]`, `["data", "pipe"]`), fragments and
    timelines.

    A **fragment** is a pure function on the tensors of one rank. A **timeline**
    is the straight-line list of what every rank of one role does in one step:
    which fragment runs, what travels, what is awaited. Its arguments and
    results carry the attributes of the nn dialect (`nn.input`, `nn.parameter`,
    `nn.state`, `nn.loss`, …); their types are the shapes on ONE rank.

    | attribute on     | name           | meaning                                  |
    |------------------|----------------|------------------------------------------|
    | `shard.grid`     | `dist.axes`    | a name for each axis of the mesh         |
    | argument of a timeline | `dist.shard` | the axis over which its dimension 0 is shared |
    | result of a step, with `nn.output` | `dist.shard` | the axis over which its dimension 0 is shared: rows that a rank makes |
    | result of a fragment | `dist.in_place` | the argument in whose memory it lies |
    | timeline         | `dist.at`      | `{pipe = 0}`: the coordinates of the role's ranks; without it, all ranks |
    | timeline         | `dist.local_batch` | rows of the batch on each of its ranks; needed where no argument shows it |
    | the same         | `dist.first_row` | the first row of the global batch that is theirs; without it, their coordinate on the batch's axis times their rows |
    | `func.func` between the passes of Partition | `dist.axis` | the axis it was sharded over |
    | the same         | `dist.microbatches` | parts into which a rank's share is cut; its types are those of one part |
    | its ops          | `dist.stage`   | the pipeline stage that computes it      |
    | the module       | `dist.stage_plan` | how the stages were found, and how good they are |
  }];
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
}

def Dist_Pending : TypeDef<Dist_Dialect, "Pending"> {
  let mnemonic = "pending";
  let summary = "communication under way; dist.wait gives its values (of a send: none)";
  let parameters = (ins OptionalArrayRefParameter<"::mlir::Type">:$types);
  let hasCustomAssemblyFormat = 1;
}

def Dist_Reduction : I32EnumAttr<"Reduction", "how all-reduce combines", [
    I32EnumAttrCase<"Sum", 0, "sum">, I32EnumAttrCase<"Max", 1, "max">]> {
  let cppNamespace = "::dtc::dist";
  let genSpecializedAttr = 0;
}
def Dist_ReductionAttr : EnumAttr<Dist_Dialect, Dist_Reduction, "reduction">;

def Dist_FragmentKind : I32EnumAttr<"FragmentKind", "what a fragment does in the step", [
    I32EnumAttrCase<"Forward", 0, "forward">, I32EnumAttrCase<"Backward", 1, "backward">,
    I32EnumAttrCase<"WeightGradient", 2, "weight_gradient">,
    I32EnumAttrCase<"ForwardBackward", 3, "forward_backward">,
    I32EnumAttrCase<"Update", 4, "update">, I32EnumAttrCase<"Prepare", 5, "prepare">]> {
  let cppNamespace = "::dtc::dist";
  let genSpecializedAttr = 0;
}
def Dist_FragmentKindAttr : EnumAttr<Dist_Dialect, Dist_FragmentKind, "kind">;

def Dist_ShareAttr : AttrDef<Dist_Dialect, "Share"> {
  let mnemonic = "share";
  let summary = "what a rank holds of a tensor that the ranks along an axis share out";
  let description = [{
    The tensor of shape `whole` is read in row-major order as [outer, size, inner]; of n
    ranks, that at coordinate c has the ceil(size / n) items of the middle dimension
    from c * ceil(size / n) on, and 0 behind the end. A list of shares is a share of a
    share.

    ```mlir
    #dist.share<"tensor", [128, 784] as 1 x 128 x 784>   // rows
    #dist.share<"data", [128, 784] as 1 x 100352 x 1>    // pieces
    ```
  }];
  let parameters = (ins "::mlir::StringAttr":$axis, ArrayRefParameter<"int64_t">:$whole, "int64_t":$outer, "int64_t":$size,
                        "int64_t":$inner);
  let assemblyFormat = "`<` $axis `,` `[` $whole `]` `as` $outer `x` $size `x` $inner `>`";
  let extraClassDeclaration = [{
    /// Of slices along a dimension.
    static ShareAttr ofDimension(::mlir::StringAttr axis, ::llvm::ArrayRef<int64_t> shape, int64_t dimension);
    /// Of equal pieces, whatever the shape.
    static ShareAttr ofPieces(::mlir::StringAttr axis, ::llvm::ArrayRef<int64_t> shape);
  }];
}

#endif // DTC_DIST_DIALECT
