// Ops of the rt dialect.
#ifndef DTC_RT_OPS
#define DTC_RT_OPS

include "dialects/Communication/Communication.td"
include "dialects/RT/RTRepetitionOps.td"
include "mlir/IR/RegionKindInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

//===----------------------------------------------------------------------===//
// Structure
//===----------------------------------------------------------------------===//

def RT_ProgramOp : RT_Op<"program", [Symbol, SymbolTable, IsolatedFromAbove,
                                     SingleBlock, NoTerminator]> {
  let summary = "what every rank of one role holds and does";
  let description = [{
    `batch` is the global batch, `local_batch` the rows of one rank. `axes` and
    `mesh` name and size the mesh; `at` holds the coordinates of the role's
    ranks (`{pipe = 0}`; axes that it does not name: all), `first_row` where their
    rows of the global batch begin, if not at `local_batch` times their place on
    the axis that shares it. `precision`: what matrix products and convolutions round
    their operands to, if not f32. `whole_batches`: the op for whose sake no batch may
    be partial. `arena` is there once
    memory is planned: the bytes of the one block in which all buffers lie. All that
    is communicated lies in the first `shared` of them, which ranks of one host see of
    each other.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, StrAttr:$model,
    AnyAttr:$recipe, I64Attr:$batch, I64Attr:$local_batch,
    StrArrayAttr:$axes, DenseI64ArrayAttr:$mesh, OptionalAttr<DictionaryAttr>:$at,
    OptionalAttr<I64Attr>:$first_row, OptionalAttr<StrAttr>:$precision,
    OptionalAttr<StrAttr>:$whole_batches, OptionalAttr<I64Attr>:$arena,
    OptionalAttr<I64Attr>:$shared);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$sym_name (`arena` `(` $arena^ `)`)? (`shared` `(` $shared^ `)`)? attr-dict-with-keyword $body";
  let extraClassDeclaration = [{
    /// Ranks that the program runs on.
    int64_t getDevices();
  }];
  let hasVerifier = 1;
}

def RT_BufferOp : RT_Op<"buffer", [HasParent<"ProgramOp">]> {
  let summary = "memory of this rank, at a planned offset of the arena";
  let description = [{
    `name` is the source model's name, or one made from it. `init` is the
    first value of a parameter or of state. `classes` bounds labels that are
    class ids, and is the rows of the table that an input's whole numbers choose from. `shares` says what of a parameter or of state lies here where a rank
    does not hold it whole: a list of #dist.share. A view shares its base's memory
    from element `at` on; it has no offset of its own.

    A buffer with `slots` is there as often, for microbatches that are under way
    at the same time: microbatch i has slot i mod `slots`. In a fragment it
    stands for the slot of the microbatch that runs. Slots lie behind each other,
    each at a multiple of 64 bytes.
  }];
  let arguments = (ins StrAttr:$name, RT_BufferKindAttr:$kind,
    OptionalAttr<I64Attr>:$offset, OptionalAttr<AnyAttr>:$init,
    OptionalAttr<I64Attr>:$classes, OptionalAttr<I64Attr>:$slots, OptionalAttr<ArrayAttr>:$shares);
  let results = (outs RT_Memory:$memory);
  let assemblyFormat = [{
    $kind $name (`slots` $slots^)? (`offset` $offset^)? attr-dict `:` type($memory)
  }];
  let hasVerifier = 1;
}

def RT_ConstantOp : RT_Op<"constant", [HasParent<"ProgramOp">]> {
  let summary = "values fixed at compile time, part of the program's text";
  let arguments = (ins StrAttr:$name, ElementsAttr:$value);
  let results = (outs RT_Memory:$memory);
  let assemblyFormat = "$name $value attr-dict `:` type($memory)";
}

def RT_ViewOp : RT_Op<"view", [HasParent<"ProgramOp">, Pure]> {
  let summary = "part of a buffer, or a buffer under another shape";
  let description = [{
    Of a buffer with slots, the same part of each slot. With `parts`, the rows
    of one microbatch: microbatch i has the elements from `at` + i * (those of
    the view) on.

    ```mlir
    %rows = rt.view "image.rows" of %image at 0 parts 4 : memref<64x784xf32> -> memref<16x784xf32>
    ```
  }];
  let arguments = (ins StrAttr:$name, RT_Memory:$base, I64Attr:$at,
    OptionalAttr<I64Attr>:$parts);
  let results = (outs RT_Memory:$memory);
  let assemblyFormat = [{
    $name `of` $base `at` $at (`parts` $parts^)? attr-dict `:` type($base) `->` type($memory)
  }];
  let builders = [OpBuilder<(ins "::mlir::MemRefType":$memory, "::llvm::StringRef":$name,
                                 "::mlir::Value":$base, "int64_t":$at), [{
    build($_builder, $_state, memory, name, base, at, ::mlir::IntegerAttr());
  }]>];
  let hasVerifier = 1;
}

def RT_KernelOp : RT_Op<"kernel", [Symbol, HasParent<"ProgramOp">,
    SingleBlock, IsolatedFromAbove]> {
  let summary = "a fused elementwise kernel: what is done at one point of a grid";
  let description = [{
    The body's arguments are the elements read at a point (one for each map of
    `reads`); it yields the elements to write (one for each map of `writes`).
    A map gives the position in a buffer, in elements, of a point. `formula`
    says in words what the kernel does.

    ```mlir
    rt.kernel @relu grid [4096] reads [affine_map<(d0) -> (d0)>]
        writes [affine_map<(d0) -> (d0)>] formula "relu" {
    ^bb0(%x: f32):
      %zero = arith.constant 0.0 : f32
      %y = arith.maximumf %x, %zero : f32
      rt.yield %y : f32
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, DenseI64ArrayAttr:$grid,
    AffineMapArrayAttr:$reads, AffineMapArrayAttr:$writes, StrAttr:$formula);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $sym_name `grid` $grid `reads` $reads `writes` $writes `formula` $formula
    attr-dict-with-keyword $body
  }];
  let hasVerifier = 1;
}

def RT_FormulaOp : RT_Op<"formula", [Symbol, HasParent<"ProgramOp">,
    SingleBlock, IsolatedFromAbove]> {
  let summary = "how a parameter and its states move in a step, at one element";
  let description = [{
    The body's arguments are the learning rate, the step's number, one number for each of `settings`, which have the
    values `numbers`, then the parameter, the gradient and the states. It yields the new parameter and the new states. What
    is f64 is the same for all elements of a parameter, a state too; elements are f32. Scalar states stand behind the others.
    Locations name values.

    ```mlir
    rt.formula @sgd "sgd: stochastic gradient descent (torch.optim.SGD)" settings ["momentum"] [9.0e-01] states ["momentum"] {
    ^bb0(%lr: f64, %step: f64, %momentum: f64, %p: f32, %g: f32, %b: f32):
      %keep = arith.truncf %momentum : f64 to f32
      …
      rt.yield %new_p, %new_b : f32, f32
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, StrAttr:$summary, StrArrayAttr:$settings, DenseF64ArrayAttr:$numbers,
    StrArrayAttr:$states);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $sym_name $summary `settings` $settings $numbers `states` $states attr-dict-with-keyword $body
  }];
  let extraClassDeclaration = [{
    ::mlir::BlockArgument getLearningRate() { return getBody().getArgument(0); }
    ::mlir::BlockArgument getStepNumber() { return getBody().getArgument(1); }
    ::mlir::BlockArgument getNumber(unsigned i) { return getBody().getArgument(2 + i); }
    /// Parameter, gradient, states.
    ::mlir::ArrayRef<::mlir::BlockArgument> getMoving() {
      return getBody().getArguments().drop_front(2 + getSettings().size());
    }
    /// How many states are one number for the whole parameter.
    unsigned getScalars();
    ::dtc::rt::YieldOp getYield();

    /// By what a value changes. Each includes those before it.
    enum class Level { Setting, Step, Tensor, Element };
    ::llvm::DenseMap<::mlir::Value, Level> getLevels();
  }];
  let hasVerifier = 1;
}

