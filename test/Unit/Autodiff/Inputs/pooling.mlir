// Gradient checks: pooling with every attribute, over one to three dimensions.

func.func @max_pool(%x: tensor<2x2x4x6xf64>) -> tensor<2x2x2x3xf64> {
  %y, %index = nn.max_pool %x kernel [2, 2] strides [2, 2] pads [0, 0, 0, 0] dilations [1, 1]
     : (tensor<2x2x4x6xf64>) -> (tensor<2x2x2x3xf64>, tensor<2x2x2x3xui8>)
  return %y : tensor<2x2x2x3xf64>
}
// One element may be the maximum of several windows.
func.func @max_pool_overlapping(%x: tensor<1x2x6x5xf64>) -> tensor<1x2x4x3xf64> {
  %y, %index = nn.max_pool %x kernel [3, 3] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]
     : (tensor<1x2x6x5xf64>) -> (tensor<1x2x4x3xf64>, tensor<1x2x4x3xui8>)
  return %y : tensor<1x2x4x3xf64>
}
func.func @max_pool_padded(%x: tensor<1x2x5x4xf64>) -> tensor<1x2x3x3xf64> {
  %y, %index = nn.max_pool %x kernel [3, 2] strides [2, 2] pads [1, 1, 1, 1] dilations [1, 1]
     : (tensor<1x2x5x4xf64>) -> (tensor<1x2x3x3xf64>, tensor<1x2x3x3xui8>)
  return %y : tensor<1x2x3x3xf64>
}
func.func @max_pool_ceil(%x: tensor<1x2x6x5xf64>) -> tensor<1x2x3x3xf64> {
  %y, %index = nn.max_pool %x kernel [3, 2] strides [2, 2] pads [0, 0, 0, 0] dilations [1, 1] ceil
     : (tensor<1x2x6x5xf64>) -> (tensor<1x2x3x3xf64>, tensor<1x2x3x3xui8>)
  return %y : tensor<1x2x3x3xf64>
}
func.func @max_pool_dilated(%x: tensor<1x1x6x7xf64>) -> tensor<1x1x4x3xf64> {
  %y, %index = nn.max_pool %x kernel [2, 3] strides [1, 1] pads [0, 0, 0, 0] dilations [2, 2]
     : (tensor<1x1x6x7xf64>) -> (tensor<1x1x4x3xf64>, tensor<1x1x4x3xui8>)
  return %y : tensor<1x1x4x3xf64>
}
func.func @max_pool_1d(%x: tensor<2x3x9xf64>) -> tensor<2x3x4xf64> {
  %y, %index = nn.max_pool %x kernel [3] strides [2] pads [0, 0] dilations [1]
     : (tensor<2x3x9xf64>) -> (tensor<2x3x4xf64>, tensor<2x3x4xui8>)
  return %y : tensor<2x3x4xf64>
}
func.func @max_pool_3d(%x: tensor<1x2x4x3x4xf64>) -> tensor<1x2x2x2x2xf64> {
  %y, %index = nn.max_pool %x kernel [2, 2, 2] strides [2, 1, 2] pads [0, 0, 0, 0, 0, 0] dilations [1, 1, 1]
     : (tensor<1x2x4x3x4xf64>) -> (tensor<1x2x2x2x2xf64>, tensor<1x2x2x2x2xui8>)
  return %y : tensor<1x2x2x2x2xf64>
}
// More than 256 places in a window need a wider index.
func.func @max_pool_large_window(%x: tensor<1x1x18x17xf64>) -> tensor<1x1x2x1xf64> {
  %y, %index = nn.max_pool %x kernel [17, 17] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]
     : (tensor<1x1x18x17xf64>) -> (tensor<1x1x2x1xf64>, tensor<1x1x2x1xi32>)
  return %y : tensor<1x1x2x1xf64>
}
func.func @avg_pool(%x: tensor<2x2x4x6xf64>) -> tensor<2x2x2x3xf64> {
  %y = nn.avg_pool %x kernel [2, 2] strides [2, 2] pads [0, 0, 0, 0] dilations [1, 1]
     : (tensor<2x2x4x6xf64>) -> tensor<2x2x2x3xf64>
  return %y : tensor<2x2x2x3xf64>
}
func.func @avg_pool_padded(%x: tensor<1x2x5x4xf64>) -> tensor<1x2x3x3xf64> {
  %y = nn.avg_pool %x kernel [3, 2] strides [2, 2] pads [1, 1, 1, 1] dilations [1, 1]
     : (tensor<1x2x5x4xf64>) -> tensor<1x2x3x3xf64>
  return %y : tensor<1x2x3x3xf64>
}
func.func @avg_pool_count_include_pad(%x: tensor<1x2x5x4xf64>) -> tensor<1x2x3x3xf64> {
  %y = nn.avg_pool %x kernel [3, 2] strides [2, 2] pads [1, 1, 1, 1] dilations [1, 1] count_include_pad
     : (tensor<1x2x5x4xf64>) -> tensor<1x2x3x3xf64>
  return %y : tensor<1x2x3x3xf64>
}
func.func @avg_pool_ceil(%x: tensor<1x2x6x5xf64>) -> tensor<1x2x3x3xf64> {
  %y = nn.avg_pool %x kernel [3, 2] strides [2, 2] pads [0, 0, 0, 0] dilations [1, 1] ceil
     : (tensor<1x2x6x5xf64>) -> tensor<1x2x3x3xf64>
  return %y : tensor<1x2x3x3xf64>
}
func.func @avg_pool_ceil_count_include_pad(%x: tensor<1x2x5x6xf64>) -> tensor<1x2x3x3xf64> {
  %y = nn.avg_pool %x kernel [3, 3] strides [2, 3] pads [1, 1, 1, 1] dilations [1, 1] ceil count_include_pad
     : (tensor<1x2x5x6xf64>) -> tensor<1x2x3x3xf64>
  return %y : tensor<1x2x3x3xf64>
}
func.func @avg_pool_overlapping_dilated(%x: tensor<1x1x6x7xf64>) -> tensor<1x1x4x3xf64> {
  %y = nn.avg_pool %x kernel [2, 3] strides [1, 1] pads [0, 0, 0, 0] dilations [2, 2]
     : (tensor<1x1x6x7xf64>) -> tensor<1x1x4x3xf64>
  return %y : tensor<1x1x4x3xf64>
}
func.func @avg_pool_1d(%x: tensor<2x3x9xf64>) -> tensor<2x3x4xf64> {
  %y = nn.avg_pool %x kernel [3] strides [2] pads [0, 0] dilations [1]
     : (tensor<2x3x9xf64>) -> tensor<2x3x4xf64>
  return %y : tensor<2x3x4xf64>
}
func.func @avg_pool_global_3d(%x: tensor<2x2x3x2x2xf64>) -> tensor<2x2x1x1x1xf64> {
  %y = nn.avg_pool %x kernel [3, 2, 2] strides [1, 1, 1] pads [0, 0, 0, 0, 0, 0] dilations [1, 1, 1]
     : (tensor<2x2x3x2x2xf64>) -> tensor<2x2x1x1x1xf64>
  return %y : tensor<2x2x1x1x1xf64>
}
