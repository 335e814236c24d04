// RUN: dtc-opt --dtc-lower-to-runtime -split-input-file -verify-diagnostics %s

// Sums over ranks are of f32 alone.
shard.grid @mesh(shape = 2) {dist.axes = ["data"]}
dist.timeline @train(%w: tensor<2xf32> {nn.sample_weight}, %x: tensor<4xbf16> {nn.input = "x"})
    attributes {phase = "train", role = "all", nn.model = "m", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 4>} {
  // expected-error @below {{combines 'memref<4xbf16>': only f32 is combined over ranks}}
  %t = dist.reduce_scatter_start sum %x over "data" bucket "b" ["x"] : tensor<4xbf16> -> <tensor<2xbf16>>
  %y = dist.wait %t : <tensor<2xbf16>> -> tensor<2xbf16>
  dist.return
}

// -----

// One that is over at once does not know which microbatch it would be of.
shard.grid @mesh(shape = 2) {dist.axes = ["data"]}
dist.timeline @train(%w: tensor<2xf32> {nn.sample_weight}, %x: tensor<4xf32> {nn.input = "x"})
    attributes {phase = "train", role = "all", nn.model = "m", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 4>} {
  %x1 = dist.microbatch 1 of %x : tensor<4xf32> -> tensor<2xf32>
  // expected-error @below {{of a microbatch stands in a fragment, or is started and awaited}}
  %y = dist.all_gather %x1 over "data" : tensor<2xf32> -> tensor<4xf32>
  dist.return
}
