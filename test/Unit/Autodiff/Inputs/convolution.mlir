// Gradient checks: convolution with every attribute, over one to three dimensions.

func.func @conv(%x: tensor<2x3x5x4xf64>, %w: tensor<4x3x3x3xf64>) -> tensor<2x4x3x2xf64> {
  %y = nn.conv %x, %w strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1
     : (tensor<2x3x5x4xf64>, tensor<4x3x3x3xf64>) -> tensor<2x4x3x2xf64>
  return %y : tensor<2x4x3x2xf64>
}
func.func @conv_bias(%x: tensor<2x2x4x4xf64>, %w: tensor<3x2x2x3xf64>, %b: tensor<3xf64>) -> tensor<2x3x3x2xf64> {
  %y = nn.conv %x, %w bias %b strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1
     : (tensor<2x2x4x4xf64>, tensor<3x2x2x3xf64>, tensor<3xf64>) -> tensor<2x3x3x2xf64>
  return %y : tensor<2x3x3x2xf64>
}
// The last column of x is seen by no window.
func.func @conv_strides(%x: tensor<1x2x7x6xf64>, %w: tensor<3x2x3x3xf64>) -> tensor<1x3x3x2xf64> {
  %y = nn.conv %x, %w strides [2, 2] dilations [1, 1] pads [0, 0, 0, 0] groups 1
     : (tensor<1x2x7x6xf64>, tensor<3x2x3x3xf64>) -> tensor<1x3x3x2xf64>
  return %y : tensor<1x3x3x2xf64>
}
func.func @conv_asymmetric_pads(%x: tensor<1x2x4x3xf64>, %w: tensor<2x2x3x2xf64>, %b: tensor<2xf64>) -> tensor<1x2x5x4xf64> {
  %y = nn.conv %x, %w bias %b strides [1, 1] dilations [1, 1] pads [2, 0, 1, 2] groups 1
     : (tensor<1x2x4x3xf64>, tensor<2x2x3x2xf64>, tensor<2xf64>) -> tensor<1x2x5x4xf64>
  return %y : tensor<1x2x5x4xf64>
}
func.func @conv_dilations(%x: tensor<1x2x7x5xf64>, %w: tensor<2x2x3x2xf64>) -> tensor<1x2x3x2xf64> {
  %y = nn.conv %x, %w strides [1, 1] dilations [2, 3] pads [0, 0, 0, 0] groups 1
     : (tensor<1x2x7x5xf64>, tensor<2x2x3x2xf64>) -> tensor<1x2x3x2xf64>
  return %y : tensor<1x2x3x2xf64>
}
func.func @conv_groups(%x: tensor<2x4x3x3xf64>, %w: tensor<6x2x2x2xf64>, %b: tensor<6xf64>) -> tensor<2x6x2x2xf64> {
  %y = nn.conv %x, %w bias %b strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 2
     : (tensor<2x4x3x3xf64>, tensor<6x2x2x2xf64>, tensor<6xf64>) -> tensor<2x6x2x2xf64>
  return %y : tensor<2x6x2x2xf64>
}
func.func @conv_depthwise(%x: tensor<2x3x4x4xf64>, %w: tensor<3x1x3x3xf64>) -> tensor<2x3x4x4xf64> {
  %y = nn.conv %x, %w strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] groups 3
     : (tensor<2x3x4x4xf64>, tensor<3x1x3x3xf64>) -> tensor<2x3x4x4xf64>
  return %y : tensor<2x3x4x4xf64>
}
func.func @conv_everything(%x: tensor<2x4x9x10xf64>, %w: tensor<6x2x3x3xf64>, %b: tensor<6xf64>) -> tensor<2x6x5x8xf64> {
  %y = nn.conv %x, %w bias %b strides [2, 1] dilations [1, 2] pads [1, 0, 1, 2] groups 2
     : (tensor<2x4x9x10xf64>, tensor<6x2x3x3xf64>, tensor<6xf64>) -> tensor<2x6x5x8xf64>
  return %y : tensor<2x6x5x8xf64>
}
func.func @conv_1d(%x: tensor<2x3x8xf64>, %w: tensor<4x3x3xf64>, %b: tensor<4xf64>) -> tensor<2x4x4xf64> {
  %y = nn.conv %x, %w bias %b strides [2] dilations [1] pads [1, 0] groups 1
     : (tensor<2x3x8xf64>, tensor<4x3x3xf64>, tensor<4xf64>) -> tensor<2x4x4xf64>
  return %y : tensor<2x4x4xf64>
}
func.func @conv_3d(%x: tensor<1x2x4x3x4xf64>, %w: tensor<2x2x2x2x3xf64>, %b: tensor<2xf64>) -> tensor<1x2x2x4x2xf64> {
  %y = nn.conv %x, %w bias %b strides [2, 1, 1] dilations [1, 1, 1] pads [0, 1, 0, 0, 1, 0] groups 1
     : (tensor<1x2x4x3x4xf64>, tensor<2x2x2x2x3xf64>, tensor<2xf64>) -> tensor<1x2x2x4x2xf64>
  return %y : tensor<1x2x2x4x2xf64>
}
// The weight is a constant: the bias still has its gradient.
func.func @conv_frozen_weight(%x: tensor<2x1x3x3xf64>, %b: tensor<2xf64>) -> tensor<2x2x2x2xf64> {
  %w = nn.constant dense<[[[[0.5, -1.0], [2.0, 0.25]]], [[[1.5, 1.0], [-0.5, -2.0]]]]> : tensor<2x1x2x2xf64> : tensor<2x1x2x2xf64>
  %y = nn.conv %x, %w bias %b strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1
     : (tensor<2x1x3x3xf64>, tensor<2x1x2x2xf64>, tensor<2xf64>) -> tensor<2x2x2x2xf64>
  return %y : tensor<2x2x2x2xf64>
}
// Two convolutions with one weight: their gradients are summed.
func.func @conv_shared_weight(%x: tensor<1x2x5x5xf64>, %w: tensor<2x2x2x2xf64>) -> tensor<1x2x3x3xf64> {
  %0 = nn.conv %x, %w strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1
     : (tensor<1x2x5x5xf64>, tensor<2x2x2x2xf64>) -> tensor<1x2x4x4xf64>
  %1 = nn.tanh %0 : tensor<1x2x4x4xf64>
  %2 = nn.conv %1, %w strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1
     : (tensor<1x2x4x4xf64>, tensor<2x2x2x2xf64>) -> tensor<1x2x3x3xf64>
  return %2 : tensor<1x2x3x3xf64>
}
// A model's transposed convolution, with a result that no window reaches the end of.
func.func @transposed(%x: tensor<2x4x3x2xf64>, %w: tensor<4x3x3x2xf64>) -> tensor<2x6x7x5xf64> {
  %y = nn.conv_input_gradient %x, %w strides [2, 3] dilations [1, 2] pads [1, 0, 0, 1] groups 2
     : (tensor<2x4x3x2xf64>, tensor<4x3x3x2xf64>) -> tensor<2x6x7x5xf64>
  return %y : tensor<2x6x7x5xf64>
}
