// What every op that communicates says of itself, in dist and in rt.
#ifndef DTC_COMMUNICATION
#define DTC_COMMUNICATION

include "mlir/IR/OpBase.td"

def CommunicationOpInterface : OpInterface<"CommunicationOpInterface"> {
  let cppNamespace = "::dtc";
  let description = [{
    An op that communicates: it says to whom, how much, and whether the rank goes
    on meanwhile. Who only has to know that (the verifier, the simulator, plans,
    the emitter) asks here and knows no op. A new collective also needs a row of
    `dtc::communicationKinds()`, which says what it costs, a lowering to rt, and a runtime call.
  }];
  let methods = [
    InterfaceMethod<"What is done.", "::dtc::CommunicationKind", "getCommunicationKind">,
    InterfaceMethod<"True if it goes on while the rank does, until a wait for its result; else it is over when the op is.",
                    "bool", "isStarted", (ins), [{}], [{ return true; }]>,
    InterfaceMethod<"The mesh axis along which the ranks differ that take part.", "::llvm::StringRef", "getAxis">,
    InterfaceMethod<"Of a message: the other side's coordinate on the axis.", "std::optional<int64_t>", "getPeerCoordinate",
                    (ins), [{}], [{ return std::nullopt; }]>,
    InterfaceMethod<"What the emitted program, traces and plans call it; empty for one without a name.",
                    "::llvm::StringRef", "getLabel">,
    InterfaceMethod<"The microbatch that it belongs to.", "std::optional<int64_t>", "getMicrobatchNumber",
                    (ins), [{}], [{ return std::nullopt; }]>,
    InterfaceMethod<"How values are combined; empty where they are not.", "::llvm::StringRef", "getReductionWord",
                    (ins), [{}], [{ return ""; }]>,
    InterfaceMethod<"The model's names of what travels in one message.", "::mlir::ArrayAttr", "getContentNames",
                    (ins), [{}], [{ return {}; }]>,
    InterfaceMethod<"What travels, in order: ranks that take part have the same. Of tensors that are parted over the ranks: the wholes.",
                    "::llvm::SmallVector<::mlir::Type>", "getPayload">,
    InterfaceMethod<"The values, or the memory, that it reads.", "::llvm::SmallVector<::mlir::Value>", "getSources",
                    (ins), [{}], [{ return ::llvm::to_vector($_op->getOperands()); }]>,
    InterfaceMethod<"The memory that it writes: none in dist; in rt that of the sources where they are combined in place, or one for each source.",
                    "::llvm::SmallVector<::mlir::Value>", "getTargets", (ins), [{}], [{ return {}; }]>,
    InterfaceMethod<"Of a collective: the coordinate of the one rank that has what all get.", "std::optional<int64_t>", "getRootCoordinate",
                    (ins), [{}], [{ return std::nullopt; }]>,
    InterfaceMethod<"Of a collective: what else the ranks that take part have to agree on, in words.", "std::string", "getTerms",
                    (ins), [{}], [{ return ""; }]>,
    InterfaceMethod<"Of a collective: why these values cannot be parted among so many ranks, in words; empty if they can.",
                    "std::string", "getMisfit", (ins "int64_t":$ranks), [{}], [{ return ""; }]>,
  ];
  let extraSharedClassDeclaration = [{
    const ::dtc::CommunicationRow &getRow() { return ::dtc::rowOf($_op.getCommunicationKind()); }
    bool isCollective() { return getRow().isCollective; }
    /// Whether it writes elsewhere than it reads.
    bool hasTargets() { return !$_op.getTargets().empty() && !$_op.getSources().empty() && $_op.getTargets() != $_op.getSources(); }
    /// Bytes of the payload, of one rank.
    int64_t getPayloadBytes() { return ::dtc::bytesOf($_op.getPayload()); }
  }];
}

#endif // DTC_COMMUNICATION
