// The interface through which an op says how it may be shared out over devices.
#ifndef DTC_SHARDING_SHARDING_RULE_INTERFACE
#define DTC_SHARDING_SHARDING_RULE_INTERFACE

include "mlir/IR/OpBase.td"

def ShardingRuleOpInterface : OpInterface<"ShardingRuleOpInterface"> {
  let cppNamespace = "::dtc::sharding";
  let description = [{
    An op states how its dimensions hang together (`getShardingRule`), and how
    a copy of it that works on one rank's share is made (`cloneLocal`). Whoever
    partitions a graph asks the ops alone, so a new op needs no change anywhere
    else.
  }];
  let methods = [
    InterfaceMethod<
      "The factors that the dimensions of operands and results are made of.",
      "::dtc::sharding::ShardingRule", "getShardingRule">,
    InterfaceMethod<[{
        A copy of the op on one rank's `operands` with result `types`. Ops whose
        attributes depend on a shape override it.
      }],
      "::mlir::Operation *", "cloneLocal",
      (ins "::mlir::OpBuilder &":$builder, "::mlir::ValueRange":$operands,
           "::mlir::TypeRange":$types), "", [{
        return ::dtc::sharding::cloneWithTypes($_op, builder, operands, types);
      }]>];
}

#endif // DTC_SHARDING_SHARDING_RULE_INTERFACE