def RT_SumOp : RT_Op<"sum", [Pure, HasParent<"FormulaOp">]> {
  let summary = "the sum of an element's value over all elements of the parameter";
  let description = "Added up in f64, in an order that does not depend on the number of threads.";
  let arguments = (ins F32:$element);
  let results = (outs F64:$sum);
  let assemblyFormat = "$element attr-dict";
}

def RT_YieldOp : RT_Op<"yield", [Pure, Terminator, ParentOneOf<["KernelOp", "FormulaOp"]>]> {
  let summary = "the elements that a kernel writes, or what a formula makes of parameter and states";
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "$values attr-dict `:` type($values)";
}

def RT_FragmentOp : RT_Op<"fragment", [Symbol, HasParent<"ProgramOp">,
    SingleBlock, NoTerminator]> {
  let summary = "a list of calls: one function of the emitted program";
  let description = "`kind`, `stage` and `layers` are those of the `dist.fragment` that it was.";
  let arguments = (ins SymbolNameAttr:$sym_name, F64Attr:$flops, I64Attr:$bytes,
    OptionalAttr<StrAttr>:$kind, OptionalAttr<I64Attr>:$stage, OptionalAttr<StrArrayAttr>:$layers);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $sym_name `flops` $flops `bytes` $bytes (`kind` $kind^)? (`stage` $stage^)? (`layers` $layers^)?
    attr-dict-with-keyword $body
  }];
}

