// A small step of two ranks; its gradients are all-reduced.
shard.grid @mesh(shape = 2) {dist.axes = ["data"]}

dist.fragment @forward_backward(%x: tensor<4x2x5x5xf32>, %label: tensor<4xi64>, %weight: tensor<4xf32>, %k: tensor<4x2x3x3xf32>,
                                %b: tensor<5xf32>, %p: tensor<4xf32>)
    -> (tensor<f32>, tensor<4x2x3x3xf32>, tensor<5xf32>, tensor<4xf32>) {
  %c = nn.conv %x, %k strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1
     : (tensor<4x2x5x5xf32>, tensor<4x2x3x3xf32>) -> tensor<4x4x3x3xf32>
  %half = nn.constant dense<0.5> : tensor<4x4x3x3xf32> : tensor<4x4x3x3xf32>
  %twice = nn.add %c, %c : tensor<4x4x3x3xf32>, tensor<4x4x3x3xf32>
  %once = nn.mul %twice, %half : tensor<4x4x3x3xf32>, tensor<4x4x3x3xf32>
  %twice_again = nn.add %once, %once : tensor<4x4x3x3xf32>, tensor<4x4x3x3xf32>
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
dist.fragment @update_p(%p: tensor<4xf32>, %dp: tensor<4xf32>, %rate: tensor<f64>, %step: tensor<i64>) -> tensor<4xf32> {
  %p1 = nn.update %p, %dp rate %rate step %step by sgd<lr = 0.1> : (tensor<4xf32>, tensor<4xf32>, tensor<f64>, tensor<i64>) -> tensor<4xf32>
  dist.return %p1 : tensor<4xf32>
}

dist.timeline @train(%x: tensor<4x2x5x5xf32> {nn.input = "x", dist.shard = "data"}, %label: tensor<4xi64> {nn.label, nn.classes = 4 : i64},
                     %weight: tensor<4xf32> {nn.sample_weight}, %rate: tensor<f64> {nn.learning_rate}, %step: tensor<i64> {nn.step},
                     %k: tensor<4x2x3x3xf32> {nn.parameter = "k", nn.init = #nn.uniform<bound = 0.5>},
                     %b: tensor<5xf32> {nn.parameter = "b", nn.init = #nn.uniform<bound = 0.5>},
                     %p: tensor<4xf32> {nn.parameter = "p", nn.init = #nn.constant<value = 0.0>})
    -> (tensor<f32> {nn.loss}, tensor<4x2x3x3xf32> {nn.parameter = "k"}, tensor<5xf32> {nn.parameter = "b"}, tensor<4xf32> {nn.parameter = "p"})
    attributes {phase = "train", role = "all", nn.model = "parts", nn.recipe = #nn.recipe<loss = #nn.cross_entropy, optimizer = #nn.sgd<lr = 0.1>, batch = 8>} {
  %loss, %dk, %db, %dp = dist.run @forward_backward(%x, %label, %weight, %k, %b, %p)
     : (tensor<4x2x5x5xf32>, tensor<4xi64>, tensor<4xf32>, tensor<4x2x3x3xf32>, tensor<5xf32>, tensor<4xf32>)
       -> (tensor<f32>, tensor<4x2x3x3xf32>, tensor<5xf32>, tensor<4xf32>)
  %t = dist.all_reduce_start sum %loss, %dk, %db, %dp over "data" bucket "bucket0" ["loss", "k", "b", "p"]
     : tensor<f32>, tensor<4x2x3x3xf32>, tensor<5xf32>, tensor<4xf32> -> <tensor<f32>, tensor<4x2x3x3xf32>, tensor<5xf32>, tensor<4xf32>>
  %loss_sum, %dk_sum, %db_sum, %dp_sum = dist.wait %t
     : <tensor<f32>, tensor<4x2x3x3xf32>, tensor<5xf32>, tensor<4xf32>> -> tensor<f32>, tensor<4x2x3x3xf32>, tensor<5xf32>, tensor<4xf32>
  %k1, %b1 = dist.run @update(%k, %b, %dk_sum, %db_sum, %rate, %step)
     : (tensor<4x2x3x3xf32>, tensor<5xf32>, tensor<4x2x3x3xf32>, tensor<5xf32>, tensor<f64>, tensor<i64>) -> (tensor<4x2x3x3xf32>, tensor<5xf32>)
  %p1 = dist.run @update_p(%p, %dp_sum, %rate, %step) : (tensor<4xf32>, tensor<4xf32>, tensor<f64>, tensor<i64>) -> tensor<4xf32>
  dist.return %loss_sum, %k1, %b1, %p1 : tensor<f32>, tensor<4x2x3x3xf32>, tensor<5xf32>, tensor<4xf32>
}
