// RUN: dtc-opt %s -split-input-file -pass-pipeline='builtin.module(func.func(dtc-recognise-loss))' | FileCheck %s
// RUN: dtc-opt %s -split-input-file -pass-pipeline='builtin.module(func.func(dtc-recognise-loss{output=loss}))' | FileCheck %s

// The mean of squared differences, however it is spelled. The label is no input any more, and outputs that follow from it are gone; others stay.
// CHECK-LABEL: func.func @squares(%arg0: tensor<4x2xf32> {nn.input = "x"}, %arg1: tensor<2x3xf32> {nn.parameter = "w"})
// CHECK-SAME: -> (tensor<4x3xf32> {nn.output = "y"}, tensor<4x3xf32> {nn.label = "t", nn.output = "loss", nn.own_loss = #nn.mse})
// CHECK: %[[Y:.*]] = nn.matmul %arg0, %arg1
// CHECK-NEXT: return %[[Y]], %[[Y]]
func.func @squares(%x: tensor<4x2xf32> {nn.input = "x"}, %t: tensor<4x3xf32> {nn.input = "t"}, %w: tensor<2x3xf32> {nn.parameter = "w"})
    -> (tensor<4x3xf32> {nn.output = "y"}, tensor<4x3xf32> {nn.output = "error"}, tensor<f32> {nn.output = "loss"}) attributes {nn.model = "squares"} {
  %y = nn.matmul %x, %w : (tensor<4x2xf32>, tensor<2x3xf32>) -> tensor<4x3xf32>
  %d = nn.sub %t, %y : tensor<4x3xf32>, tensor<4x3xf32>
  %square = nn.mul %d, %d : tensor<4x3xf32>, tensor<4x3xf32>
  %rows = nn.reduce_sum %square axes [1] : (tensor<4x3xf32>) -> tensor<4xf32>
  %twelve = nn.constant dense<12.0> : tensor<f32> : tensor<f32>
  %parts = nn.div %rows, %twelve : tensor<4xf32>, tensor<f32>
  %loss = nn.reduce_sum %parts axes [0] : (tensor<4xf32>) -> tensor<f32>
  return %y, %d, %loss : tensor<4x3xf32>, tensor<4x3xf32>, tensor<f32>
}

// -----

// A label that is brought into another shape keeps that which it has as an input.
// CHECK-LABEL: func.func @flat
// CHECK: %[[Y:.*]] = nn.matmul
// CHECK: %[[P:.*]] = nn.reshape %[[Y]] : tensor<4x1xf32> -> tensor<4xf32>
// CHECK: return %[[P]]
func.func @flat(%x: tensor<4x2xf32> {nn.input = "x"}, %t: tensor<4xf32> {nn.input = "t"}, %w: tensor<2x1xf32> {nn.parameter = "w"})
    -> (tensor<f32> {nn.output = "loss"}) attributes {nn.model = "flat"} {
  %y = nn.matmul %x, %w : (tensor<4x2xf32>, tensor<2x1xf32>) -> tensor<4x1xf32>
  %column = nn.reshape %t : tensor<4xf32> -> tensor<4x1xf32>
  %d = nn.sub %y, %column : tensor<4x1xf32>, tensor<4x1xf32>
  %two = nn.constant dense<2.0> : tensor<f32> : tensor<f32>
  %square = nn.pow %d, %two : tensor<4x1xf32>, tensor<f32>
  %kept = nn.reduce_mean %square axes [0, 1] keep : (tensor<4x1xf32>) -> tensor<1x1xf32>
  %loss = nn.reshape %kept : tensor<1x1xf32> -> tensor<f32>
  return %loss : tensor<f32>
}

// -----

// What is no model stays as it is.
// CHECK-LABEL: func.func @other
// CHECK: return %arg0
func.func @other(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
