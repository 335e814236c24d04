// How an op of a fragment becomes runtime calls, and one of a timeline that communicates.
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

def StartLoweringOpInterface : OpInterface<"StartLoweringOpInterface"> {
  let cppNamespace = "::dtc::plan";
  let description = "An op of timelines that starts communication: it knows where its values lie, the call, and what the wait gives.";
  let methods = [
    InterfaceMethod<[{
        Promises the values that it takes the places from which they travel. Asked before anything of the
        timeline is lowered: first of collectives, then, when the timeline's own results have theirs, of messages.
      }], "void", "planMemory", (ins "::dtc::plan::RoleLowering &":$role), [{}], [{}]>,
    InterfaceMethod<"Adds the call, and gives what is under way.",
      "::llvm::FailureOr<::mlir::Value>", "lowerStart", (ins "::dtc::plan::RoleLowering &":$role)>,
    InterfaceMethod<"Gives the results of its wait, whose call is there, their memory.",
      "void", "lowerWait", (ins "::dtc::plan::RoleLowering &":$role, "::dtc::dist::WaitOp":$wait), [{}], [{}]>
  ];
}

#endif // DTC_PLAN_RUNTIME_LOWERING_INTERFACE
