// RUN: dtc-opt %s | dtc-opt | FileCheck %s

// CHECK-LABEL: func.func @rows
func.func @rows(%x: tensor<8x4x6xf32>, %s: tensor<6xf32>) {
  // CHECK: %[[Y:.*]], %[[M:.*]], %[[I:.*]] = nn.layer_norm %arg0 scale %arg1 bias %arg1 {axis = 2 : i64, epsilon = 1.000000e-05 : f64} : (tensor<8x4x6xf32>, tensor<6xf32>, tensor<6xf32>) -> (tensor<8x4x6xf32>, tensor<8x4xf32>, tensor<8x4xf32>)
  %y, %mean, %inverse = nn.layer_norm %x scale %s bias %s {axis = 2, epsilon = 1.0e-5} : (tensor<8x4x6xf32>, tensor<6xf32>, tensor<6xf32>) -> (tensor<8x4x6xf32>, tensor<8x4xf32>, tensor<8x4xf32>)
  // CHECK: nn.layer_norm_gradient %[[Y]], %arg0 inverse %[[I]] mean %[[M]] scale %arg1 : tensor<8x4x6xf32>, tensor<8x4x6xf32>, tensor<8x4xf32>, tensor<8x4xf32>, tensor<6xf32> -> tensor<8x4x6xf32> scale tensor<6xf32> bias tensor<6xf32>
  %dx:3 = nn.layer_norm_gradient %y, %x inverse %inverse mean %mean scale %s : tensor<8x4x6xf32>, tensor<8x4x6xf32>, tensor<8x4xf32>, tensor<8x4xf32>, tensor<6xf32> -> tensor<8x4x6xf32> scale tensor<6xf32> bias tensor<6xf32>
  // CHECK: nn.rms_norm %arg0 {axis = 1 : i64, epsilon = 1.000000e-05 : f64} : (tensor<8x4x6xf32>) -> (tensor<8x4x6xf32>, tensor<8xf32>)
  %z, %root = nn.rms_norm %x {axis = 1, epsilon = 1.0e-5} : (tensor<8x4x6xf32>) -> (tensor<8x4x6xf32>, tensor<8xf32>)
  // CHECK: nn.layer_norm_gradient %{{.*}}, %arg0 inverse %{{.*}} : tensor<8x4x6xf32>, tensor<8x4x6xf32>, tensor<8xf32> -> tensor<8x4x6xf32>{{$}}
  %dz = nn.layer_norm_gradient %z, %x inverse %root : tensor<8x4x6xf32>, tensor<8x4x6xf32>, tensor<8xf32> -> tensor<8x4x6xf32>
  return
}

// Images may be bf16; all else is f32.
// CHECK-LABEL: func.func @groups
func.func @groups(%x: tensor<8x6x5xbf16>, %s: tensor<6xf32>) {
  // CHECK: nn.group_norm %arg0, %arg1, %arg1 groups 3 {epsilon = 1.000000e-05 : f64} : (tensor<8x6x5xbf16>, tensor<6xf32>, tensor<6xf32>) -> (tensor<8x6x5xbf16>, tensor<8x3xf32>, tensor<8x3xf32>)
  %y, %mean, %inverse = nn.group_norm %x, %s, %s groups 3 {epsilon = 1.0e-5} : (tensor<8x6x5xbf16>, tensor<6xf32>, tensor<6xf32>) -> (tensor<8x6x5xbf16>, tensor<8x3xf32>, tensor<8x3xf32>)
  // CHECK: nn.group_norm_gradient %{{.*}}, %arg0, %arg1 statistics %{{.*}}, %{{.*}} :
  %dx:3 = nn.group_norm_gradient %y, %x, %s statistics %mean, %inverse : (tensor<8x6x5xbf16>, tensor<8x6x5xbf16>, tensor<6xf32>, tensor<8x3xf32>, tensor<8x3xf32>) -> (tensor<8x6x5xbf16>, tensor<6xf32>, tensor<6xf32>)
  return
}
