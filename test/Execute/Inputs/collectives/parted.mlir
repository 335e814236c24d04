// A small step of two ranks; its gradients are reduced, parted, put together, exchanged and handed on until they are what an all-reduce gives.
shard.grid @mesh(shape = 2) {dist.axes = ["data"]}

dist.fragment @forward_backward(%x: tensor<4x2x5x5xf32>, %label: tensor<4xi64>, %weight: tensor<4xf32>, %k: tensor<4x2x3x3xf32>,
                                %b: tensor<5xf32>, %p: tensor<4xf32>)
    -> (tensor<f32>, tensor<4x2x3x3xf32>, tensor<5xf32>, tensor<4xf32>) {
  %c = nn.conv %x, %k strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1
     : (tensor<4x2x5x5xf32>, tensor<4x2x3x3xf32>) -> tensor<4x4x3x3xf32>
  %half = nn.constant dense<0.5> : tensor<4x4x3x3xf32> : tensor<4x4x3x3xf32>
  // Channels-last: along dimension 0 slices are contiguous, along 1 they are not.
  %channels = dist.all_to_all %c from 0 to 1 over "data" : tensor<4x4x3x3xf32> -> tensor<8x2x3x3xf32>
  %samples = dist.all_to_all %channels from 1 to 0 over "data" : tensor<8x2x3x3xf32> -> tensor<4x4x3x3xf32>
  %wide = dist.all_gather %samples over "data" dimension 1 : tensor<4x4x3x3xf32> -> tensor<4x8x3x3xf32>
  %twice = dist.reduce_scatter sum %wide over "data" dimension 1 : tensor<4x8x3x3xf32> -> tensor<4x4x3x3xf32>
  %once = nn.mul %twice, %half : tensor<4x4x3x3xf32>, tensor<4x4x3x3xf32>
  %long = dist.all_gather %once over "data" dimension 0 : tensor<4x4x3x3xf32> -> tensor<8x4x3x3xf32>
  %twice_again = dist.reduce_scatter sum %long over "data" dimension 0 : tensor<8x4x3x3xf32> -> tensor<4x4x3x3xf32>
  %y = nn.mul %twice_again, %half : tensor<4x4x3x3xf32>, tensor<4x4x3x3xf32>
  %sums = nn.reduce_sum %y axes [2, 3] : (tensor<4x4x3x3xf32>) -> tensor<4x4xf32>
  %bias = nn.reduce_sum %b axes [0] : (tensor<5xf32>) -> tensor<f32>
  %biased = nn.add %sums, %bias : tensor<4x4xf32>, tensor<f32>
  %logits = nn.add %biased, %p : tensor<4x4xf32>, tensor<4xf32>
  %loss, %dy = nn.softmax_cross_entropy %logits, %label, %weight : (tensor<4x4xf32>, tensor<4xi64>, tensor<4xf32>) -> (tensor<f32>, tensor<4x4xf32>)
  %dp = nn.reduce_sum %dy axes [0] : (tensor<4x4xf32>) -> tensor<4xf32>
  %db = nn.reduce_sum %x axes [0, 1, 2] : (tensor<4x2x5x5xf32>) -> tensor<5xf32>
  %dy4 = nn.reshape %dy : tensor<4x4xf32> -> tensor<4x4x1x1xf32>
  %dc = nn.broadcast %dy4 : tensor<4x4x1x1xf32> -> tensor<4x4x3x3xf32>
  %dk = nn.conv_weight_gradient %x, %dc strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1
     : (tensor<4x2x5x5xf32>, tensor<4x4x3x3xf32>) -> tensor<4x2x3x3xf32>
  dist.return %loss, %dk, %db, %dp : tensor<f32>, tensor<4x2x3x3xf32>, tensor<5xf32>, tensor<4xf32>
}
dist.fragment @update(%k: tensor<4x2x3x3xf32>, %b: tensor<5xf32>, %dk: tensor<4x2x3x3xf32>, %db: tensor<5xf32>, %rate: tensor<f64>, %step: tensor<i64>)
    -> (tensor<4x2x3x3xf32>, tensor<5xf32>) {
  %k1 = nn.update %k, %dk rate %rate step %step by sgd<lr = 0.1> : (tensor<4x2x3x3xf32>, tensor<4x2x3x3xf32>, tensor<f64>, tensor<i64>) -> tensor<4x2x3x3xf32>
  %b1 = nn.update %b, %db rate %rate step %step by sgd<lr = 0.1> : (tensor<5xf32>, tensor<5xf32>, tensor<f64>, tensor<i64>) -> tensor<5xf32>
  dist.return %k1, %b1 : tensor<4x2x3x3xf32>, tensor<5xf32>
}
dist.fragment @update_part(%p: tensor<2xf32>, %dp: tensor<2xf32>, %rate: tensor<f64>, %step: tensor<i64>) -> tensor<2xf32> {
  %p1 = nn.update %p, %dp rate %rate step %step by sgd<lr = 0.1> : (tensor<2xf32>, tensor<2xf32>, tensor<f64>, tensor<i64>) -> tensor<2xf32>
  dist.return %p1 : tensor<2xf32>
}