def RT_TimelineOp : RT_Op<"timeline", [Symbol, HasParent<"ProgramOp">,
    SingleBlock, NoTerminator]> {
  let summary = "what one rank does in one step, in order";
  let arguments = (ins SymbolNameAttr:$sym_name, StrAttr:$phase);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$sym_name `phase` $phase attr-dict-with-keyword $body";
  let extraClassDeclaration = [{
    /// FLOPs of all fragments that it runs.
    double getFlops();
  }];
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

def RT_CallOp : RT_Op<"call", [AttrSizedOperandSegments, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "one call of the runtime library";
  let description = [{
    Prints as `callee(ctx, inputs…, outputs…, {.name = buffer…, .option = value…})`.
    `named` operands and options stand in the order in which the callee's
    options declare them; a call says only what differs from their defaults.
    With `list` the inputs are passed as one list. With `tuples of k` the first
    inputs are tuples of k that the callee works on alike, as many as there are
    whole ones, passed as a list of tuples if there are several; the rest follows
    behind them. With `of` a formula, the callee takes the struct that it becomes as a template's argument, and
    always a list. `can_accumulate`: with the
    option `accumulate`, which the callee declares last, it would add to its
    output instead of writing it. `can_sum`: the sums that it would write besides, in the order
    in which it declares their options. `sum_over`: it does nothing but to sum its input over these
    axes. `can_write_mask`: with a buffer as `relu_mask`, the callee would leave there where its output is positive;
    `can_read_mask`: it would use such a mask of the buffer that it gets by this name.
    In a timeline, `microbatch` says which slots it works on.

    ```mlir
    rt.call "conv"(%x, %w) -> (%y) named %b ["bias"] options {strides = [1, 1], activation = "relu"} : …
    rt.call "update_parameters" of @adam tuples of 4(%w, %dw, %m_w, %v_w, %b, %db, %m_b, %v_b, %lr, %step) -> () : …
    ```
  }];
  let arguments = (ins StrAttr:$callee, Variadic<RT_Memory>:$inputs,
    Variadic<RT_Memory>:$outputs, Variadic<RT_Memory>:$named,
    DefaultValuedAttr<StrArrayAttr, "{}">:$operand_names,
    StrArrayAttr:$option_names, ArrayAttr:$option_values, UnitAttr:$list,
    OptionalAttr<I64Attr>:$tuple, OptionalAttr<FlatSymbolRefAttr>:$formula, UnitAttr:$can_accumulate,
    OptionalAttr<TypedArrayAttrBase<RT_Sum, "sums">>:$can_sum, OptionalAttr<DenseI64ArrayAttr>:$sum_over,
    UnitAttr:$can_write_mask, OptionalAttr<StrAttr>:$can_read_mask,
    OptionalAttr<I64Attr>:$microbatch);
  let assemblyFormat = [{
    $callee (`of` $formula^)? (`list` $list^)? (`tuples` `of` $tuple^)? `(` $inputs `)` `->` `(` $outputs `)` (`microbatch` $microbatch^)?
    (`named` $named^ $operand_names)?
    custom<Options>($option_names, $option_values) attr-dict
    `:` functional-type($inputs, $outputs) (`named` type($named)^)?
  }];
  let extraClassDeclaration = [{
    /// The inputs that stand in tuples, and those behind them.
    ::mlir::OperandRange getTupleInputs();
    ::mlir::OperandRange getSharedInputs();
  }];
  let hasVerifier = 1;
}

def RT_LaunchOp : RT_Op<"launch", [AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "runs a kernel over its grid";
  let arguments = (ins FlatSymbolRefAttr:$kernel, Variadic<RT_Memory>:$inputs,
    Variadic<RT_Memory>:$outputs);
  let assemblyFormat = [{
    $kernel `(` $inputs `)` `->` `(` $outputs `)` attr-dict `:` functional-type($inputs, $outputs)
  }];
}

def RT_RunOp : RT_Op<"run", [ParentOneOf<["TimelineOp", "RepeatOp"]>,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "runs a fragment";
  let arguments = (ins FlatSymbolRefAttr:$fragment, OptionalAttr<I64Attr>:$microbatch);
  let assemblyFormat = "$fragment (`microbatch` $microbatch^)? attr-dict";
}

/// What the operand `buffer` and `name` say to CommunicationOpInterface.
defvar communicatedDeclaration = [{
    ::llvm::StringRef getLabel() { return getName(); }
    ::llvm::SmallVector<::mlir::Type> getPayload() { return {getBuffer().getType()}; }
}];
/// Of one that writes where it reads.
defvar inPlaceDeclaration = [{
    ::llvm::SmallVector<::mlir::Value> getTargets() { return {getBuffer()}; }
}];

def RT_AllReduceStartOp : RT_Op<"all_reduce_start", [ParentOneOf<["TimelineOp", "RepeatOp"]>, CommunicationOpInterface]> {
  let summary = "starts to combine a buffer over an axis of the mesh, in place";
  let arguments = (ins StrAttr:$reduction, RT_Memory:$buffer, StrAttr:$axis,
                       StrAttr:$name, StrArrayAttr:$contents);
  let results = (outs RT_Pending:$pending);
  let assemblyFormat = [{
    $reduction $buffer `over` $axis `name` $name $contents attr-dict `:` type($buffer)
  }];
  let extraClassDeclaration = !strconcat(communicatedDeclaration, inPlaceDeclaration, [{
    ::dtc::CommunicationKind getCommunicationKind() { return ::dtc::CommunicationKind::AllReduce; }
    ::llvm::StringRef getReductionWord() { return getReduction(); }
    ::mlir::ArrayAttr getContentNames() { return getContents(); }
  }]);
  let hasVerifier = 1;
}

/// A collective that reads buffers and writes as many others, of which `payload` are the whole ones. Without `contents`, the
/// model's names, it is on one value.
class RT_PairsOp<string mnemonic, string kind, string payload, list<Trait> traits>
    : RT_Op<mnemonic, !listconcat([SameVariadicOperandSize, CommunicationOpInterface], traits)> {
  let arguments = (ins Variadic<RT_Memory>:$inputs, Variadic<RT_Memory>:$outputs, StrAttr:$axis,
                       StrAttr:$name, OptionalAttr<StrArrayAttr>:$contents);
  code pairsDeclaration = [{
    ::dtc::CommunicationKind getCommunicationKind() { return ::dtc::CommunicationKind::}] # kind # [{; }
    ::llvm::StringRef getLabel() { return getName(); }
    ::mlir::ArrayAttr getContentNames() { return getContentsAttr(); }
    ::llvm::SmallVector<::mlir::Value> getSources() { return ::llvm::to_vector_of<::mlir::Value>(getInputs()); }
    ::llvm::SmallVector<::mlir::Value> getTargets() { return ::llvm::to_vector_of<::mlir::Value>(getOutputs()); }
    ::llvm::SmallVector<::mlir::Type> getPayload() { return ::llvm::to_vector(get}] # payload # [{().getTypes()); }
  }];
  let extraClassDeclaration = pairsDeclaration;
  let hasVerifier = 1;
}
/// How they are written behind what is theirs alone.
defvar pairsFormat = [{ `(` $inputs `)` `->` `(` $outputs `)` `over` $axis `name` $name ($contents^)? attr-dict
    `:` functional-type($inputs, $outputs) }];
