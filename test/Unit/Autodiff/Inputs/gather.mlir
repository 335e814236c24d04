// Gradient checks: slices that integers name; some are named twice, some never, some from the end.

func.func @rows(%table: tensor<5x3xf64>) -> tensor<2x3x3xf64> {
  %ids = nn.constant dense<[[0, 3, 3], [-1, 0, 3]]> : tensor<2x3xi64> : tensor<2x3xi64>
  %y = nn.gather %table, %ids axis 0 : (tensor<5x3xf64>, tensor<2x3xi64>) -> tensor<2x3x3xf64>
  return %y : tensor<2x3x3xf64>
}
func.func @middle(%x: tensor<2x4x3xf64>) -> tensor<2x3x3xf64> {
  %ids = nn.constant dense<[2, -3, 2]> : tensor<3xi32> : tensor<3xi32>
  %y = nn.gather %x, %ids axis 1 : (tensor<2x4x3xf64>, tensor<3xi32>) -> tensor<2x3x3xf64>
  return %y : tensor<2x3x3xf64>
}
func.func @one(%x: tensor<2x4xf64>) -> tensor<2xf64> {
  %id = nn.constant dense<-2> : tensor<i64> : tensor<i64>
  %y = nn.gather %x, %id axis 1 : (tensor<2x4xf64>, tensor<i64>) -> tensor<2xf64>
  return %y : tensor<2xf64>
}
// A table that is an embedding and a matrix: both add to its gradient.
func.func @tied(%table: tensor<4x2xf64>) -> tensor<3x4xf64> {
  %ids = nn.constant dense<[3, 1, 3]> : tensor<3xi64> : tensor<3xi64>
  %x = nn.gather %table, %ids axis 0 : (tensor<4x2xf64>, tensor<3xi64>) -> tensor<3x2xf64>
  %y = nn.matmul %x, %table transposed : (tensor<3x2xf64>, tensor<4x2xf64>) -> tensor<3x4xf64>
  return %y : tensor<3x4xf64>
}
// What a model scatters with: rows that come from several places, from one, from none.
func.func @scatter(%x: tensor<2x3x2xf64>, %data: tensor<5x2xf64>) -> tensor<5x2xf64> {
  %ids = nn.constant dense<[[0, 3, 3], [-1, 0, 3]]> : tensor<2x3xi64> : tensor<2x3xi64>
  %sum = nn.gather_gradient %x, %ids axis 0 : tensor<2x3x2xf64>, tensor<2x3xi64> -> tensor<5x2xf64>
  %square = nn.mul %sum, %sum : tensor<5x2xf64>, tensor<5x2xf64>
  %y = nn.add %data, %square : tensor<5x2xf64>, tensor<5x2xf64>
  return %y : tensor<5x2xf64>
}
