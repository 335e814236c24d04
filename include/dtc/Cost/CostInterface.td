// The interface through which an op says what it costs.
#ifndef DTC_COST_INTERFACE
#define DTC_COST_INTERFACE

include "mlir/IR/OpBase.td"

def CostOpInterface : OpInterface<"CostOpInterface"> {
  let cppNamespace = "::dtc";
  let description = "FLOPs and bytes of one run of an op, and how fast devices do that; the units are those of dtc::Cost.";
  let methods = [
    InterfaceMethod<"What one run costs, with what its regions cost.",
                    "::dtc::Cost", "getCost">,
    InterfaceMethod<"The family whose rate on a device the op runs at.",
                    "::dtc::OpFamily", "getFamily">,
    InterfaceMethod<"Seconds of one run: one call of the family, unless the op runs others.",
                    "double", "getSeconds", (ins "const ::dtc::Device &":$device), [{}], [{
      auto op = ::llvm::cast<::dtc::CostOpInterface>($_op.getOperation());
      return ::dtc::secondsOf(device, op.getFamily(), op.getCost());
    }]>];
}

#endif // DTC_COST_INTERFACE