/// Of one that is over when the op is.
defvar atOnceDeclaration = [{
    bool isStarted() { return false; }
}];

class RT_ReduceScatterBase<string mnemonic, list<Trait> traits> : RT_PairsOp<mnemonic, "ReduceScatter", "Inputs", traits> {
  let arguments = (ins StrAttr:$reduction, Variadic<RT_Memory>:$inputs, Variadic<RT_Memory>:$outputs, StrAttr:$axis,
                       StrAttr:$name, OptionalAttr<StrArrayAttr>:$contents);
  let assemblyFormat = !strconcat("$reduction ", pairsFormat);
  code reductionDeclaration = pairsDeclaration # [{
    ::llvm::StringRef getReductionWord() { return getReduction(); }
  }];
}

def RT_ReduceScatterStartOp : RT_ReduceScatterBase<"reduce_scatter_start", [ParentOneOf<["TimelineOp", "RepeatOp"]>]> {
  let summary = "starts to combine buffers over an axis of the mesh, of which each rank gets a part";
  let description = [{
    The parts of a buffer of m elements, in the order in which they lie, are pieces of ceil(m / n) for n ranks;
    what is missing at the end is 0.
  }];
  let results = (outs RT_Pending:$pending);
  let extraClassDeclaration = reductionDeclaration;
}

