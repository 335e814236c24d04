// What an op answers when dtc-lower-precision asks in which types it computes.
#ifndef DTC_PRECISION_INTERFACE
#define DTC_PRECISION_INTERFACE

include "mlir/IR/OpBase.td"

def PrecisionOpInterface : OpInterface<"PrecisionOpInterface"> {
  let cppNamespace = "::dtc";
  let description = [{
    An op's policy under mixed precision. Operands and results of other types
    than f32 and bf16 are nobody's matter. All arithmetic is done in f32, sums
    too; the question is what is read and what is written.
  }];
  let methods = [
    InterfaceMethod<"How it takes an operand. Does not depend on types.",
      "::dtc::Reading", "getReading", (ins "::mlir::OpOperand &":$operand)>,
    InterfaceMethod<[{
        What the operands that are neither `Low` nor `Full` must agree on, now that the types of
        all are known; `wanted` has an entry for each result.
      }],
      "::dtc::Agreement", "getAgreement", (ins "::llvm::ArrayRef<::dtc::Wanted>":$wanted),
      /*methodBody=*/"", /*defaultImplementation=*/"return ::dtc::Agreement::None;">,
    InterfaceMethod<[{
        Gives the results the types that follow from those of the operands. An
        op that can write either takes what is wanted.
      }],
      "::llvm::LogicalResult", "setResultTypes", (ins "::llvm::ArrayRef<::dtc::Wanted>":$wanted)>
  ];
}

#endif // DTC_PRECISION_INTERFACE
