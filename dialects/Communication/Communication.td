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
    `dtc::communicationKinds()`, a lowering to rt, a cost, and a runtime call.
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
    InterfaceMethod<"What travels, in order: ranks that take part have the same.", "::llvm::SmallVector<::mlir::Type>", "getPayload">,
  ];
  let extraSharedClassDeclaration = [{
    const ::dtc::CommunicationRow &getRow() { return ::dtc::rowOf($_op.getCommunicationKind()); }
    bool isCollective() { return getRow().isCollective; }
    /// Bytes of the payload, of one rank.
    int64_t getPayloadBytes() { return ::dtc::bytesOf($_op.getPayload()); }
  }];
}

#endif // DTC_COMMUNICATION