def RT_ReduceScatterOp : RT_ReduceScatterBase<"reduce_scatter", [ParentOneOf<["FragmentOp", "TimelineOp", "RepeatOp"]>]> {
  let summary = "combines buffers over an axis of the mesh, of which each rank gets a part, at once";
  let extraClassDeclaration = !strconcat(reductionDeclaration, atOnceDeclaration);
}

def RT_AllGatherStartOp : RT_PairsOp<"all_gather_start", "AllGather", "Outputs", [ParentOneOf<["TimelineOp", "RepeatOp"]>]> {
  let summary = "starts to put buffers together of which each rank along an axis has a part";
  let description = "The other way of rt.reduce_scatter_start.";
  let results = (outs RT_Pending:$pending);
  let assemblyFormat = pairsFormat;
}

def RT_AllGatherOp : RT_PairsOp<"all_gather", "AllGather", "Outputs", [ParentOneOf<["FragmentOp", "TimelineOp", "RepeatOp"]>]> {
  let summary = "puts buffers together of which each rank along an axis has a part, at once";
  let assemblyFormat = pairsFormat;
  let extraClassDeclaration = !strconcat(pairsDeclaration, atOnceDeclaration);
}

def RT_AllToAllStartOp : RT_PairsOp<"all_to_all_start", "AllToAll", "Inputs", [ParentOneOf<["TimelineOp", "RepeatOp"]>]> {
  let summary = "starts to give each rank along an axis its part of the buffers of all";
  let description = [{
    Of n equal parts that lie one behind the other, rank r sends part s to rank s, which finds it as its part r.
  }];
  let results = (outs RT_Pending:$pending);
  let assemblyFormat = pairsFormat;
}

def RT_AllToAllOp : RT_PairsOp<"all_to_all", "AllToAll", "Inputs", [ParentOneOf<["FragmentOp", "TimelineOp", "RepeatOp"]>]> {
  let summary = "gives each rank along an axis its part of the buffers of all, at once";
  let assemblyFormat = pairsFormat;
  let extraClassDeclaration = !strconcat(pairsDeclaration, atOnceDeclaration);
}

class RT_BroadcastBase<string mnemonic, list<Trait> traits> : RT_Op<mnemonic, !listconcat([CommunicationOpInterface], traits)> {
  let arguments = (ins RT_Memory:$buffer, I64Attr:$root, StrAttr:$axis, StrAttr:$name, OptionalAttr<StrArrayAttr>:$contents);
  let assemblyFormat = "$buffer `from` $root `over` $axis `name` $name ($contents^)? attr-dict `:` type($buffer)";
  code rootDeclaration = !strconcat(communicatedDeclaration, inPlaceDeclaration, [{
    ::dtc::CommunicationKind getCommunicationKind() { return ::dtc::CommunicationKind::Broadcast; }
    std::optional<int64_t> getRootCoordinate() { return static_cast<int64_t>(getRoot()); }
    ::mlir::ArrayAttr getContentNames() { return getContentsAttr(); }
  }]);
}

