// Gradient checks: attention, with every kind of mask that is a number, and heads that share keys.

func.func @plain(%q: tensor<2x2x3x4xf64>, %k: tensor<2x2x5x4xf64>, %v: tensor<2x2x5x3xf64>) -> tensor<2x2x3x3xf64> {
  %y, %lse = nn.attention %q, %k, %v {scale = 0.7}
     : (tensor<2x2x3x4xf64>, tensor<2x2x5x4xf64>, tensor<2x2x5x3xf64>) -> (tensor<2x2x3x3xf64>, tensor<2x2x3xf64>)
  return %y : tensor<2x2x3x3xf64>
}
func.func @causal(%q: tensor<1x2x4x3xf64>, %k: tensor<1x2x5x3xf64>, %v: tensor<1x2x5x2xf64>) -> tensor<1x2x4x2xf64> {
  %y, %lse = nn.attention %q, %k, %v causal {scale = 0.7}
     : (tensor<1x2x4x3xf64>, tensor<1x2x5x3xf64>, tensor<1x2x5x2xf64>) -> (tensor<1x2x4x2xf64>, tensor<1x2x4xf64>)
  return %y : tensor<1x2x4x2xf64>
}
// Two heads of q for one of k and v; heads behind positions.
func.func @grouped(%q: tensor<2x3x4x3xf64>, %k: tensor<2x4x2x3xf64>, %v: tensor<2x4x2x2xf64>) -> tensor<2x3x4x2xf64> {
  %y, %lse = nn.attention %q, %k, %v causal positions_first {scale = 0.7}
     : (tensor<2x3x4x3xf64>, tensor<2x4x2x3xf64>, tensor<2x4x2x2xf64>) -> (tensor<2x3x4x2xf64>, tensor<2x4x3xf64>)
  return %y : tensor<2x3x4x2xf64>
}
// The same mask for all samples, as a relative position bias.
func.func @added_mask(%q: tensor<2x2x3x2xf64>, %k: tensor<2x2x4x2xf64>, %v: tensor<2x2x4x2xf64>, %m: tensor<2x3x4xf64>) -> tensor<2x2x3x2xf64> {
  %y, %lse = nn.attention %q, %k, %v mask %m {scale = 0.7}
     : (tensor<2x2x3x2xf64>, tensor<2x2x4x2xf64>, tensor<2x2x4x2xf64>, tensor<2x3x4xf64>) -> (tensor<2x2x3x2xf64>, tensor<2x2x3xf64>)
  return %y : tensor<2x2x3x2xf64>
}
func.func @mask_of_queries(%q: tensor<2x2x3x2xf64>, %k: tensor<2x1x4x2xf64>, %v: tensor<2x1x4x2xf64>, %m: tensor<2x1x3x1xf64>) -> tensor<2x2x3x2xf64> {
  %y, %lse = nn.attention %q, %k, %v mask %m {scale = 0.7}
     : (tensor<2x2x3x2xf64>, tensor<2x1x4x2xf64>, tensor<2x1x4x2xf64>, tensor<2x1x3x1xf64>) -> (tensor<2x2x3x2xf64>, tensor<2x2x3xf64>)
  return %y : tensor<2x2x3x2xf64>
}
// The second query has no key: it has no gradient either.
func.func @query_without_keys(%q: tensor<1x1x3x2xf64>, %k: tensor<1x1x2x2xf64>, %v: tensor<1x1x2x2xf64>) -> tensor<1x1x3x2xf64> {
  %m = nn.constant dense<[[0.0, 0xFFF0000000000000], [0xFFF0000000000000, 0xFFF0000000000000], [0.5, -0.5]]> : tensor<3x2xf64> : tensor<3x2xf64>
  %y, %lse = nn.attention %q, %k, %v mask %m {scale = 0.7}
     : (tensor<1x1x3x2xf64>, tensor<1x1x2x2xf64>, tensor<1x1x2x2xf64>, tensor<3x2xf64>) -> (tensor<1x1x3x2xf64>, tensor<1x1x3xf64>)
  return %y : tensor<1x1x3x2xf64>
}
