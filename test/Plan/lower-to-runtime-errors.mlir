// RUN: dtc-opt --dtc-lower-to-runtime %s -verify-diagnostics -split-input-file

// expected-error @below {{has no mesh: no 'shard.grid @mesh'}}
module {
}

// -----

// expected-error @below {{has no timeline}}
module {
  shard.grid @mesh(shape = 1) {dist.axes = ["data"]}
}

// -----

shard.grid @mesh(shape = 1) {dist.axes = ["data"]}
// expected-error @below {{needs nn.model and nn.recipe}}
dist.timeline @train(%w: tensor<2xf32> {nn.sample_weight}) -> () attributes {phase = "train", role = "all"} {
  dist.return
}

// -----

shard.grid @mesh(shape = 1) {dist.axes = ["data"]}
// expected-error @below {{argument 1 is neither input, label, weight, loss weight, sample index, step, learning rate, parameter nor state}}
dist.timeline @train(%w: tensor<2xf32> {nn.sample_weight}, %x: tensor<2xf32>) -> () attributes {phase = "train", role = "all", nn.model = "m", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 2>} {
  dist.return
}

// -----

shard.grid @mesh(shape = 1) {dist.axes = ["data"]}
dist.fragment @f(%x: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error @below {{has no runtime call (RuntimeLoweringOpInterface)}}
  %y = nn.relu %x : tensor<2xf32>
  dist.return %y : tensor<2xf32>
}
dist.timeline @train(%w: tensor<2xf32> {nn.sample_weight}) -> (tensor<2xf32> {nn.loss}) attributes {phase = "train", role = "all", nn.model = "m", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 2>} {
  %y = dist.run @f(%w) : (tensor<2xf32>) -> tensor<2xf32>
  dist.return %y : tensor<2xf32>
}

// -----

shard.grid @mesh(shape = 1) {dist.axes = ["data"]}
dist.timeline @train(%w: tensor<2xf32> {nn.sample_weight}, %p: tensor<2xf32> {nn.parameter = "p", nn.init = #nn.constant<value = 0.0>}) -> () attributes {phase = "train", role = "all", nn.model = "m", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 2>} {
  dist.return
}
// expected-error @below {{has 'p' as 'memref<3xf32>' but another phase as 'memref<2xf32>'}}
dist.timeline @evaluate(%w: tensor<2xf32> {nn.sample_weight}, %p: tensor<3xf32> {nn.parameter = "p", nn.init = #nn.constant<value = 0.0>}) -> () attributes {phase = "evaluate", role = "all"} {
  dist.return
}

// -----

shard.grid @mesh(shape = 1) {dist.axes = ["data"]}
dist.fragment @f(%x: tensor<2xf32>) -> tensor<2xf32> {
  %e = tensor.empty() : tensor<2xf32>
  // expected-error @below {{reads its output, which no kernel does}}
  %y = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]} ins(%x : tensor<2xf32>) outs(%e : tensor<2xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.addf %a, %o : f32
    linalg.yield %s : f32
  } -> tensor<2xf32>
  dist.return %y : tensor<2xf32>
}
dist.timeline @train(%w: tensor<2xf32> {nn.sample_weight}) -> (tensor<2xf32> {nn.loss}) attributes {phase = "train", role = "all", nn.model = "m", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 2>} {
  %y = dist.run @f(%w) : (tensor<2xf32>) -> tensor<2xf32>
  dist.return %y : tensor<2xf32>
}

// -----

shard.grid @mesh(shape = 1) {dist.axes = ["data"]}
dist.fragment @f(%x: tensor<2xf32>) -> tensor<2xf32> {
  %e = tensor.empty() : tensor<2xf32>
  // expected-error @below {{has an indexing map that is no broadcast}}
  %y = linalg.generic {indexing_maps = [affine_map<(d0) -> (1 - d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]} ins(%x : tensor<2xf32>) outs(%e : tensor<2xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  } -> tensor<2xf32>
  dist.return %y : tensor<2xf32>
}
dist.timeline @train(%w: tensor<2xf32> {nn.sample_weight}) -> (tensor<2xf32> {nn.loss}) attributes {phase = "train", role = "all", nn.model = "m", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 2>} {
  %y = dist.run @f(%w) : (tensor<2xf32>) -> tensor<2xf32>
  dist.return %y : tensor<2xf32>
}

// -----

shard.grid @mesh(shape = 1) {dist.axes = ["data"]}
dist.fragment @f(%x: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error @below {{of a tensor has no memory: use nn.constant}}
  %y = arith.constant dense<0.0> : tensor<2xf32>
  dist.return %y : tensor<2xf32>
}
dist.timeline @train(%w: tensor<2xf32> {nn.sample_weight}) -> (tensor<2xf32> {nn.loss}) attributes {phase = "train", role = "all", nn.model = "m", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 2>} {
  %y = dist.run @f(%w) : (tensor<2xf32>) -> tensor<2xf32>
  dist.return %y : tensor<2xf32>
}

// -----

shard.grid @mesh(shape = 1) {dist.axes = ["data"]}
dist.fragment @f(%x: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error @below {{constants of type 'tensor<2xf64>' have no memory: only tensors of f32, i64, i32 and i1 do}}
  %c = nn.constant dense<[1.0, 2.0]> : tensor<2xf64> : tensor<2xf64>
  %y = nn.reshape %x : tensor<2xf32> -> tensor<2xf32>
  dist.return %y : tensor<2xf32>
}
dist.timeline @train(%w: tensor<2xf32> {nn.sample_weight}) -> (tensor<2xf32> {nn.loss}) attributes {phase = "train", role = "all", nn.model = "m", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 2>} {
  %y = dist.run @f(%w) : (tensor<2xf32>) -> tensor<2xf32>
  dist.return %y : tensor<2xf32>
}

// -----

shard.grid @mesh(shape = 1) {dist.axes = ["data"]}
// expected-error @below {{has neither sample weights nor dist.local_batch}}
dist.timeline @train(%x: tensor<2xf32> {nn.input = "x"}) -> () attributes {phase = "train", role = "all", nn.model = "m", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 2>} {
  dist.return
}

// -----

shard.grid @mesh(shape = 1) {dist.axes = ["data"]}
// expected-error @below {{result 0 is neither loss, correct, output, parameter nor state}}
dist.timeline @train(%w: tensor<2xf32> {nn.sample_weight}) -> (tensor<2xf32>) attributes {phase = "train", role = "all", nn.model = "m", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 2>} {
  dist.return %w : tensor<2xf32>
}

// -----

shard.grid @mesh(shape = 1) {dist.axes = ["data"]}
// expected-error @below {{gives back 'p', which it does not take}}
dist.timeline @train(%w: tensor<2xf32> {nn.sample_weight}) -> (tensor<2xf32> {nn.parameter = "p"}) attributes {phase = "train", role = "all", nn.model = "m", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 2>} {
  dist.return %w : tensor<2xf32>
}

// -----

shard.grid @mesh(shape = 1) {dist.axes = ["data"]}
dist.timeline @train(%w: tensor<2xf32> {nn.sample_weight}) -> () attributes {phase = "train", role = "all", nn.model = "m", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 2>} {
  // expected-error @below {{has no place in a timeline of rt}}
  %e = tensor.empty() : tensor<2xf32>
  dist.return
}
