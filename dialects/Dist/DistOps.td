// Ops of the dist dialect.
#ifndef DTC_DIST_OPS
#define DTC_DIST_OPS

include "dialects/Dist/DistDialect.td"
include "mlir/Interfaces/FunctionInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/IR/SymbolInterfaces.td"

class Dist_Op<string mnemonic, list<Trait> traits = []>
    : Op<Dist_Dialect, mnemonic, traits>;

class Dist_FunctionOp<string mnemonic, list<Trait> traits = []>
    : Dist_Op<mnemonic, !listconcat([FunctionOpInterface, IsolatedFromAbove,
                                     SingleBlock], traits)> {
  let hasCustomAssemblyFormat = 1;
  let regions = (region SizedRegion<1>:$body);
  code functionDeclaration = [{
    ::llvm::ArrayRef<::mlir::Type> getArgumentTypes() { return getFunctionType().getInputs(); }
    ::llvm::ArrayRef<::mlir::Type> getResultTypes() { return getFunctionType().getResults(); }
    ::mlir::Region *getCallableRegion() { return &getBody(); }
    /// The terminator: what the function gives back.
    ReturnOp getReturn();
  }];
}

def Dist_FragmentOp : Dist_FunctionOp<"fragment"> {
  let summary = "a pure function on the tensors of one rank";
  let description = [{
    Its body holds nn ops (later, kernels). A collective over an axis along
    which all ranks run the same fragment may stand inside.

    ```mlir
    dist.fragment @update(%w: tensor<10xf32>, %dw: tensor<10xf32>) -> tensor<10xf32> { … }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name,
    TypeAttrOf<FunctionType>:$function_type,
    OptionalAttr<DictArrayAttr>:$arg_attrs,
    OptionalAttr<DictArrayAttr>:$res_attrs);
  let builders = [OpBuilder<(ins "::llvm::StringRef":$name, "::mlir::FunctionType":$type)>];
  let extraClassDeclaration = functionDeclaration;
}

def Dist_TimelineOp : Dist_FunctionOp<"timeline"> {
  let summary = "what every rank of one role does in one step, in order";
  let description = [{
    `phase` is "train" or "evaluate". `role` names the class of ranks.

    ```mlir
    dist.timeline @train(%image: tensor<64x784xf32> {nn.input = "image", dist.shard = "data"}, …)
        -> (tensor<f32> {nn.loss}, …) attributes {phase = "train", role = "all"} {
      %loss, %dw = dist.run @forward_backward(%image, %w) : …
      %t = dist.all_reduce_start sum %loss, %dw over "data" bucket "fc.weight" : …
      %loss_sum, %dw_sum = dist.wait %t : …
      %w1 = dist.run @update(%w, %dw_sum) : …
      dist.return %loss_sum, %w1 : …
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name,
    TypeAttrOf<FunctionType>:$function_type, StrAttr:$phase, StrAttr:$role,
    OptionalAttr<DictArrayAttr>:$arg_attrs,
    OptionalAttr<DictArrayAttr>:$res_attrs);
  let builders = [OpBuilder<(ins "::llvm::StringRef":$name, "::mlir::FunctionType":$type,
                                 "::llvm::StringRef":$phase, "::llvm::StringRef":$role)>];
  let extraClassDeclaration = functionDeclaration;
  let hasVerifier = 1;
}

def Dist_ReturnOp : Dist_Op<"return", [Pure, Terminator, ReturnLike,
    ParentOneOf<["FragmentOp", "TimelineOp"]>]> {
  let summary = "results of a fragment or a timeline";
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
  let hasVerifier = 1;
}

def Dist_RunOp : Dist_Op<"run", [HasParent<"TimelineOp">,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "runs a fragment";
  let arguments = (ins FlatSymbolRefAttr:$fragment, Variadic<AnyType>:$operands);
  let results = (outs Variadic<AnyType>:$results);
  let assemblyFormat = "$fragment `(` $operands `)` attr-dict `:` functional-type($operands, $results)";
}

def Dist_AllReduceStartOp : Dist_Op<"all_reduce_start", [HasParent<"TimelineOp">]> {
  let summary = "starts to combine values over an axis of the mesh";
  let description = [{
    All values travel as one message, a bucket. `bucket` names it in the
    emitted program and in traces; `names` are the model's names of the values.
    What follows runs while the bucket travels.
  }];
  let arguments = (ins Dist_ReductionAttr:$reduction, Variadic<AnyStaticShapeTensor>:$values,
    StrAttr:$axis, StrAttr:$bucket, StrArrayAttr:$names);
  let results = (outs Dist_Pending:$pending);
  let assemblyFormat = [{
    $reduction $values `over` $axis `bucket` $bucket $names attr-dict `:` type($values) `->` type($pending)
  }];
  let hasVerifier = 1;
}

def Dist_WaitOp : Dist_Op<"wait", [HasParent<"TimelineOp">]> {
  let summary = "waits for communication and gives its values";
  let arguments = (ins Dist_Pending:$pending);
  let results = (outs Variadic<AnyType>:$values);
  let assemblyFormat = "$pending attr-dict `:` type($pending) `->` type($values)";
  let hasVerifier = 1;
}

def Dist_AllReduceOp : Dist_Op<"all_reduce", [Pure, AllTypesMatch<["value", "result"]>]> {
  let summary = "combines a value over an axis of the mesh, at once";
  let description = "Pure as ranks see it: all of a group run the same code, so it goes or stays on all.";
  let arguments = (ins Dist_ReductionAttr:$reduction, AnyStaticShapeTensor:$value, StrAttr:$axis);
  let results = (outs AnyStaticShapeTensor:$result);
  let assemblyFormat = "$reduction $value `over` $axis attr-dict `:` type($value)";
}

#endif // DTC_DIST_OPS
