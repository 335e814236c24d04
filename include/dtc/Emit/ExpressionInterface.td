// How a scalar op in a kernel's body reads in C++ and CUDA.
#ifndef DTC_EMIT_EXPRESSION_INTERFACE
#define DTC_EMIT_EXPRESSION_INTERFACE

include "mlir/IR/OpBase.td"

def ExpressionOpInterface : OpInterface<"ExpressionOpInterface"> {
  let cppNamespace = "::dtc::emit";
  let description = "A scalar op that has one result and reads as an expression.";
  let methods = [
    InterfaceMethod<"The expression of the result, given those of the operands.",
      "::dtc::emit::Expression", "getExpression",
      (ins "::llvm::ArrayRef<::dtc::emit::Expression>":$operands)>
  ];
}

#endif // DTC_EMIT_EXPRESSION_INTERFACE
