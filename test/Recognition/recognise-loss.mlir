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

// Binary cross-entropy of logits by its parts, with the products multiplied out.
// CHECK-LABEL: func.func @entropies
// CHECK-SAME: nn.own_loss = #nn.bce_logits
// CHECK: %[[Z:.*]] = nn.mul %arg0
// CHECK-NEXT: return %[[Z]]
func.func @entropies(%x: tensor<4x3xf32> {nn.input = "x"}, %t: tensor<4x3xf32> {nn.input = "t"}, %w: tensor<3xf32> {nn.parameter = "w"})
    -> (tensor<f32> {nn.output = "loss"}) attributes {nn.model = "entropies"} {
  %z = nn.mul %x, %w : tensor<4x3xf32>, tensor<3xf32>
  %one = nn.constant dense<1.0> : tensor<f32> : tensor<f32>
  %p = nn.sigmoid %z : tensor<4x3xf32>
  %q = nn.sub %one, %p : tensor<f32>, tensor<4x3xf32>
  %logp = nn.log %p : tensor<4x3xf32>
  %logq = nn.log %q : tensor<4x3xf32>
  %a = nn.mul %logp, %t : tensor<4x3xf32>, tensor<4x3xf32>
  %b = nn.mul %t, %logq : tensor<4x3xf32>, tensor<4x3xf32>
  %c = nn.sub %logq, %b : tensor<4x3xf32>, tensor<4x3xf32>
  %sum = nn.add %a, %c : tensor<4x3xf32>, tensor<4x3xf32>
  %mean = nn.reduce_mean %sum axes [0, 1] : (tensor<4x3xf32>) -> tensor<f32>
  %loss = nn.neg %mean : tensor<f32>
  return %loss : tensor<f32>
}

// -----

// Of probabilities, where logarithms are cut off as PyTorch does.
// CHECK-LABEL: func.func @probabilities
// CHECK-SAME: nn.own_loss = #nn.bce}
func.func @probabilities(%x: tensor<4x3xf32> {nn.input = "x"}, %t: tensor<4x3xf32> {nn.input = "t"}, %w: tensor<3xf32> {nn.parameter = "w"})
    -> (tensor<f32> {nn.output = "loss"}) attributes {nn.model = "probabilities"} {
  %p = nn.mul %x, %w : tensor<4x3xf32>, tensor<3xf32>
  %one = nn.constant dense<1.0> : tensor<f32> : tensor<f32>
  %least = nn.constant dense<-100.0> : tensor<f32> : tensor<f32>
  %minus = nn.neg %p : tensor<4x3xf32>
  %q = nn.add %minus, %one : tensor<4x3xf32>, tensor<f32>
  %logp = nn.log %p : tensor<4x3xf32>
  %logq = nn.log %q : tensor<4x3xf32>
  %cutp = nn.max %logp, %least : tensor<4x3xf32>, tensor<f32>
  %cutq = nn.max %logq, %least : tensor<4x3xf32>, tensor<f32>
  %u = nn.sub %t, %one : tensor<4x3xf32>, tensor<f32>
  %a = nn.mul %t, %cutp : tensor<4x3xf32>, tensor<4x3xf32>
  %b = nn.mul %u, %cutq : tensor<4x3xf32>, tensor<4x3xf32>
  %terms = nn.sub %b, %a : tensor<4x3xf32>, tensor<4x3xf32>
  %loss = nn.reduce_mean %terms axes [0, 1] : (tensor<4x3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// -----

// What is no model stays as it is.
// CHECK-LABEL: func.func @other
// CHECK: return %arg0
func.func @other(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
