// Gradient checks: batch normalisation in training, over matrices and images.
// The weights lie beyond 0, so that every row counts; their gradient is zero.

func.func @batch_norm_matrix(%x: tensor<6x3xf64>, %scale: tensor<3xf64>, %bias: tensor<3xf64>) -> tensor<6x3xf64> {
  %weight = nn.constant dense<0.25> : tensor<6xf64> : tensor<6xf64>
  %y, %a, %b, %mean, %inverse = nn.batch_norm_training %x, %scale, %bias, %weight {epsilon = 1.0e-3}
     : (tensor<6x3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<6xf64>) -> (tensor<6x3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>)
  return %y : tensor<6x3xf64>
}
// Rows of weight 0 pad the batch: y is 0 there, whatever x is.
func.func @batch_norm_padding(%x: tensor<4x2x2x3xf64>, %scale: tensor<2xf64>, %bias: tensor<2xf64>) -> tensor<4x2x2x3xf64> {
  %weight = nn.constant dense<[0.5, 0.0, 0.5, 0.0]> : tensor<4xf64> : tensor<4xf64>
  %y, %a, %b, %mean, %inverse = nn.batch_norm_training %x, %scale, %bias, %weight {epsilon = 1.0e-5}
     : (tensor<4x2x2x3xf64>, tensor<2xf64>, tensor<2xf64>, tensor<4xf64>) -> (tensor<4x2x2x3xf64>, tensor<2xf64>, tensor<2xf64>, tensor<2xf64>, tensor<2xf64>)
  return %y : tensor<4x2x2x3xf64>
}
