// Gradient checks: graphs with branches, joins and values used many times.

func.func @residual(%x: tensor<2x3xf64>, %w: tensor<3x3xf64>) -> tensor<2x3xf64> {
  %0 = nn.matmul %x, %w : (tensor<2x3xf64>, tensor<3x3xf64>) -> tensor<2x3xf64>
  %1 = nn.tanh %0 : tensor<2x3xf64>
  %2 = nn.add %x, %1 : tensor<2x3xf64>, tensor<2x3xf64>
  %3 = nn.matmul %2, %w : (tensor<2x3xf64>, tensor<3x3xf64>) -> tensor<2x3xf64>
  %4 = nn.add %2, %3 : tensor<2x3xf64>, tensor<2x3xf64>
  return %4 : tensor<2x3xf64>
}
func.func @branches(%x: tensor<1x2x4x4xf64>, %w: tensor<2x2x1x1xf64>) -> tensor<1x4x2x2xf64> {
  %0 = nn.conv %x, %w strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1
     : (tensor<1x2x4x4xf64>, tensor<2x2x1x1xf64>) -> tensor<1x2x4x4xf64>
  %1, %index = nn.max_pool %0 kernel [2, 2] strides [2, 2] pads [0, 0, 0, 0] dilations [1, 1]
     : (tensor<1x2x4x4xf64>) -> (tensor<1x2x2x2xf64>, tensor<1x2x2x2xui8>)
  %2 = nn.avg_pool %0 kernel [2, 2] strides [2, 2] pads [0, 0, 0, 0] dilations [1, 1]
     : (tensor<1x2x4x4xf64>) -> tensor<1x2x2x2xf64>
  %3 = nn.concat %1, %2 axis 1 : (tensor<1x2x2x2xf64>, tensor<1x2x2x2xf64>) -> tensor<1x4x2x2xf64>
  return %3 : tensor<1x4x2x2xf64>
}
func.func @normalisation(%x: tensor<4x3xf64>, %g: tensor<3xf64>) -> tensor<4x3xf64> {
  %0 = nn.reduce_sum %x axes [0] keep : (tensor<4x3xf64>) -> tensor<1x3xf64>
  %quarter = nn.constant dense<0.25> : tensor<f64> : tensor<f64>
  %mean = nn.mul %0, %quarter : tensor<1x3xf64>, tensor<f64>
  %centered = nn.sub %x, %mean : tensor<4x3xf64>, tensor<1x3xf64>
  %square = nn.mul %centered, %centered : tensor<4x3xf64>, tensor<4x3xf64>
  %1 = nn.reduce_sum %square axes [0] keep : (tensor<4x3xf64>) -> tensor<1x3xf64>
  %variance = nn.mul %1, %quarter : tensor<1x3xf64>, tensor<f64>
  %deviation = nn.sqrt %variance : tensor<1x3xf64>
  %2 = nn.div %centered, %deviation : tensor<4x3xf64>, tensor<1x3xf64>
  %3 = nn.mul %2, %g : tensor<4x3xf64>, tensor<3xf64>
  return %3 : tensor<4x3xf64>
}
func.func @attention(%q: tensor<2x3x4xf64>, %k: tensor<2x3x4xf64>, %v: tensor<2x3x4xf64>) -> tensor<2x3x4xf64> {
  %0 = nn.matmul %q, %k transposed : (tensor<2x3x4xf64>, tensor<2x3x4xf64>) -> tensor<2x3x3xf64>
  %1 = nn.softmax %0 axis 2 : tensor<2x3x3xf64>
  %2 = nn.matmul %1, %v : (tensor<2x3x3xf64>, tensor<2x3x4xf64>) -> tensor<2x3x4xf64>
  return %2 : tensor<2x3x4xf64>
}
// %unused does not influence the result, and neither does what is made of it.
func.func @unused(%x: tensor<3xf64>, %unused: tensor<3xf64>) -> tensor<3xf64> {
  %0 = nn.exp %unused : tensor<3xf64>
  %1 = nn.mul %x, %x : tensor<3xf64>, tensor<3xf64>
  return %1 : tensor<3xf64>
}
