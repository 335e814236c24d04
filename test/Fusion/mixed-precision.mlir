// RUN: dtc-opt %s -dtc-fuse | FileCheck %s

// A kernel reads and writes bf16 and computes in f32: what stays inside is not
// rounded.
// CHECK-LABEL: func.func @chain
// CHECK: linalg.generic
// CHECK-SAME: ins(%arg0, %arg1, %arg2 : tensor<4x8xbf16>, tensor<8xf32>, tensor<8xf32>) outs(%{{.*}} : tensor<4x8xbf16>)
// CHECK-NEXT: ^bb0(%[[X:.*]]: bf16, %[[M:.*]]: f32, %[[S:.*]]: f32, %{{.*}}: bf16):
// CHECK-NEXT: %[[WIDE:.*]] = arith.extf %[[X]] : bf16 to f32
// CHECK-NEXT: %[[C:.*]] = arith.subf %[[WIDE]], %[[M]] : f32
// CHECK-NEXT: %[[Y:.*]] = arith.mulf %[[C]], %[[S]] : f32
// CHECK-NEXT: %[[LOW:.*]] = arith.truncf %[[Y]] : f32 to bf16
// CHECK-NEXT: linalg.yield %[[LOW]] : bf16
func.func @chain(%x: tensor<4x8xbf16>, %mean: tensor<8xf32>, %scale: tensor<8xf32>) -> tensor<4x8xbf16> {
  %c = nn.sub %x, %mean : tensor<4x8xbf16>, tensor<8xf32>
  %y = nn.mul %c, %scale : tensor<4x8xbf16>, tensor<8xf32>
  return %y : tensor<4x8xbf16>
}

// Casts are part of the kernel that makes the value.
// CHECK-LABEL: func.func @normalise
// CHECK: linalg.generic
// CHECK-SAME: ins(%arg0 : tensor<4x8xf32>) outs(%{{.*}} : tensor<4x8xbf16>) attrs = {dtc.ops = ["sub", "cast"]}
// CHECK: arith.subf
// CHECK-NEXT: arith.truncf
// CHECK-NOT: linalg.generic
// CHECK: return
func.func @normalise(%x: tensor<4x8xf32>) -> tensor<4x8xbf16> {
  %half = nn.constant dense<0.5> : tensor<f32> : tensor<f32>
  %c = nn.sub %x, %half : tensor<4x8xf32>, tensor<f32>
  %y = nn.cast %c : tensor<4x8xf32> -> tensor<4x8xbf16>
  return %y : tensor<4x8xbf16>
}

// Bias and activation of a bf16 product are its epilogue, as in f32.
// CHECK-LABEL: func.func @epilogue
// CHECK-NEXT: %[[Y:.*]] = nn.matmul %arg0, %arg1 bias %arg2 epilogue<activation = relu> : (tensor<4x8xbf16>, tensor<8x2xbf16>, tensor<2xbf16>) -> tensor<4x2xbf16>
// CHECK-NEXT: return %[[Y]]
func.func @epilogue(%x: tensor<4x8xbf16>, %w: tensor<8x2xbf16>, %b: tensor<2xbf16>) -> tensor<4x2xbf16> {
  %y = nn.matmul %x, %w : (tensor<4x8xbf16>, tensor<8x2xbf16>) -> tensor<4x2xbf16>
  %z = nn.add %y, %b : tensor<4x2xbf16>, tensor<2xbf16>
  %r = nn.relu %z : tensor<4x2xbf16>
  return %r : tensor<4x2xbf16>
}

// A bias in f32 would have to be rounded first: it stays a kernel.
// CHECK-LABEL: func.func @full_bias
// CHECK: nn.matmul %arg0, %arg1 : (tensor<4x8xbf16>
// CHECK: linalg.generic
func.func @full_bias(%x: tensor<4x8xbf16>, %w: tensor<8x2xbf16>, %b: tensor<2xf32>) -> tensor<4x2xbf16> {
  %y = nn.matmul %x, %w : (tensor<4x8xbf16>, tensor<8x2xbf16>) -> tensor<4x2xbf16>
  %z = nn.add %y, %b : tensor<4x2xbf16>, tensor<2xf32>
  return %z : tensor<4x2xbf16>
}
