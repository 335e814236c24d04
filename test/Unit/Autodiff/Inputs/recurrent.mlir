// Gradient checks: recurrent layers, in both directions, of states and of cells.

func.func @forward(%g: tensor<3x2x8xf64>, %r: tensor<8x2xf64>, %h0: tensor<2x2xf64>, %c0: tensor<2x2xf64>) -> tensor<3x2x2xf64> {
  %h, %c, %a = nn.lstm %g, %r, %h0, %c0
     : (tensor<3x2x8xf64>, tensor<8x2xf64>, tensor<2x2xf64>, tensor<2x2xf64>) -> (tensor<3x2x2xf64>, tensor<3x2x2xf64>, tensor<3x2x8xf64>)
  return %h : tensor<3x2x2xf64>
}
func.func @reverse(%g: tensor<4x1x12xf64>, %r: tensor<12x3xf64>, %h0: tensor<1x3xf64>, %c0: tensor<1x3xf64>) -> tensor<4x1x3xf64> {
  %h, %c, %a = nn.lstm %g, %r, %h0, %c0 reverse
     : (tensor<4x1x12xf64>, tensor<12x3xf64>, tensor<1x3xf64>, tensor<1x3xf64>) -> (tensor<4x1x3xf64>, tensor<4x1x3xf64>, tensor<4x1x12xf64>)
  return %h : tensor<4x1x3xf64>
}
// Nobody reads the states.
func.func @cells(%g: tensor<2x3x8xf64>, %r: tensor<8x2xf64>, %h0: tensor<3x2xf64>, %c0: tensor<3x2xf64>) -> tensor<2x3x2xf64> {
  %h, %c, %a = nn.lstm %g, %r, %h0, %c0
     : (tensor<2x3x8xf64>, tensor<8x2xf64>, tensor<3x2xf64>, tensor<3x2xf64>) -> (tensor<2x3x2xf64>, tensor<2x3x2xf64>, tensor<2x3x8xf64>)
  return %c : tensor<2x3x2xf64>
}
func.func @both(%g: tensor<3x2x8xf64>, %r: tensor<8x2xf64>, %h0: tensor<2x2xf64>, %c0: tensor<2x2xf64>) -> tensor<3x2x2xf64> {
  %h, %c, %a = nn.lstm %g, %r, %h0, %c0 reverse
     : (tensor<3x2x8xf64>, tensor<8x2xf64>, tensor<2x2xf64>, tensor<2x2xf64>) -> (tensor<3x2x2xf64>, tensor<3x2x2xf64>, tensor<3x2x8xf64>)
  %y = nn.mul %h, %c : tensor<3x2x2xf64>, tensor<3x2x2xf64>
  return %y : tensor<3x2x2xf64>
}
