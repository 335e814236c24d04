// The interface through which an op says what it costs.
#ifndef DTC_COST_INTERFACE
#define DTC_COST_INTERFACE

include "mlir/IR/OpBase.td"

def CostOpInterface : OpInterface<"CostOpInterface"> {
  let cppNamespace = "::dtc";
  let description = "FLOPs and bytes of one run of an op; the units are those of dtc::Cost.";
  let methods = [
    InterfaceMethod<"What one run costs, with what its regions cost.",
                    "::dtc::Cost", "getCost">];
}

#endif // DTC_COST_INTERFACE
