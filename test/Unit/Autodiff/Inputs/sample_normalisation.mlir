// Gradient checks: layer, RMS and group normalisation.

func.func @layer_norm(%x: tensor<3x5xf64>, %scale: tensor<5xf64>, %bias: tensor<5xf64>) -> tensor<3x5xf64> {
  %y, %mean, %inverse = nn.layer_norm %x scale %scale bias %bias {axis = 1, epsilon = 1.0e-3}
     : (tensor<3x5xf64>, tensor<5xf64>, tensor<5xf64>) -> (tensor<3x5xf64>, tensor<3xf64>, tensor<3xf64>)
  return %y : tensor<3x5xf64>
}
func.func @layer_norm_of_two_dimensions(%x: tensor<2x2x3x2xf64>, %bias: tensor<3x2xf64>) -> tensor<2x2x3x2xf64> {
  %y, %mean, %inverse = nn.layer_norm %x bias %bias {axis = 2, epsilon = 1.0e-5}
     : (tensor<2x2x3x2xf64>, tensor<3x2xf64>) -> (tensor<2x2x3x2xf64>, tensor<2x2xf64>, tensor<2x2xf64>)
  return %y : tensor<2x2x3x2xf64>
}
func.func @layer_norm_of_all(%x: tensor<2x3xf64>) -> tensor<2x3xf64> {
  %y, %mean, %inverse = nn.layer_norm %x {axis = 0, epsilon = 1.0e-5} : (tensor<2x3xf64>) -> (tensor<2x3xf64>, tensor<f64>, tensor<f64>)
  return %y : tensor<2x3xf64>
}
// Of a constant nobody needs a gradient.
func.func @layer_norm_of_a_constant_scale(%x: tensor<2x3xf64>, %bias: tensor<3xf64>) -> tensor<2x3xf64> {
  %scale = nn.constant dense<[0.5, 2.0, -1.0]> : tensor<3xf64> : tensor<3xf64>
  %y, %mean, %inverse = nn.layer_norm %x scale %scale bias %bias {axis = 1, epsilon = 1.0e-3}
     : (tensor<2x3xf64>, tensor<3xf64>, tensor<3xf64>) -> (tensor<2x3xf64>, tensor<2xf64>, tensor<2xf64>)
  return %y : tensor<2x3xf64>
}
func.func @rms_norm(%x: tensor<2x3x4xf64>, %scale: tensor<4xf64>) -> tensor<2x3x4xf64> {
  %y, %inverse = nn.rms_norm %x scale %scale {axis = 2, epsilon = 1.0e-3} : (tensor<2x3x4xf64>, tensor<4xf64>) -> (tensor<2x3x4xf64>, tensor<2x3xf64>)
  return %y : tensor<2x3x4xf64>
}
func.func @rms_norm_without_a_scale(%x: tensor<2x3x2xf64>) -> tensor<2x3x2xf64> {
  %y, %inverse = nn.rms_norm %x {axis = 1, epsilon = 1.0e-5} : (tensor<2x3x2xf64>) -> (tensor<2x3x2xf64>, tensor<2xf64>)
  return %y : tensor<2x3x2xf64>
}
func.func @group_norm_of_images(%x: tensor<2x4x2x3xf64>, %scale: tensor<4xf64>, %bias: tensor<4xf64>) -> tensor<2x4x2x3xf64> {
  %y, %mean, %inverse = nn.group_norm %x, %scale, %bias groups 2 {epsilon = 1.0e-5}
     : (tensor<2x4x2x3xf64>, tensor<4xf64>, tensor<4xf64>) -> (tensor<2x4x2x3xf64>, tensor<2x2xf64>, tensor<2x2xf64>)
  return %y : tensor<2x4x2x3xf64>
}
func.func @group_norm_of_a_matrix(%x: tensor<3x6xf64>, %scale: tensor<6xf64>, %bias: tensor<6xf64>) -> tensor<3x6xf64> {
  %y, %mean, %inverse = nn.group_norm %x, %scale, %bias groups 2 {epsilon = 1.0e-3}
     : (tensor<3x6xf64>, tensor<6xf64>, tensor<6xf64>) -> (tensor<3x6xf64>, tensor<3x2xf64>, tensor<3x2xf64>)
  return %y : tensor<3x6xf64>
}
func.func @instance_norm(%x: tensor<2x3x4xf64>, %scale: tensor<3xf64>, %bias: tensor<3xf64>) -> tensor<2x3x4xf64> {
  %y, %mean, %inverse = nn.group_norm %x, %scale, %bias groups 3 {epsilon = 1.0e-5}
     : (tensor<2x3x4xf64>, tensor<3xf64>, tensor<3xf64>) -> (tensor<2x3x4xf64>, tensor<2x3xf64>, tensor<2x3xf64>)
  return %y : tensor<2x3x4xf64>
}
