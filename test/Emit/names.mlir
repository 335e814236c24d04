// RUN: dtc-opt --dtc-plan-memory %s | dtc-translate --rt-to-source | FileCheck %s

// Names of the model are data. Nothing of them reaches the source but letters,
// digits and underscores in identifiers, escapes in strings, and underscores
// in comments.
// CHECK-NOT: system(
// CHECK-NOT: #include <stdlib
rt.program @all attributes {model = "evil\22; system(\22true\22); //\0A#include <stdlib.h>", recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 4>, batch = 4 : i64, local_batch = 4 : i64, axes = ["data"], mesh = array<i64: 1>} {
  // CHECK: // evil__ system__true___ //__include _stdlib.h_, one device. Made by dtc
  // A quote, a comment's end, a line's end, a path.
  // CHECK: Tensor<f32> system_1{arena, "\042\052/system\0501\051\073\012\134../", 0, {4}};
  %x = rt.buffer input "\22*/system(1);\0A\\../" : memref<4xf32>
  // Two names that would be the same identifier stay apart.
  // CHECK: Tensor<f32> a_b{arena, "a.b", 
  %a = rt.buffer parameter "a.b" {init = #nn.constant<value = 0.0>} : memref<4xf32>
  // CHECK: Tensor<f32> a_b_2{arena, "a/b", 
  %b = rt.buffer parameter "a/b" {init = #nn.constant<value = 0.0>} : memref<4xf32>
  // Keywords, digits in front, and nothing at all.
  // CHECK: Tensor<f32> t_class{
  %c = rt.buffer parameter "class" {init = #nn.constant<value = 0.0>} : memref<4xf32>
  // CHECK: Tensor<f32> t_1x1{
  %d = rt.buffer parameter "1x1" {init = #nn.constant<value = 0.0>} : memref<4xf32>
  // CHECK: Tensor<f32> unnamed{
  %e = rt.buffer parameter "\E4\BD\A0" {init = #nn.constant<value = 0.0>} : memref<4xf32>
  rt.timeline @train phase "train" {
  }
  // CHECK: .inputs = {{{{}}"\042\052/system\0501\051\073\012\134../", b.system_1}}
  // CHECK: binding.add_parameter(b.unnamed, Init::constant(0.0));
  // CHECK: .model = "evil\042\073 system\050\042true\042\051\073 //\012\043include \074stdlib.h\076"
}
