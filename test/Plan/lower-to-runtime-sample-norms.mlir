// RUN: dtc-opt --dtc-lower-to-runtime %s | FileCheck %s

// Images are normalised channels-last, rows row-major. What a call may do without is named.
shard.grid @mesh(shape = 1) {dist.axes = ["data"]}

// CHECK-DAG: [[LAST:%[0-9]+]] = rt.buffer temporary "x.channels_last" : memref<2x6x3x3xf32, strided<[54, 1, 18, 6]>>
dist.fragment @f(%x: tensor<2x6x3x3xf32>, %s: tensor<6xf32>, %t: tensor<54xf32>, %weight: tensor<2xf32>) -> tensor<f32> {
  // CHECK: rt.call "group_norm"([[LAST]], [[S:%[0-9]+]], [[S]]) -> ([[Y:%[0-9]+]], [[M:%[0-9]+]], [[I:%[0-9]+]]) options {epsilon = 1.000000e-03 : f64}
  %y, %mean, %inverse = nn.group_norm %x, %s, %s groups 3 {epsilon = 1.0e-3} : (tensor<2x6x3x3xf32>, tensor<6xf32>, tensor<6xf32>) -> (tensor<2x6x3x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>)
  // CHECK: rt.call "group_norm_gradient"([[Y]], [[LAST]], [[S]], [[M]], [[I]]) -> ([[DX:%[0-9]+]], %{{[0-9]+}}, %{{[0-9]+}})
  %dx:3 = nn.group_norm_gradient %y, %x, %s statistics %mean, %inverse : (tensor<2x6x3x3xf32>, tensor<2x6x3x3xf32>, tensor<6xf32>, tensor<2x3xf32>, tensor<2x3xf32>) -> (tensor<2x6x3x3xf32>, tensor<6xf32>, tensor<6xf32>)
  // CHECK: rt.call "copy"([[DX]]) -> ([[FLAT:%[0-9]+]])
  %flat = nn.reshape %dx#0 : tensor<2x6x3x3xf32> -> tensor<2x54xf32>
  // CHECK: rt.call "layer_norm"([[FLAT]]) -> ([[Z:%[0-9]+]], [[RM:%[0-9]+]], [[RI:%[0-9]+]]) named [[T:%[0-9]+]], [[T]] ["scale", "bias"]
  %z, %row_mean, %row_inverse = nn.layer_norm %flat scale %t bias %t {axis = 1, epsilon = 1.0e-5} : (tensor<2x54xf32>, tensor<54xf32>, tensor<54xf32>) -> (tensor<2x54xf32>, tensor<2xf32>, tensor<2xf32>)
  // CHECK: rt.call "layer_norm_gradient"([[Z]], [[FLAT]], [[RI]]) -> ([[DZ:%[0-9]+]]) named [[RM]], [[T]], %{{[0-9]+}} ["mean", "scale", "bias_gradient"]
  %dz, %dbias = nn.layer_norm_gradient %z, %flat inverse %row_inverse mean %row_mean scale %t : tensor<2x54xf32>, tensor<2x54xf32>, tensor<2xf32>, tensor<2xf32>, tensor<54xf32> -> tensor<2x54xf32> bias tensor<54xf32>
  // CHECK: rt.call "rms_norm"([[DZ]]) -> ([[R:%[0-9]+]], [[ROOT:%[0-9]+]]) :
  %r, %root = nn.rms_norm %dz {axis = 1, epsilon = 1.0e-5} : (tensor<2x54xf32>) -> (tensor<2x54xf32>, tensor<2xf32>)
  // CHECK: rt.call "layer_norm_gradient"([[R]], [[DZ]], [[ROOT]]) -> (%{{[0-9]+}}) :
  %dr = nn.layer_norm_gradient %r, %dz inverse %root : tensor<2x54xf32>, tensor<2x54xf32>, tensor<2xf32> -> tensor<2x54xf32>
  %loss = nn.reduce_sum %dr axes [0, 1] : (tensor<2x54xf32>) -> tensor<f32>
  dist.return %loss : tensor<f32>
}

dist.timeline @evaluate(%x: tensor<2x6x3x3xf32> {nn.input = "x"}, %s: tensor<6xf32> {nn.parameter = "s", nn.init = #nn.constant<value = 1.0>}, %t: tensor<54xf32> {nn.parameter = "t", nn.init = #nn.constant<value = 1.0>}, %weight: tensor<2xf32> {nn.sample_weight})
    -> (tensor<f32> {nn.loss}) attributes {phase = "evaluate", role = "all", nn.model = "m", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 2>} {
  %loss = dist.run @f(%x, %s, %t, %weight) : (tensor<2x6x3x3xf32>, tensor<6xf32>, tensor<54xf32>, tensor<2xf32>) -> tensor<f32>
  dist.return %loss : tensor<f32>
}
