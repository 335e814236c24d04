// Gradient checks: ops that move or sum elements, and softmax.

func.func @reshape(%x: tensor<2x6xf64>) -> tensor<3x4xf64> {
  %y = nn.reshape %x : tensor<2x6xf64> -> tensor<3x4xf64>
  return %y : tensor<3x4xf64>
}
func.func @cast(%x: tensor<2x3xf64>) -> tensor<2x3xf64> {
  %y = nn.cast %x : tensor<2x3xf64> -> tensor<2x3xf64>
  return %y : tensor<2x3xf64>
}
func.func @transpose(%x: tensor<2x3x4xf64>) -> tensor<4x2x3xf64> {
  %y = nn.transpose %x [2, 0, 1] : (tensor<2x3x4xf64>) -> tensor<4x2x3xf64>
  return %y : tensor<4x2x3xf64>
}
func.func @transpose_4d(%x: tensor<2x3x2x4xf64>) -> tensor<3x4x2x2xf64> {
  %y = nn.transpose %x [1, 3, 0, 2] : (tensor<2x3x2x4xf64>) -> tensor<3x4x2x2xf64>
  return %y : tensor<3x4x2x2xf64>
}
func.func @broadcast(%x: tensor<3x1xf64>) -> tensor<2x3x4xf64> {
  %y = nn.broadcast %x : tensor<3x1xf64> -> tensor<2x3x4xf64>
  return %y : tensor<2x3x4xf64>
}
func.func @broadcast_scalar(%x: tensor<f64>) -> tensor<2x3xf64> {
  %y = nn.broadcast %x : tensor<f64> -> tensor<2x3xf64>
  return %y : tensor<2x3xf64>
}
func.func @concat(%a: tensor<2x3xf64>, %b: tensor<2x1xf64>, %c: tensor<2x2xf64>) -> tensor<2x6xf64> {
  %y = nn.concat %a, %b, %c axis 1 : (tensor<2x3xf64>, tensor<2x1xf64>, tensor<2x2xf64>) -> tensor<2x6xf64>
  return %y : tensor<2x6xf64>
}
func.func @concat_with_itself(%a: tensor<2x3xf64>) -> tensor<4x3xf64> {
  %y = nn.concat %a, %a axis 0 : (tensor<2x3xf64>, tensor<2x3xf64>) -> tensor<4x3xf64>
  return %y : tensor<4x3xf64>
}
func.func @slice(%x: tensor<4x5xf64>) -> tensor<2x3xf64> {
  %y = nn.slice %x [1, 2] : tensor<4x5xf64> -> tensor<2x3xf64>
  return %y : tensor<2x3xf64>
}
func.func @overlapping_slices(%x: tensor<6xf64>) -> tensor<4xf64> {
  %a = nn.slice %x [0] : tensor<6xf64> -> tensor<4xf64>
  %b = nn.slice %x [2] : tensor<6xf64> -> tensor<4xf64>
  %y = nn.mul %a, %b : tensor<4xf64>, tensor<4xf64>
  return %y : tensor<4xf64>
}
func.func @pad(%x: tensor<2x3xf64>) -> tensor<4x6xf64> {
  %y = nn.pad %x [1, 2] : tensor<2x3xf64> -> tensor<4x6xf64>
  return %y : tensor<4x6xf64>
}
func.func @reduce_sum(%x: tensor<2x3x4xf64>) -> tensor<3xf64> {
  %y = nn.reduce_sum %x axes [0, 2] : (tensor<2x3x4xf64>) -> tensor<3xf64>
  return %y : tensor<3xf64>
}
func.func @reduce_sum_keep(%x: tensor<2x3x4xf64>) -> tensor<2x1x4xf64> {
  %y = nn.reduce_sum %x axes [1] keep : (tensor<2x3x4xf64>) -> tensor<2x1x4xf64>
  return %y : tensor<2x1x4xf64>
}
func.func @reduce_sum_all(%x: tensor<2x3xf64>) -> tensor<f64> {
  %y = nn.reduce_sum %x axes [0, 1] : (tensor<2x3xf64>) -> tensor<f64>
  return %y : tensor<f64>
}
func.func @reduce_sum_of_length_one(%x: tensor<3x1xf64>) -> tensor<3xf64> {
  %y = nn.reduce_sum %x axes [1] : (tensor<3x1xf64>) -> tensor<3xf64>
  return %y : tensor<3xf64>
}
func.func @reduce_sum_nothing(%x: tensor<3x2xf64>) -> tensor<3x2xf64> {
  %y = nn.reduce_sum %x axes [] : (tensor<3x2xf64>) -> tensor<3x2xf64>
  return %y : tensor<3x2xf64>
}
func.func @softmax(%x: tensor<3x4xf64>) -> tensor<3x4xf64> {
  %y = nn.softmax %x axis 1 : tensor<3x4xf64>
  return %y : tensor<3x4xf64>
}
func.func @softmax_middle_axis(%x: tensor<2x3x2xf64>) -> tensor<2x3x2xf64> {
  %y = nn.softmax %x axis 1 : tensor<2x3x2xf64>
  return %y : tensor<2x3x2xf64>
}
func.func @log_softmax(%x: tensor<3x4xf64>) -> tensor<3x4xf64> {
  %y = nn.log_softmax %x axis 1 : tensor<3x4xf64>
  return %y : tensor<3x4xf64>
}
func.func @log_softmax_first_axis(%x: tensor<3x2x2xf64>) -> tensor<3x2x2xf64> {
  %y = nn.log_softmax %x axis 0 : tensor<3x2x2xf64>
  return %y : tensor<3x2x2xf64>
}
