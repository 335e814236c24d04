// Gradient checks: matrix product with every transposition and broadcast.

func.func @matmul(%a: tensor<2x3xf64>, %b: tensor<3x4xf64>) -> tensor<2x4xf64> {
  %y = nn.matmul %a, %b : (tensor<2x3xf64>, tensor<3x4xf64>) -> tensor<2x4xf64>
  return %y : tensor<2x4xf64>
}
func.func @matmul_transposed_a(%a: tensor<3x2xf64>, %b: tensor<3x4xf64>) -> tensor<2x4xf64> {
  %y = nn.matmul %a transposed, %b : (tensor<3x2xf64>, tensor<3x4xf64>) -> tensor<2x4xf64>
  return %y : tensor<2x4xf64>
}
func.func @matmul_transposed_b(%a: tensor<2x3xf64>, %b: tensor<4x3xf64>) -> tensor<2x4xf64> {
  %y = nn.matmul %a, %b transposed : (tensor<2x3xf64>, tensor<4x3xf64>) -> tensor<2x4xf64>
  return %y : tensor<2x4xf64>
}
func.func @matmul_transposed_both(%a: tensor<3x2xf64>, %b: tensor<4x3xf64>) -> tensor<2x4xf64> {
  %y = nn.matmul %a transposed, %b transposed : (tensor<3x2xf64>, tensor<4x3xf64>) -> tensor<2x4xf64>
  return %y : tensor<2x4xf64>
}
func.func @matmul_batched(%a: tensor<5x2x3xf64>, %b: tensor<5x3x4xf64>) -> tensor<5x2x4xf64> {
  %y = nn.matmul %a, %b : (tensor<5x2x3xf64>, tensor<5x3x4xf64>) -> tensor<5x2x4xf64>
  return %y : tensor<5x2x4xf64>
}
func.func @matmul_batched_transposed_a(%a: tensor<2x3x2xf64>, %b: tensor<2x3x4xf64>) -> tensor<2x2x4xf64> {
  %y = nn.matmul %a transposed, %b : (tensor<2x3x2xf64>, tensor<2x3x4xf64>) -> tensor<2x2x4xf64>
  return %y : tensor<2x2x4xf64>
}
func.func @matmul_batched_transposed_both(%a: tensor<2x3x2xf64>, %b: tensor<2x4x3xf64>) -> tensor<2x2x4xf64> {
  %y = nn.matmul %a transposed, %b transposed : (tensor<2x3x2xf64>, tensor<2x4x3xf64>) -> tensor<2x2x4xf64>
  return %y : tensor<2x2x4xf64>
}
// One weight for a batch of matrices, read in both ways.
func.func @matmul_shared_b(%a: tensor<2x3x2x3xf64>, %b: tensor<3x4xf64>) -> tensor<2x3x2x4xf64> {
  %y = nn.matmul %a, %b : (tensor<2x3x2x3xf64>, tensor<3x4xf64>) -> tensor<2x3x2x4xf64>
  return %y : tensor<2x3x2x4xf64>
}
func.func @matmul_shared_transposed_b(%a: tensor<3x2x3xf64>, %b: tensor<4x3xf64>) -> tensor<3x2x4xf64> {
  %y = nn.matmul %a, %b transposed : (tensor<3x2x3xf64>, tensor<4x3xf64>) -> tensor<3x2x4xf64>
  return %y : tensor<3x2x4xf64>
}
func.func @matmul_shared_b_transposed_a(%a: tensor<3x3x2xf64>, %b: tensor<3x4xf64>) -> tensor<3x2x4xf64> {
  %y = nn.matmul %a transposed, %b : (tensor<3x3x2xf64>, tensor<3x4xf64>) -> tensor<3x2x4xf64>
  return %y : tensor<3x2x4xf64>
}
func.func @matmul_shared_a(%a: tensor<2x3xf64>, %b: tensor<4x3x2xf64>) -> tensor<4x2x2xf64> {
  %y = nn.matmul %a, %b : (tensor<2x3xf64>, tensor<4x3x2xf64>) -> tensor<4x2x2xf64>
  return %y : tensor<4x2x2xf64>
}
// Leading dimensions of both are repeated.
func.func @matmul_broadcast(%a: tensor<3x1x2x3xf64>, %b: tensor<2x3x2xf64>) -> tensor<3x2x2x2xf64> {
  %y = nn.matmul %a, %b : (tensor<3x1x2x3xf64>, tensor<2x3x2xf64>) -> tensor<3x2x2x2xf64>
  return %y : tensor<3x2x2x2xf64>
}
func.func @matmul_broadcast_transposed(%a: tensor<3x1x3x2xf64>, %b: tensor<2x2x3xf64>) -> tensor<3x2x2x2xf64> {
  %y = nn.matmul %a transposed, %b transposed : (tensor<3x1x3x2xf64>, tensor<2x2x3xf64>) -> tensor<3x2x2x2xf64>
  return %y : tensor<3x2x2x2xf64>
}
// x x^T: one value is both operands.
func.func @matmul_gram(%x: tensor<3x4xf64>) -> tensor<3x3xf64> {
  %y = nn.matmul %x, %x transposed : (tensor<3x4xf64>, tensor<3x4xf64>) -> tensor<3x3xf64>
  return %y : tensor<3x3xf64>
}
