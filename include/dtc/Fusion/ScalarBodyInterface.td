// What an elementwise op answers when dtc-fuse-elementwise asks for its formula.
#ifndef DTC_FUSION_SCALAR_BODY_INTERFACE
#define DTC_FUSION_SCALAR_BODY_INTERFACE

include "mlir/IR/OpBase.td"

def ScalarBodyOpInterface : OpInterface<"ScalarBodyOpInterface"> {
  let cppNamespace = "::dtc::fusion";
  let description = [{
    An op whose result element is a formula of one element of each operand
    (operands broadcast as in numpy) and of the op's attributes.
  }];
  let methods = [
    InterfaceMethod<[{
      Builds the formula out of arith and math ops. `scalars` are one value for
      each operand, of its element type, bf16 widened to f32; the result is of that type too, and is rounded by the caller. One that comes from a splat constant is
      the result of an `arith.constant`, so that a formula may be cheaper for it.
      Gives the result element.
    }], "::mlir::Value", "buildScalar",
      (ins "::mlir::OpBuilder &":$builder, "::mlir::Location":$location,
           "::mlir::ValueRange":$scalars)>
  ];
}

#endif // DTC_FUSION_SCALAR_BODY_INTERFACE