dist.timeline @train(%x: tensor<4x2x5x5xf32> {nn.input = "x", dist.shard = "data"}, %label: tensor<4xi64> {nn.label, nn.classes = 4 : i64},
                     %weight: tensor<4xf32> {nn.sample_weight}, %rate: tensor<f64> {nn.learning_rate}, %step: tensor<i64> {nn.step},
                     %k: tensor<4x2x3x3xf32> {nn.parameter = "k", nn.init = #nn.uniform<bound = 0.5>},
                     %b: tensor<5xf32> {nn.parameter = "b", nn.init = #nn.uniform<bound = 0.5>},
                     %p: tensor<4xf32> {nn.parameter = "p", nn.init = #nn.constant<value = 0.0>},
                     %own: tensor<2xf32> {nn.state = "p.part", nn.init = #nn.constant<value = 0.0>})
    -> (tensor<f32> {nn.loss}, tensor<4x2x3x3xf32> {nn.parameter = "k"}, tensor<5xf32> {nn.parameter = "b"}, tensor<4xf32> {nn.parameter = "p"},
        tensor<2xf32> {nn.state = "p.part"})
    attributes {phase = "train", role = "all", nn.model = "parts", nn.recipe = #nn.recipe<loss = #nn.cross_entropy, optimizer = #nn.sgd<lr = 0.1>, batch = 8>} {
  %loss, %dk, %db, %dp = dist.run @forward_backward(%x, %label, %weight, %k, %b, %p)
     : (tensor<4x2x5x5xf32>, tensor<4xi64>, tensor<4xf32>, tensor<4x2x3x3xf32>, tensor<5xf32>, tensor<4xf32>)
       -> (tensor<f32>, tensor<4x2x3x3xf32>, tensor<5xf32>, tensor<4xf32>)
  // Pieces of 1, 36, 3 and 2 elements; the last of five is shorter.
  %t = dist.reduce_scatter_start sum %loss, %dk, %db, %dp over "data" bucket "bucket0" ["loss", "k", "b", "p"]
     : tensor<f32>, tensor<4x2x3x3xf32>, tensor<5xf32>, tensor<4xf32> -> <tensor<1xf32>, tensor<36xf32>, tensor<3xf32>, tensor<2xf32>>
  %loss_part, %dk_part, %db_part, %dp_part = dist.wait %t
     : <tensor<1xf32>, tensor<36xf32>, tensor<3xf32>, tensor<2xf32>> -> tensor<1xf32>, tensor<36xf32>, tensor<3xf32>, tensor<2xf32>
  %g = dist.all_gather_start %loss_part, %dk_part, %db_part over "data" bucket "bucket0" ["loss", "k", "b"]
     : tensor<1xf32>, tensor<36xf32>, tensor<3xf32> -> <tensor<f32>, tensor<4x2x3x3xf32>, tensor<5xf32>>
  // Each rank updates its part of p; the whole is gathered straight into the parameter.
  %own1 = dist.run @update_part(%own, %dp_part, %rate, %step) : (tensor<2xf32>, tensor<2xf32>, tensor<f64>, tensor<i64>) -> tensor<2xf32>
  %gp = dist.all_gather_start %own1 over "data" bucket "parameters" ["p"] : tensor<2xf32> -> <tensor<4xf32>>
  %loss_sum, %dk_sum, %db_sum = dist.wait %g
     : <tensor<f32>, tensor<4x2x3x3xf32>, tensor<5xf32>> -> tensor<f32>, tensor<4x2x3x3xf32>, tensor<5xf32>
  %p1 = dist.wait %gp : <tensor<4xf32>> -> tensor<4xf32>
  // The same on both ranks: slices along each dimension, and back.
  %e = dist.all_to_all_start %dk_sum from 0 to 1 over "data" bucket "there" ["k"] : tensor<4x2x3x3xf32> -> <tensor<8x1x3x3xf32>>
  %there = dist.wait %e : <tensor<8x1x3x3xf32>> -> tensor<8x1x3x3xf32>
  %f = dist.all_to_all_start %there from 1 to 0 over "data" bucket "back" ["k"] : tensor<8x1x3x3xf32> -> <tensor<4x2x3x3xf32>>
  %back = dist.wait %f : <tensor<4x2x3x3xf32>> -> tensor<4x2x3x3xf32>
  %h = dist.all_gather_start %back over "data" dimension 2 bucket "wide" ["k"] : tensor<4x2x3x3xf32> -> <tensor<4x2x6x3xf32>>
  %wide = dist.wait %h : <tensor<4x2x6x3xf32>> -> tensor<4x2x6x3xf32>
  %i = dist.reduce_scatter_start max %wide over "data" dimension 2 bucket "narrow" ["k"] : tensor<4x2x6x3xf32> -> <tensor<4x2x3x3xf32>>
  %narrow = dist.wait %i : <tensor<4x2x3x3xf32>> -> tensor<4x2x3x3xf32>
  %j = dist.broadcast_start %narrow, %db_sum from 1 over "data" bucket "same" ["k", "b"]
     : tensor<4x2x3x3xf32>, tensor<5xf32> -> <tensor<4x2x3x3xf32>, tensor<5xf32>>
  %dk_same, %db_same = dist.wait %j : <tensor<4x2x3x3xf32>, tensor<5xf32>> -> tensor<4x2x3x3xf32>, tensor<5xf32>
  // At once in a timeline, too.
  %db_once = dist.broadcast %db_same from 0 over "data" : tensor<5xf32>
  %k1, %b1 = dist.run @update(%k, %b, %dk_same, %db_once, %rate, %step)
     : (tensor<4x2x3x3xf32>, tensor<5xf32>, tensor<4x2x3x3xf32>, tensor<5xf32>, tensor<f64>, tensor<i64>) -> (tensor<4x2x3x3xf32>, tensor<5xf32>)
  dist.return %loss_sum, %k1, %b1, %p1, %own1 : tensor<f32>, tensor<4x2x3x3xf32>, tensor<5xf32>, tensor<4xf32>, tensor<2xf32>
}
