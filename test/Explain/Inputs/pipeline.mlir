// Two stages, two microbatches, a tied weight; names that are markup.
shard.grid @mesh(shape = 2x2) {dist.axes = ["data", "pipe"]}
dist.fragment @"stage0_forward<\22>"(%x: tensor<4x8xf32>, %w: tensor<8x8xf32>) -> tensor<4x8xf32> attributes {kind = #dist<kind forward>, stage = 0} {
  %y = nn.matmul %x, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32> loc("fc[\221\22]")
  %z = nn.relu %y : tensor<4x8xf32> loc("</title>&\\N")
  dist.return %z : tensor<4x8xf32>
}
dist.fragment @stage1_backward(%x: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<8x8xf32>) attributes {kind = #dist<kind backward>, stage = 1} {
  %y = nn.relu %x : tensor<4x8xf32> loc("fc2")
  %w = nn.matmul %x transposed, %y : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<8x8xf32> loc("fc2")
  dist.return %y, %w : tensor<4x8xf32>, tensor<8x8xf32>
}
dist.fragment @update(%w: tensor<8x8xf32>, %dw: tensor<8x8xf32>) -> tensor<8x8xf32> attributes {kind = #dist<kind update>} {
  %r = nn.sub %w, %dw : tensor<8x8xf32>, tensor<8x8xf32> loc("w")
  dist.return %r : tensor<8x8xf32>
}
dist.timeline @stage0(%x: tensor<8x8xf32>, %w: tensor<8x8xf32>) -> tensor<8x8xf32> attributes {phase = "train", role = "stage 0 <\22a\22>", dist.at = {pipe = 0}} {
  %x0 = dist.microbatch 0 of %x : tensor<8x8xf32> -> tensor<4x8xf32>
  %y0 = dist.run @"stage0_forward<\22>"(%x0, %w) microbatch 0 : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  %s0 = dist.send_start %y0 "fc[\221\22]" to 1 over "pipe" microbatch 0 : tensor<4x8xf32> -> <>
  %x1 = dist.microbatch 1 of %x : tensor<8x8xf32> -> tensor<4x8xf32>
  %y1 = dist.run @"stage0_forward<\22>"(%x1, %w) microbatch 1 : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  %s1 = dist.send_start %y1 "fc[\221\22]" to 1 over "pipe" microbatch 1 : tensor<4x8xf32> -> <>
  %t = dist.all_reduce_start sum %w over "pipe" bucket "tied\22" ["w"] : tensor<8x8xf32> -> <tensor<8x8xf32>>
  dist.wait %s0 : <>
  dist.wait %s1 : <>
  %sum = dist.wait %t : <tensor<8x8xf32>> -> tensor<8x8xf32>
  %r = dist.run @update(%w, %sum) : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  dist.return %r : tensor<8x8xf32>
}
dist.timeline @stage1(%w: tensor<8x8xf32>) -> tensor<8x8xf32> attributes {phase = "train", role = "stage1", dist.at = {pipe = 1}} {
  %r0 = dist.recv_start "fc[\221\22]" from 0 over "pipe" microbatch 0 : <tensor<4x8xf32>>
  %y0 = dist.wait %r0 : <tensor<4x8xf32>> -> tensor<4x8xf32>
  %z0, %w0 = dist.run @stage1_backward(%y0) microbatch 0 : (tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<8x8xf32>)
  %r1 = dist.recv_start "fc[\221\22]" from 0 over "pipe" microbatch 1 : <tensor<4x8xf32>>
  %y1 = dist.wait %r1 : <tensor<4x8xf32>> -> tensor<4x8xf32>
  %z1, %w1 = dist.run @stage1_backward(%y1) microbatch 1 : (tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<8x8xf32>)
  %t = dist.all_reduce_start sum %w1 over "pipe" bucket "tied\22" ["w"] : tensor<8x8xf32> -> <tensor<8x8xf32>>
  %sum = dist.wait %t : <tensor<8x8xf32>> -> tensor<8x8xf32>
  %r = dist.run @update(%w, %sum) : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  dist.return %r : tensor<8x8xf32>
}
