// How an op of a fragment becomes runtime calls.
#ifndef DTC_PLAN_RUNTIME_LOWERING_INTERFACE
#define DTC_PLAN_RUNTIME_LOWERING_INTERFACE

include "mlir/IR/OpBase.td"

def RuntimeLoweringOpInterface : OpInterface<"RuntimeLoweringOpInterface"> {
  let cppNamespace = "::dtc::plan";
  let description = "An op that knows the runtime calls that compute it.";
  let methods = [
    InterfaceMethod<[{
        Adds the calls to the fragment under construction. Takes the operands'
        memory from `fragment` and gives it memory for each result.
      }], "::llvm::LogicalResult", "lowerToRuntime",
      (ins "::dtc::plan::FragmentBuilder &":$fragment)>
  ];
}

#endif // DTC_PLAN_RUNTIME_LOWERING_INTERFACE