def RT_BroadcastStartOp : RT_BroadcastBase<"broadcast_start", [ParentOneOf<["TimelineOp", "RepeatOp"]>]> {
  let summary = "starts to give all ranks along an axis the buffer of one of them, in place";
  let results = (outs RT_Pending:$pending);
  let extraClassDeclaration = rootDeclaration;
}

def RT_BroadcastOp : RT_BroadcastBase<"broadcast", [ParentOneOf<["FragmentOp", "TimelineOp", "RepeatOp"]>]> {
  let summary = "gives all ranks along an axis the buffer of one of them, in place, at once";
  let extraClassDeclaration = !strconcat(rootDeclaration, atOnceDeclaration);
}

class RT_MessageOp<string mnemonic, string kind, string ways>
    : RT_Op<mnemonic, [ParentOneOf<["TimelineOp", "RepeatOp"]>, CommunicationOpInterface]> {
  let arguments = (ins RT_Memory:$buffer, StrAttr:$name, I64Attr:$peer,
    StrAttr:$axis, OptionalAttr<I64Attr>:$microbatch);
  let results = (outs RT_Pending:$pending);
  let extraClassDeclaration = communicatedDeclaration # [{
    ::dtc::CommunicationKind getCommunicationKind() { return ::dtc::CommunicationKind::}] # kind # [{; }
    }] # ways # [{
    std::optional<int64_t> getPeerCoordinate() { return static_cast<int64_t>(getPeer()); }
    std::optional<int64_t> getMicrobatchNumber() {
      return getMicrobatch() ? std::optional<int64_t>(*getMicrobatch()) : std::nullopt;
    }
  }];
}

def RT_SendStartOp : RT_MessageOp<"send_start", "Send", ""> {
  let summary = "starts to send a buffer to the rank at a coordinate of an axis";
  let assemblyFormat = [{
    $buffer $name `to` $peer `over` $axis (`microbatch` $microbatch^)? attr-dict
    `:` type($buffer)
  }];
}

def RT_RecvStartOp : RT_MessageOp<"recv_start", "Receive", [{
    ::llvm::SmallVector<::mlir::Value> getSources() { return {}; }
    ::llvm::SmallVector<::mlir::Value> getTargets() { return {getBuffer()}; }
  }]> {
  let summary = "starts to receive into a buffer from the rank at a coordinate of an axis";
  let assemblyFormat = [{
    $buffer $name `from` $peer `over` $axis (`microbatch` $microbatch^)? attr-dict
    `:` type($buffer)
  }];
}

def RT_WaitOp : RT_Op<"wait", [ParentOneOf<["TimelineOp", "RepeatOp"]>]> {
  let summary = "waits for communication";
  let arguments = (ins RT_Pending:$pending);
  let assemblyFormat = "$pending attr-dict";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// What it waits for.
    ::dtc::CommunicationOpInterface getStarted() {
      return getPending().getDefiningOp<::dtc::CommunicationOpInterface>();
    }
  }];
}

def RT_AllReduceOp : RT_Op<"all_reduce", [ParentOneOf<["FragmentOp", "TimelineOp", "RepeatOp"]>, CommunicationOpInterface]> {
  let summary = "combines a buffer over an axis of the mesh, in place, at once";
  let arguments = (ins StrAttr:$reduction, RT_Memory:$buffer, StrAttr:$axis, StrAttr:$name);
  let assemblyFormat = "$reduction $buffer `over` $axis `name` $name attr-dict `:` type($buffer)";
  let extraClassDeclaration = !strconcat(communicatedDeclaration, inPlaceDeclaration, atOnceDeclaration, [{
    ::dtc::CommunicationKind getCommunicationKind() { return ::dtc::CommunicationKind::AllReduce; }
    ::llvm::StringRef getReductionWord() { return getReduction(); }
  }]);
  let hasVerifier = 1;
}

#endif // DTC_RT_OPS
