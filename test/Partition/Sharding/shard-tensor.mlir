// RUN: dtc-opt %s -dtc-shard-tensor | FileCheck %s
// RUN: sed 's/shape = 2/shape = 1/' %s | dtc-opt -dtc-shard-tensor | FileCheck %s --check-prefix=ALONE

// Two products behind each other on two ranks: columns, then rows, one all-reduce forward; backward needs none, since nobody asks for dx.
shard.grid @mesh(shape = 2) {dist.axes = ["tensor"]}

// ALONE-NOT: dist.all_reduce
// ALONE-NOT: dist.shares

// CHECK-LABEL: func.func @train(
// CHECK-SAME: tensor<512x1024xf32> {dist.shares = [#dist.share<"tensor", [1024, 1024] as 1 x 1024 x 1024>], nn.parameter = "w1"}
// CHECK-SAME: tensor<512xf32> {dist.shares = [#dist.share<"tensor", [1024] as 1 x 1024 x 1>], nn.parameter = "b1"}
// CHECK-SAME: tensor<8x512xf32> {dist.shares = [#dist.share<"tensor", [8, 1024] as 8 x 1024 x 1>], nn.parameter = "w2"}
// CHECK: nn.matmul {{.*}} -> tensor<256x512xf32>
// CHECK: nn.add {{.*}} : tensor<256x512xf32>, tensor<512xf32>
// CHECK: %[[PART:.*]] = nn.matmul {{.*}} : (tensor<256x512xf32>, tensor<8x512xf32>) -> tensor<256x8xf32>
// CHECK: %[[Y:.*]] = dist.all_reduce sum %[[PART]] over "tensor"
// CHECK: nn.softmax_cross_entropy %[[Y]]
// CHECK-NOT: dist.all_reduce
// CHECK: return
func.func @train(%x: tensor<256x1024xf32> {nn.input = "x"}, %label: tensor<256xi64> {nn.label}, %weight: tensor<256xf32> {nn.sample_weight},
                 %step: tensor<i64> {nn.step}, %rate: tensor<f64> {nn.learning_rate},
                 %w1: tensor<1024x1024xf32> {nn.parameter = "w1"}, %b1: tensor<1024xf32> {nn.parameter = "b1"}, %w2: tensor<8x1024xf32> {nn.parameter = "w2"})
    -> (tensor<f32> {nn.loss}, tensor<1024x1024xf32> {nn.parameter = "w1"}, tensor<1024xf32> {nn.parameter = "b1"}, tensor<8x1024xf32> {nn.parameter = "w2"})
    attributes {nn.phase = "train"} {
  %p = nn.matmul %x, %w1 transposed : (tensor<256x1024xf32>, tensor<1024x1024xf32>) -> tensor<256x1024xf32>
  %h = nn.add %p, %b1 : tensor<256x1024xf32>, tensor<1024xf32>
  %r = nn.relu %h : tensor<256x1024xf32>
  %y = nn.matmul %r, %w2 transposed : (tensor<256x1024xf32>, tensor<8x1024xf32>) -> tensor<256x8xf32>
  %loss, %dy = nn.softmax_cross_entropy %y, %label, %weight : (tensor<256x8xf32>, tensor<256xi64>, tensor<256xf32>) -> (tensor<f32>, tensor<256x8xf32>)
  %dw2 = nn.matmul %dy transposed, %r : (tensor<256x8xf32>, tensor<256x1024xf32>) -> tensor<8x1024xf32>
  %dr = nn.matmul %dy, %w2 : (tensor<256x8xf32>, tensor<8x1024xf32>) -> tensor<256x1024xf32>
  %zero = nn.constant dense<0.0> : tensor<256x1024xf32> : tensor<256x1024xf32>
  %dh = nn.where_positive %r, %dr, %zero : tensor<256x1024xf32>, tensor<256x1024xf32>, tensor<256x1024xf32>
  %db1 = nn.reduce_sum %dh axes [0] : (tensor<256x1024xf32>) -> tensor<1024xf32>
  %dw1 = nn.matmul %dh transposed, %x : (tensor<256x1024xf32>, tensor<256x1024xf32>) -> tensor<1024x1024xf32>
  %w1n = nn.update %w1, %dw1 rate %rate step %step by sgd<lr = 0.1> : (tensor<1024x1024xf32>, tensor<1024x1024xf32>, tensor<f64>, tensor<i64>) -> tensor<1024x1024xf32>
  %b1n = nn.update %b1, %db1 rate %rate step %step by sgd<lr = 0.1> : (tensor<1024xf32>, tensor<1024xf32>, tensor<f64>, tensor<i64>) -> tensor<1024xf32>
  %w2n = nn.update %w2, %dw2 rate %rate step %step by sgd<lr = 0.1> : (tensor<8x1024xf32>, tensor<8x1024xf32>, tensor<f64>, tensor<i64>) -> tensor<8x1024xf32>
  return %loss, %w1n, %b1n, %w2n : tensor<f32>, tensor<1024x1024xf32>, tensor<1024xf32>, tensor<8x1024xf32>
}
