// Ops of the dist dialect.
#ifndef DTC_DIST_OPS
#define DTC_DIST_OPS

include "dialects/Communication/Communication.td"
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

    A result with `dist.in_place = 3` is argument 3 with something added to it:
    it lies in the same memory (a gradient summed over microbatches).

    Who tells people of it has its facts from attributes: `kind`, what it does in
    the step (prepare: makes of parameters what all microbatches take); `stage`, of
    a pipeline; `layers`, the model's names of what it computes, in order.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name,
    TypeAttrOf<FunctionType>:$function_type,
    OptionalAttr<Dist_FragmentKindAttr>:$kind, OptionalAttr<I64Attr>:$stage,
    OptionalAttr<StrArrayAttr>:$layers,
    OptionalAttr<DictArrayAttr>:$arg_attrs,
    OptionalAttr<DictArrayAttr>:$res_attrs);
  let builders = [OpBuilder<(ins "::llvm::StringRef":$name, "::mlir::FunctionType":$type)>];
  let extraClassDeclaration = functionDeclaration # [{
    /// The argument in whose memory result `index` lies (`dist.in_place`).
    std::optional<unsigned> getInPlaceArgument(unsigned index);
  }];
  let hasVerifier = 1;
}

def Dist_TimelineOp : Dist_FunctionOp<"timeline"> {
  let summary = "what every rank of one role does in one step, in order";
  let description = [{
    `phase` is "train", "evaluate" or "predict". `role` names the class of ranks. A result with `nn.output` is the rows that the rank makes of
    the model's output; of several microbatches there is such a result for each, in their order.

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
  let description = [{
    `microbatch` numbers the part of the batch that it runs on; a fragment that
    runs on the whole batch of its rank has none.

    ```mlir
    %y2 = dist.run @stage0_forward(%x2, %w) microbatch 2 : …
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$fragment, Variadic<AnyType>:$operands,
    OptionalAttr<I64Attr>:$microbatch);
  let results = (outs Variadic<AnyType>:$results);
  let assemblyFormat = [{
    $fragment `(` $operands `)` (`microbatch` $microbatch^)? attr-dict
    `:` functional-type($operands, $results)
  }];
  let builders = [OpBuilder<(ins "::mlir::TypeRange":$results, "::llvm::StringRef":$fragment,
                                 "::mlir::ValueRange":$operands), [{
    build($_builder, $_state, results, fragment, operands, ::mlir::IntegerAttr());
  }]>];
}

def Dist_MicrobatchOp : Dist_Op<"microbatch", [Pure, HasParent<"TimelineOp">]> {
  let summary = "the rows of one microbatch of an input";
  let description = [{
    The rows along dimension 0 of the rank's share of the batch are cut into
    microbatches of equal size; this gives number `number`, without a copy.

    ```mlir
    %image1 = dist.microbatch 1 of %image : tensor<64x784xf32> -> tensor<16x784xf32>
    ```
  }];
  let arguments = (ins ConfinedAttr<I64Attr, [IntNonNegative]>:$number,
    AnyStaticShapeTensor:$batch);
  let results = (outs AnyStaticShapeTensor:$rows);
  let assemblyFormat = "$number `of` $batch attr-dict `:` type($batch) `->` type($rows)";
  let hasVerifier = 1;
}

def Dist_ZerosOp : Dist_Op<"zeros", [HasParent<"TimelineOp">]> {
  let summary = "what a sum over microbatches begins with";
  let description = [{
    Memory of its own: microbatches add to it in place, so two sums of one name
    and type (equal slices of one weight) are not one value.
  }];
  let arguments = (ins StrAttr:$name);
  let results = (outs Res<AnyStaticShapeTensor, "the sum's memory", [MemAlloc]>:$value);
  let assemblyFormat = "$name attr-dict `:` type($value)";
}

def Dist_AllReduceStartOp : Dist_Op<"all_reduce_start", [HasParent<"TimelineOp">, CommunicationOpInterface]> {
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
  let extraClassDeclaration = [{
    ::dtc::CommunicationKind getCommunicationKind() { return ::dtc::CommunicationKind::AllReduce; }
    ::llvm::StringRef getLabel() { return getBucket(); }
    ::llvm::StringRef getReductionWord() { return stringifyReduction(getReduction()); }
    ::mlir::ArrayAttr getContentNames() { return getNames(); }
    ::llvm::SmallVector<::mlir::Type> getPayload() { return ::llvm::to_vector(getValues().getTypes()); }
  }];
  let hasVerifier = 1;
}

/// What `bucket` and `names` of a collective on several values say to CommunicationOpInterface.
defvar bucketDeclaration = [{
    ::llvm::StringRef getLabel() { return getBucket(); }
    ::mlir::ArrayAttr getContentNames() { return getNames(); }
}];
/// What a collective says that is over when its op is, on one value.
defvar atOnceDeclaration = [{
    bool isStarted() { return false; }
    ::llvm::StringRef getLabel() { return ""; }
}];

//===----------------------------------------------------------------------===//
// Reduce-scatter, all-gather: between a whole tensor on each rank and its parts, one a rank
//===----------------------------------------------------------------------===//

/// `dimension` says which one is cut; see dist.reduce_scatter_start.
defvar dimensionDeclaration = [{
    std::string getTerms() { return ::dtc::dist::describeParts(getDimension()); }
}];

def Dist_ReduceScatterStartOp : Dist_Op<"reduce_scatter_start", [HasParent<"TimelineOp">, CommunicationOpInterface]> {
  let summary = "starts to combine values over an axis of the mesh, of which each rank gets a part";
  let description = [{
    As all_reduce_start, but of n ranks the one with coordinate r gets part r of
    each combined value alone. With `dimension` d the parts are equal slices along d.
    Without it they are equal pieces of the values in row-major order, of rank 1: of
    ceil(elements / n) elements, where what lies behind the value's end is 0. So any
    value can be parted among any number of ranks.

    Each element is combined as all_reduce_start combines it, in the order of the
    ranks: that and reduce_scatter_start with all_gather_start give the same bits
    (on CPUs; the order in which NCCL adds up is its own).

    ```mlir
    %t = dist.reduce_scatter_start sum %dw, %db over "data" bucket "bucket0" ["w", "b"]
        : tensor<8x10xf32>, tensor<10xf32> -> <tensor<20xf32>, tensor<3xf32>>   // of 4 ranks
    ```
  }];
  let arguments = (ins Dist_ReductionAttr:$reduction, Variadic<AnyStaticShapeTensor>:$values,
    StrAttr:$axis, OptionalAttr<I64Attr>:$dimension, StrAttr:$bucket, StrArrayAttr:$names);
  let results = (outs Dist_Pending:$pending);
  let assemblyFormat = [{
    $reduction $values `over` $axis (`dimension` $dimension^)? `bucket` $bucket $names attr-dict
    `:` type($values) `->` type($pending)
  }];
  let extraClassDeclaration = !strconcat(bucketDeclaration, dimensionDeclaration, [{
    ::dtc::CommunicationKind getCommunicationKind() { return ::dtc::CommunicationKind::ReduceScatter; }
    ::llvm::StringRef getReductionWord() { return stringifyReduction(getReduction()); }
    ::llvm::SmallVector<::mlir::Type> getPayload() { return ::llvm::to_vector(getValues().getTypes()); }
    std::string getMisfit(int64_t ranks) {
      return ::dtc::dist::misfitOfParts(getPayload(), getPending().getType().getTypes(), getDimension(), ranks);
    }
  }]);
  let hasVerifier = 1;
}

def Dist_ReduceScatterOp : Dist_Op<"reduce_scatter", [Pure, CommunicationOpInterface]> {
  let summary = "combines a value over an axis of the mesh, of which each rank gets a part, at once";
  let description = [{
    Parts are those of reduce_scatter_start; pure as all_reduce is.

    ```mlir
    %y = dist.reduce_scatter sum %x over "tensor" dimension 1 : tensor<8x64xf32> -> tensor<8x16xf32>
    ```
  }];
  let arguments = (ins Dist_ReductionAttr:$reduction, AnyStaticShapeTensor:$value, StrAttr:$axis,
    OptionalAttr<I64Attr>:$dimension);
  let results = (outs AnyStaticShapeTensor:$result);
  let assemblyFormat = [{
    $reduction $value `over` $axis (`dimension` $dimension^)? attr-dict `:` type($value) `->` type($result)
  }];
  let extraClassDeclaration = !strconcat(atOnceDeclaration, dimensionDeclaration, [{
    ::dtc::CommunicationKind getCommunicationKind() { return ::dtc::CommunicationKind::ReduceScatter; }
    ::llvm::StringRef getReductionWord() { return stringifyReduction(getReduction()); }
    ::llvm::SmallVector<::mlir::Type> getPayload() { return {getValue().getType()}; }
    std::string getMisfit(int64_t ranks) {
      return ::dtc::dist::misfitOfParts(getPayload(), getResult().getType(), getDimension(), ranks);
    }
  }]);
  let hasVerifier = 1;
}

def Dist_AllGatherStartOp : Dist_Op<"all_gather_start", [HasParent<"TimelineOp">, CommunicationOpInterface]> {
  let summary = "starts to put together values of which each rank along an axis of the mesh has a part";
  let description = [{
    The other way of `reduce_scatter_start`, without its sum: the operands are parts
    as it gives them, the results the wholes, on all ranks.

    ```mlir
    %t = dist.all_gather_start %w, %b over "data" bucket "bucket0" ["w", "b"]
        : tensor<20xf32>, tensor<3xf32> -> <tensor<8x10xf32>, tensor<10xf32>>   // of 4 ranks
    ```
  }];
  let arguments = (ins Variadic<AnyStaticShapeTensor>:$values, StrAttr:$axis, OptionalAttr<I64Attr>:$dimension,
    StrAttr:$bucket, StrArrayAttr:$names);
  let results = (outs Dist_Pending:$pending);
  let assemblyFormat = [{
    $values `over` $axis (`dimension` $dimension^)? `bucket` $bucket $names attr-dict
    `:` type($values) `->` type($pending)
  }];
  let extraClassDeclaration = !strconcat(bucketDeclaration, dimensionDeclaration, [{
    ::dtc::CommunicationKind getCommunicationKind() { return ::dtc::CommunicationKind::AllGather; }
    ::llvm::SmallVector<::mlir::Type> getPayload() { return ::llvm::to_vector(getPending().getType().getTypes()); }
    std::string getMisfit(int64_t ranks) {
      return ::dtc::dist::misfitOfParts(getPayload(), getValues().getTypes(), getDimension(), ranks);
    }
  }]);
  let hasVerifier = 1;
}

def Dist_AllGatherOp : Dist_Op<"all_gather", [Pure, CommunicationOpInterface]> {
  let summary = "puts together a value of which each rank along an axis of the mesh has a part, at once";
  let description = [{
    Parts are those of reduce_scatter_start; pure as all_reduce is.

    ```mlir
    %y = dist.all_gather %x over "tensor" dimension 1 : tensor<8x16xf32> -> tensor<8x64xf32>
    ```
  }];
  let arguments = (ins AnyStaticShapeTensor:$value, StrAttr:$axis, OptionalAttr<I64Attr>:$dimension);
  let results = (outs AnyStaticShapeTensor:$result);
  let assemblyFormat = [{
    $value `over` $axis (`dimension` $dimension^)? attr-dict `:` type($value) `->` type($result)
  }];
  let extraClassDeclaration = !strconcat(atOnceDeclaration, dimensionDeclaration, [{
    ::dtc::CommunicationKind getCommunicationKind() { return ::dtc::CommunicationKind::AllGather; }
    ::llvm::SmallVector<::mlir::Type> getPayload() { return {getResult().getType()}; }
    std::string getMisfit(int64_t ranks) {
      return ::dtc::dist::misfitOfParts(getPayload(), getValue().getType(), getDimension(), ranks);
    }
  }]);
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// All-to-all
//===----------------------------------------------------------------------===//

defvar exchangeDeclaration = [{
    ::dtc::CommunicationKind getCommunicationKind() { return ::dtc::CommunicationKind::AllToAll; }
    std::string getTerms() { return ::dtc::dist::describeExchange(getFrom(), getTo()); }
}];

def Dist_AllToAllStartOp : Dist_Op<"all_to_all_start", [HasParent<"TimelineOp">, CommunicationOpInterface]> {
  let summary = "starts to make slices along one dimension of values of slices along another";
  let description = [{
    Each rank along the axis has its slice of the values along dimension `from`, and
    gets its slice along dimension `to`: it sends each other rank a part of what it has.

    ```mlir
    %t = dist.all_to_all_start %x from 1 to 2 over "sequence" bucket "heads" ["x"]
        : tensor<8x16x64xf32> -> <tensor<8x64x16xf32>>   // of 4 ranks
    ```
  }];
  let arguments = (ins Variadic<AnyStaticShapeTensor>:$values, I64Attr:$from, I64Attr:$to, StrAttr:$axis,
    StrAttr:$bucket, StrArrayAttr:$names);
  let results = (outs Dist_Pending:$pending);
  let assemblyFormat = [{
    $values `from` $from `to` $to `over` $axis `bucket` $bucket $names attr-dict `:` type($values) `->` type($pending)
  }];
  let extraClassDeclaration = !strconcat(bucketDeclaration, exchangeDeclaration, [{
    ::llvm::SmallVector<::mlir::Type> getPayload() { return ::llvm::to_vector(getValues().getTypes()); }
    std::string getMisfit(int64_t ranks) {
      return ::dtc::dist::misfitOfExchange(getPayload(), getPending().getType().getTypes(), getFrom(), getTo(), ranks);
    }
  }]);
  let hasVerifier = 1;
}

def Dist_AllToAllOp : Dist_Op<"all_to_all", [Pure, CommunicationOpInterface]> {
  let summary = "makes a slice along one dimension of a value of slices along another, at once";
  let description = [{
    As all_to_all_start; pure as all_reduce is.

    ```mlir
    %y = dist.all_to_all %x from 1 to 2 over "sequence" : tensor<8x16x64xf32> -> tensor<8x64x16xf32>
    ```
  }];
  let arguments = (ins AnyStaticShapeTensor:$value, I64Attr:$from, I64Attr:$to, StrAttr:$axis);
  let results = (outs AnyStaticShapeTensor:$result);
  let assemblyFormat = "$value `from` $from `to` $to `over` $axis attr-dict `:` type($value) `->` type($result)";
  let extraClassDeclaration = !strconcat(atOnceDeclaration, exchangeDeclaration, [{
    ::llvm::SmallVector<::mlir::Type> getPayload() { return {getValue().getType()}; }
    std::string getMisfit(int64_t ranks) {
      return ::dtc::dist::misfitOfExchange(getPayload(), getResult().getType(), getFrom(), getTo(), ranks);
    }
  }]);
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Broadcast
//===----------------------------------------------------------------------===//

defvar rootDeclaration = [{
    ::dtc::CommunicationKind getCommunicationKind() { return ::dtc::CommunicationKind::Broadcast; }
    std::optional<int64_t> getRootCoordinate() { return static_cast<int64_t>(getRoot()); }
    std::string getTerms() { return "root " + std::to_string(getRoot()); }
    std::string getMisfit(int64_t ranks) { return ::dtc::dist::misfitOfRoot(getRoot(), ranks); }
}];

def Dist_BroadcastStartOp : Dist_Op<"broadcast_start", [HasParent<"TimelineOp">, CommunicationOpInterface]> {
  let summary = "starts to give all ranks along an axis of the mesh the values of one of them";
  let description = [{
    `root` is the coordinate of the rank whose values all get. The others' operands
    say where they go.

    ```mlir
    %t = dist.broadcast_start %w from 0 over "data" bucket "bucket0" ["w"] : tensor<8x10xf32> -> <tensor<8x10xf32>>
    ```
  }];
  let arguments = (ins Variadic<AnyStaticShapeTensor>:$values, ConfinedAttr<I64Attr, [IntNonNegative]>:$root, StrAttr:$axis,
    StrAttr:$bucket, StrArrayAttr:$names);
  let results = (outs Dist_Pending:$pending);
  let assemblyFormat = [{
    $values `from` $root `over` $axis `bucket` $bucket $names attr-dict `:` type($values) `->` type($pending)
  }];
  let extraClassDeclaration = !strconcat(bucketDeclaration, rootDeclaration, [{
    ::llvm::SmallVector<::mlir::Type> getPayload() { return ::llvm::to_vector(getValues().getTypes()); }
  }]);
  let hasVerifier = 1;
}

def Dist_BroadcastOp : Dist_Op<"broadcast", [Pure, AllTypesMatch<["value", "result"]>, CommunicationOpInterface]> {
  let summary = "gives all ranks along an axis of the mesh the value of one of them, at once";
  let description = [{
    As broadcast_start; pure as all_reduce is.

    ```mlir
    %y = dist.broadcast %x from 0 over "tensor" : tensor<8x16xf32>
    ```
  }];
  let arguments = (ins AnyStaticShapeTensor:$value, ConfinedAttr<I64Attr, [IntNonNegative]>:$root, StrAttr:$axis);
  let results = (outs AnyStaticShapeTensor:$result);
  let assemblyFormat = "$value `from` $root `over` $axis attr-dict `:` type($value)";
  let extraClassDeclaration = !strconcat(atOnceDeclaration, rootDeclaration, [{
    ::llvm::SmallVector<::mlir::Type> getPayload() { return {getValue().getType()}; }
  }]);
}

//===----------------------------------------------------------------------===//
// Messages
//===----------------------------------------------------------------------===//

/// What `peer`, `name` and `microbatch` of a message say to CommunicationOpInterface.
defvar messageDeclaration = [{
    std::optional<int64_t> getPeerCoordinate() { return static_cast<int64_t>(getPeer()); }
    ::llvm::StringRef getLabel() { return getName(); }
    std::optional<int64_t> getMicrobatchNumber() {
      return getMicrobatch() ? std::optional<int64_t>(*getMicrobatch()) : std::nullopt;
    }
}];

def Dist_SendStartOp : Dist_Op<"send_start", [HasParent<"TimelineOp">, CommunicationOpInterface]> {
  let summary = "starts to send a value to another rank";
  let description = [{
    `peer` is a coordinate on `axis`; the receiver differs from the sender in
    that coordinate alone. Between two ranks, the k-th value that one sends is
    the k-th that the other receives. The wait gives no value: behind it, the
    receiver has the value.

    ```mlir
    %t = dist.send_start %pool1 "pool1" to 1 over "pipe" microbatch 0 : tensor<16x6x14x14xf32> -> <>
    ```
  }];
  let arguments = (ins AnyStaticShapeTensor:$value, StrAttr:$name,
    ConfinedAttr<I64Attr, [IntNonNegative]>:$peer, StrAttr:$axis,
    OptionalAttr<I64Attr>:$microbatch);
  let results = (outs Dist_Pending:$pending);
  let assemblyFormat = [{
    $value $name `to` $peer `over` $axis (`microbatch` $microbatch^)? attr-dict
    `:` type($value) `->` type($pending)
  }];
  let extraClassDeclaration = messageDeclaration # [{
    ::dtc::CommunicationKind getCommunicationKind() { return ::dtc::CommunicationKind::Send; }
    ::llvm::SmallVector<::mlir::Type> getPayload() { return {getValue().getType()}; }
  }];
  let hasVerifier = 1;
}

def Dist_RecvStartOp : Dist_Op<"recv_start", [HasParent<"TimelineOp">, CommunicationOpInterface]> {
  let summary = "starts to receive a value from another rank";
  let description = [{
    The other side of `dist.send_start`; the wait gives the value.

    ```mlir
    %t = dist.recv_start "pool1" from 0 over "pipe" microbatch 0 : <tensor<16x6x14x14xf32>>
    ```
  }];
  let arguments = (ins StrAttr:$name, ConfinedAttr<I64Attr, [IntNonNegative]>:$peer,
    StrAttr:$axis, OptionalAttr<I64Attr>:$microbatch);
  let results = (outs Dist_Pending:$pending);
  let assemblyFormat = [{
    $name `from` $peer `over` $axis (`microbatch` $microbatch^)? attr-dict
    `:` type($pending)
  }];
  let extraClassDeclaration = messageDeclaration # [{
    ::dtc::CommunicationKind getCommunicationKind() { return ::dtc::CommunicationKind::Receive; }
    ::llvm::SmallVector<::mlir::Type> getPayload() { return ::llvm::to_vector(getPending().getType().getTypes()); }
  }];
  let hasVerifier = 1;
}

def Dist_WaitOp : Dist_Op<"wait", [HasParent<"TimelineOp">]> {
  let summary = "waits for communication and gives its values";
  let arguments = (ins Dist_Pending:$pending);
  let results = (outs Variadic<AnyType>:$values);
  let assemblyFormat = "$pending attr-dict `:` type($pending) (`->` type($values)^)?";
  let hasVerifier = 1;
}

def Dist_BatchSumOp : Dist_Op<"batch_sum", [Pure]> {
  let summary = "the sum of a value over all shares of the batch";
  let description = [{
    Between the passes of Partition: `value` is what one share of the batch gives,
    of the ranks along `axis` and of the microbatches of each; the result is their
    sum. Forming timelines decides when and with which others it travels, and leaves
    none; a collective that is part of the computation is another op. In `parts`
    each rank along the axis gets its piece of the sum alone, as dist.part has it.

    ```mlir
    %dw = dist.batch_sum %part over "data" : tensor<128x10xf32>
    %piece = dist.batch_sum %part over "data" parts : tensor<128x10xf32> -> tensor<320xf32>   // of 4 ranks
    ```
  }];
  let arguments = (ins AnyStaticShapeTensor:$value, StrAttr:$axis, UnitAttr:$parts);
  let results = (outs AnyStaticShapeTensor:$result);
  let assemblyFormat = "$value `over` $axis (`parts` $parts^)? attr-dict `:` custom<SumTypes>(type($value), type($result))";
  let hasVerifier = 1;
}

def Dist_PartOp : Dist_Op<"part", [Pure]> {
  let summary = "this rank's part of a value that all ranks along an axis have";
  let description = [{
    With `dimension` d its slice along d, of equal slices. Without it its piece of the
    value in row-major order, of rank 1: ceil(elements / ranks) elements, where what lies
    behind the value's end is 0. Sends nothing.

    ```mlir
    %y = dist.part %x over "tensor" dimension 1 : tensor<8x64xf32> -> tensor<8x16xf32>   // of 4 ranks
    %p = dist.part %w over "data" : tensor<3x3xf32> -> tensor<3xf32>
    ```
  }];
  let arguments = (ins AnyStaticShapeTensor:$value, StrAttr:$axis, OptionalAttr<I64Attr>:$dimension);
  let results = (outs AnyStaticShapeTensor:$result);
  let assemblyFormat = "$value `over` $axis (`dimension` $dimension^)? attr-dict `:` type($value) `->` type($result)";
  let hasVerifier = 1;
}

def Dist_AllReduceOp : Dist_Op<"all_reduce", [Pure, AllTypesMatch<["value", "result"]>, CommunicationOpInterface]> {
  let summary = "combines a value over an axis of the mesh, at once";
  let description = "Pure as ranks see it: all of a group run the same code, so it goes or stays on all.";
  let arguments = (ins Dist_ReductionAttr:$reduction, AnyStaticShapeTensor:$value, StrAttr:$axis);
  let results = (outs AnyStaticShapeTensor:$result);
  let assemblyFormat = "$reduction $value `over` $axis attr-dict `:` type($value)";
  let extraClassDeclaration = [{
    ::dtc::CommunicationKind getCommunicationKind() { return ::dtc::CommunicationKind::AllReduce; }
    bool isStarted() { return false; }
    ::llvm::StringRef getLabel() { return ""; }
    ::llvm::StringRef getReductionWord() { return stringifyReduction(getReduction()); }
    ::llvm::SmallVector<::mlir::Type> getPayload() { return {getValue().getType()}; }
  }];
}

#endif // DTC_DIST_OPS
