// RUN: dtc-opt %s -split-input-file -dtc-differentiate-graph -dtc-verify-step | FileCheck %s

// Backward takes what forward kept; evaluation is the same op. Of a frozen scale no gradient is made.
// CHECK-LABEL: func.func @train
// CHECK: %[[Y:.*]], %[[MEAN:.*]], %[[INVERSE:.*]] = nn.layer_norm %[[X:.*]] scale %[[S:.*]] bias %{{.*}} {axis = 1
// CHECK: nn.layer_norm_gradient %{{.*}}, %[[X]] inverse %[[INVERSE]] mean %[[MEAN]] scale %[[S]] : {{.*}} -> tensor<4x2xf32> bias tensor<2xf32>
// CHECK-LABEL: func.func @evaluate
// CHECK: nn.layer_norm
// CHECK-NOT: nn.layer_norm_gradient
func.func @rows(%x: tensor<4x2xf32> {nn.input = "x"},
                %scale: tensor<2xf32> {nn.parameter = "scale", nn.frozen, nn.init = #nn.constant<value = 1.0>},
                %bias: tensor<2xf32> {nn.parameter = "bias", nn.init = #nn.constant<value = 0.0>})
    -> (tensor<4x2xf32> {nn.output = "y"})
    attributes {nn.model = "rows", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 4>} {
  %y, %mean, %inverse = nn.layer_norm %x scale %scale bias %bias {axis = 1, epsilon = 1.0e-5}
     : (tensor<4x2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<4x2xf32>, tensor<4xf32>, tensor<4xf32>)
  return %y : tensor<4x2xf32>
}

// -----

// Without a mean the gradient is rms_norm's.
// CHECK-LABEL: func.func @train
// CHECK: %{{.*}}, %[[INVERSE:.*]] = nn.rms_norm
// CHECK: nn.layer_norm_gradient %{{.*}}, %{{.*}} inverse %[[INVERSE]] scale %{{.*}} : {{.*}} -> tensor<4x2xf32> scale tensor<2xf32>{{$}}
func.func @root(%x: tensor<4x2xf32> {nn.input = "x"},
                %scale: tensor<2xf32> {nn.parameter = "scale", nn.init = #nn.constant<value = 1.0>})
    -> (tensor<4x2xf32> {nn.output = "y"})
    attributes {nn.model = "root", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 4>} {
  %y, %inverse = nn.rms_norm %x scale %scale {axis = 1, epsilon = 1.0e-5} : (tensor<4x2xf32>, tensor<2xf32>) -> (tensor<4x2xf32>, tensor<4xf32>)
  return %y : tensor<4x2xf32>
}

// -----

// CHECK-LABEL: func.func @train
// CHECK: %{{.*}}, %[[MEAN:.*]], %[[INVERSE:.*]] = nn.group_norm {{.*}} groups 2
// CHECK: nn.group_norm_gradient {{.*}} statistics %[[MEAN]], %[[INVERSE]]
func.func @groups(%x: tensor<4x2x3xf32> {nn.input = "x"},
                  %scale: tensor<2xf32> {nn.parameter = "scale", nn.init = #nn.constant<value = 1.0>},
                  %bias: tensor<2xf32> {nn.parameter = "bias", nn.init = #nn.constant<value = 0.0>})
    -> (tensor<4x2x3xf32> {nn.output = "y"})
    attributes {nn.model = "groups", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 4>} {
  %y, %mean, %inverse = nn.group_norm %x, %scale, %bias groups 2 {epsilon = 1.0e-5}
     : (tensor<4x2x3xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<4x2x3xf32>, tensor<4x2xf32>, tensor<4x2xf32>)
  return %y : tensor<4x2x3xf32>
}
