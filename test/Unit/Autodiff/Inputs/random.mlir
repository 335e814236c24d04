// What draws. Integers have no gradient: a small change of them draws the same.
func.func @dropout(%x: tensor<4x7xf64>, %step: tensor<i64> {test.range = [3.0, 3.0]}, %sample: tensor<4xi64> {test.range = [0.0, 7.0]}) -> tensor<4x7xf64> {
  %y = nn.dropout_training %x step %step sample %sample {ratio = 0.4 : f64, stream = 2 : i64} : (tensor<4x7xf64>, tensor<i64>, tensor<4xi64>) -> tensor<4x7xf64>
  return %y : tensor<4x7xf64>
}

func.func @dropout_of_parts(%x: tensor<3x8x2xf64>, %step: tensor<i64> {test.range = [3.0, 3.0]}, %sample: tensor<4xi64> {test.range = [0.0, 7.0]}) -> tensor<3x8x2xf64> {
  %y = nn.dropout_training %x step %step sample %sample {ratio = 0.5 : f64, stream = 0 : i64, outer = 3 : i64} : (tensor<3x8x2xf64>, tensor<i64>, tensor<4xi64>) -> tensor<3x8x2xf64>
  return %y : tensor<3x8x2xf64>
}

func.func @dropout_of_no_samples(%x: tensor<5x3xf64>, %step: tensor<i64> {test.range = [3.0, 3.0]}) -> tensor<5x3xf64> {
  %y = nn.dropout_training %x step %step {ratio = 0.4 : f64, stream = 1 : i64} : (tensor<5x3xf64>, tensor<i64>) -> tensor<5x3xf64>
  return %y : tensor<5x3xf64>
}

func.func @dropout_of_all(%x: tensor<2x3xf64>, %step: tensor<i64> {test.range = [3.0, 3.0]}) -> tensor<2x3xf64> {
  %y = nn.dropout_training %x step %step {ratio = 1.0 : f64, stream = 1 : i64} : (tensor<2x3xf64>, tensor<i64>) -> tensor<2x3xf64>
  return %y : tensor<2x3xf64>
}
