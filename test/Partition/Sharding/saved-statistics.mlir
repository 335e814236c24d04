// RUN: dtc-opt %s -dtc-to-dist=devices=2 2>&1 | FileCheck %s --check-prefix=DATA
// RUN: dtc-opt %s '-dtc-to-dist=mesh=pipe:2 microbatches=2' 2>&1 | FileCheck %s --check-prefix=PIPE --implicit-check-not='send_start{{.*}}: tensor<6xf32>'
// RUN: dtc-opt %s '-dtc-to-dist=mesh=data:2,pipe:2 devices=2 microbatches=2' 2>&1 | FileCheck %s --check-prefixes=PIPE,HYBRID --implicit-check-not='send_start{{.*}}: tensor<6xf32>'
// RUN: dtc-opt %s '-dtc-to-dist=mesh=pipe:2 microbatches=2 recompute=1' 2>&1 | FileCheck %s --check-prefix=AGAIN

// The mean and the inverse deviation that batch normalisation keeps go from a share's forward to its own backward, as x does: no sum over
// shares, no message. All that is summed up is the loss, parameters' gradients and what moves the running statistics.

// DATA: %[[MEAN:mean]], %[[INVERSE:inverse]] = nn.batch_norm_training
// DATA: nn.batch_norm_gradient {{.*}} statistics %[[MEAN]], %[[INVERSE]] relu
// DATA: dist.timeline @train
// DATA: all_reduce_start {{.*}} ["norm.running_mean", "norm.running_var", "loss", "fc2.weight", "norm.weight", "norm.bias", "fc1.weight"]
// DATA-NOT: all_reduce_start
// DATA: dist.fragment @evaluate

// PIPE: dist.fragment @stage0_forward(
// PIPE: %[[MEAN:mean]], %[[INVERSE:inverse]] = nn.batch_norm_training
// PIPE: dist.return {{.*}}, %[[MEAN]], %[[INVERSE]], {{.*}}
// PIPE: dist.fragment @stage0_backward(
// PIPE: nn.batch_norm_gradient {{.*}} statistics %arg5, %arg6 relu
// Each microbatch's backward takes what its own forward gave.
// PIPE: dist.timeline @stage0(
// PIPE: %[[FIRST:[0-9]+]]:6 = dist.run @stage0_forward({{.*}}) microbatch 0
// PIPE: %[[SECOND:[0-9]+]]:6 = dist.run @stage0_forward({{.*}}) microbatch 1
// HYBRID: all_reduce_start {{.*}} ["norm.running_mean", "norm.running_var"]
// PIPE: dist.run @stage0_backward({{.*}}, %[[FIRST]]#2, %[[FIRST]]#3, {{.*}}) microbatch 0
// PIPE: dist.run @stage0_backward({{.*}}, %[[SECOND]]#2, %[[SECOND]]#3, {{.*}}) microbatch 1
// HYBRID: all_reduce_start {{.*}} ["norm.weight", "norm.bias", "fc1.weight"]
// HYBRID-NOT: all_reduce_start
// PIPE: dist.timeline @stage1(

// Recomputed, they are made where they are taken.
// AGAIN: dist.fragment @stage0_backward(
// AGAIN: %[[MEAN:mean]], %[[INVERSE:inverse]] = nn.batch_norm_training
// AGAIN: nn.batch_norm_gradient {{.*}} statistics %[[MEAN]], %[[INVERSE]] relu
func.func @model(%x: tensor<16x4xf32> {nn.input = "x"},
                 %w1: tensor<6x4xf32> {nn.parameter = "fc1.weight", nn.init = #nn.normal<mean = 0.0, stddev = 1.0>},
                 %scale: tensor<6xf32> {nn.parameter = "norm.weight", nn.init = #nn.constant<value = 1.0>},
                 %bias: tensor<6xf32> {nn.parameter = "norm.bias", nn.init = #nn.constant<value = 0.0>},
                 %mean: tensor<6xf32> {nn.state = "norm.running_mean", nn.statistic, nn.init = #nn.constant<value = 0.0>},
                 %variance: tensor<6xf32> {nn.state = "norm.running_var", nn.statistic, nn.init = #nn.constant<value = 1.0>},
                 %w2: tensor<3x6xf32> {nn.parameter = "fc2.weight", nn.init = #nn.normal<mean = 0.0, stddev = 1.0>})
    -> (tensor<16x3xf32> {nn.output = "y"})
    attributes {nn.model = "model", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 16>} {
  %h = nn.matmul %x, %w1 transposed : (tensor<16x4xf32>, tensor<6x4xf32>) -> tensor<16x6xf32> loc("fc1")
  %n = nn.batch_norm %h, %scale, %bias running %mean, %variance {epsilon = 1.0e-5, momentum = 0.1}
     : (tensor<16x6xf32>, tensor<6xf32>, tensor<6xf32>, tensor<6xf32>, tensor<6xf32>) -> tensor<16x6xf32> loc("norm")
  %r = nn.relu %n : tensor<16x6xf32> loc("relu")
  %y = nn.matmul %r, %w2 transposed : (tensor<16x6xf32>, tensor<3x6xf32>) -> tensor<16x3xf32> loc("fc2")
  return %y : tensor<16x3xf32>
}
