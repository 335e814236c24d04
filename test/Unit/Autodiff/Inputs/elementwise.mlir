// Gradient checks: elementwise ops, alone and with every way of broadcasting.
// test.range is where an argument's elements lie; without it, [-2, 2].

func.func @neg(%x: tensor<3x4xf64>) -> tensor<3x4xf64> {
  %y = nn.neg %x : tensor<3x4xf64>
  return %y : tensor<3x4xf64>
}
func.func @exp(%x: tensor<3x4xf64>) -> tensor<3x4xf64> {
  %y = nn.exp %x : tensor<3x4xf64>
  return %y : tensor<3x4xf64>
}
func.func @log(%x: tensor<3x4xf64> {test.range = [0.2, 3.0]}) -> tensor<3x4xf64> {
  %y = nn.log %x : tensor<3x4xf64>
  return %y : tensor<3x4xf64>
}
func.func @sqrt(%x: tensor<3x4xf64> {test.range = [0.2, 3.0]}) -> tensor<3x4xf64> {
  %y = nn.sqrt %x : tensor<3x4xf64>
  return %y : tensor<3x4xf64>
}
func.func @relu(%x: tensor<3x4xf64>) -> tensor<3x4xf64> {
  %y = nn.relu %x : tensor<3x4xf64>
  return %y : tensor<3x4xf64>
}
func.func @sigmoid(%x: tensor<3x4xf64>) -> tensor<3x4xf64> {
  %y = nn.sigmoid %x : tensor<3x4xf64>
  return %y : tensor<3x4xf64>
}
func.func @tanh(%x: tensor<3x4xf64>) -> tensor<3x4xf64> {
  %y = nn.tanh %x : tensor<3x4xf64>
  return %y : tensor<3x4xf64>
}
func.func @leaky_relu(%x: tensor<3x4xf64>) -> tensor<3x4xf64> {
  %y = nn.leaky_relu %x {alpha = 0.1} : tensor<3x4xf64>
  return %y : tensor<3x4xf64>
}
func.func @leaky_relu_zero_alpha(%x: tensor<3x4xf64>) -> tensor<3x4xf64> {
  %y = nn.leaky_relu %x {alpha = 0.0} : tensor<3x4xf64>
  return %y : tensor<3x4xf64>
}
// A negative alpha makes y positive on both sides of 0.
func.func @leaky_relu_negative_alpha(%x: tensor<3x4xf64>) -> tensor<3x4xf64> {
  %y = nn.leaky_relu %x {alpha = -0.5} : tensor<3x4xf64>
  return %y : tensor<3x4xf64>
}
func.func @elu(%x: tensor<3x4xf64>) -> tensor<3x4xf64> {
  %y = nn.elu %x {alpha = 1.3} : tensor<3x4xf64>
  return %y : tensor<3x4xf64>
}
func.func @elu_negative_alpha(%x: tensor<3x4xf64>) -> tensor<3x4xf64> {
  %y = nn.elu %x {alpha = -0.7} : tensor<3x4xf64>
  return %y : tensor<3x4xf64>
}
func.func @erf(%x: tensor<3x4xf64>) -> tensor<3x4xf64> {
  %y = nn.erf %x : tensor<3x4xf64>
  return %y : tensor<3x4xf64>
}
func.func @gelu(%x: tensor<3x4xf64>) -> tensor<3x4xf64> {
  %y = nn.gelu %x : tensor<3x4xf64>
  return %y : tensor<3x4xf64>
}
func.func @gelu_approximate(%x: tensor<3x4xf64> {test.range = [-4.0, 4.0]}) -> tensor<3x4xf64> {
  %y = nn.gelu %x {approximate} : tensor<3x4xf64>
  return %y : tensor<3x4xf64>
}
func.func @scalar(%x: tensor<f64>) -> tensor<f64> {
  %y = nn.tanh %x : tensor<f64>
  return %y : tensor<f64>
}

func.func @add(%a: tensor<2x3xf64>, %b: tensor<2x3xf64>) -> tensor<2x3xf64> {
  %y = nn.add %a, %b : tensor<2x3xf64>, tensor<2x3xf64>
  return %y : tensor<2x3xf64>
}
func.func @add_bias(%a: tensor<4x3xf64>, %b: tensor<3xf64>) -> tensor<4x3xf64> {
  %y = nn.add %a, %b : tensor<4x3xf64>, tensor<3xf64>
  return %y : tensor<4x3xf64>
}
func.func @add_channel_bias(%a: tensor<2x3x2x2xf64>, %b: tensor<1x3x1x1xf64>) -> tensor<2x3x2x2xf64> {
  %y = nn.add %a, %b : tensor<2x3x2x2xf64>, tensor<1x3x1x1xf64>
  return %y : tensor<2x3x2x2xf64>
}
func.func @add_scalar(%a: tensor<f64>, %b: tensor<2x2xf64>) -> tensor<2x2xf64> {
  %y = nn.add %a, %b : tensor<f64>, tensor<2x2xf64>
  return %y : tensor<2x2xf64>
}
// Both operands are repeated.
func.func @add_outer(%a: tensor<3x1xf64>, %b: tensor<1x4xf64>) -> tensor<3x4xf64> {
  %y = nn.add %a, %b : tensor<3x1xf64>, tensor<1x4xf64>
  return %y : tensor<3x4xf64>
}
func.func @sub(%a: tensor<2x3xf64>, %b: tensor<2x3xf64>) -> tensor<2x3xf64> {
  %y = nn.sub %a, %b : tensor<2x3xf64>, tensor<2x3xf64>
  return %y : tensor<2x3xf64>
}
func.func @sub_broadcast(%a: tensor<3xf64>, %b: tensor<2x1xf64>) -> tensor<2x3xf64> {
  %y = nn.sub %a, %b : tensor<3xf64>, tensor<2x1xf64>
  return %y : tensor<2x3xf64>
}
func.func @mul(%a: tensor<2x3xf64>, %b: tensor<2x3xf64>) -> tensor<2x3xf64> {
  %y = nn.mul %a, %b : tensor<2x3xf64>, tensor<2x3xf64>
  return %y : tensor<2x3xf64>
}
func.func @mul_broadcast(%a: tensor<2x1x3xf64>, %b: tensor<4x1xf64>) -> tensor<2x4x3xf64> {
  %y = nn.mul %a, %b : tensor<2x1x3xf64>, tensor<4x1xf64>
  return %y : tensor<2x4x3xf64>
}
// One value used twice: both contributions count.
func.func @mul_by_itself(%a: tensor<5xf64>) -> tensor<5xf64> {
  %y = nn.mul %a, %a : tensor<5xf64>, tensor<5xf64>
  return %y : tensor<5xf64>
}
func.func @div(%a: tensor<2x3xf64>, %b: tensor<2x3xf64> {test.range = [0.5, 2.0]}) -> tensor<2x3xf64> {
  %y = nn.div %a, %b : tensor<2x3xf64>, tensor<2x3xf64>
  return %y : tensor<2x3xf64>
}
func.func @div_broadcast(%a: tensor<2x1xf64>, %b: tensor<3xf64> {test.range = [-3.0, -0.5]}) -> tensor<2x3xf64> {
  %y = nn.div %a, %b : tensor<2x1xf64>, tensor<3xf64>
  return %y : tensor<2x3xf64>
}
func.func @pow(%a: tensor<2x3xf64> {test.range = [0.2, 2.0]}, %b: tensor<2x3xf64>) -> tensor<2x3xf64> {
  %y = nn.pow %a, %b : tensor<2x3xf64>, tensor<2x3xf64>
  return %y : tensor<2x3xf64>
}
func.func @pow_broadcast(%a: tensor<2x1xf64> {test.range = [0.2, 2.0]}, %b: tensor<3xf64>) -> tensor<2x3xf64> {
  %y = nn.pow %a, %b : tensor<2x1xf64>, tensor<3xf64>
  return %y : tensor<2x3xf64>
}
func.func @pow_square(%a: tensor<5xf64>) -> tensor<5xf64> {
  %two = nn.constant dense<2.0> : tensor<f64> : tensor<f64>
  %y = nn.pow %a, %two : tensor<5xf64>, tensor<f64>
  return %y : tensor<5xf64>
}
func.func @pow_cube(%a: tensor<5xf64>) -> tensor<5xf64> {
  %three = nn.constant dense<3.0> : tensor<f64> : tensor<f64>
  %y = nn.pow %a, %three : tensor<5xf64>, tensor<f64>
  return %y : tensor<5xf64>
}
func.func @pow_one(%a: tensor<5xf64>) -> tensor<5xf64> {
  %one = nn.constant dense<1.0> : tensor<f64> : tensor<f64>
  %y = nn.pow %a, %one : tensor<5xf64>, tensor<f64>
  return %y : tensor<5xf64>
}
func.func @pow_zero(%a: tensor<5xf64>, %b: tensor<5xf64>) -> tensor<5xf64> {
  %zero = nn.constant dense<0.0> : tensor<f64> : tensor<f64>
  %one = nn.pow %a, %zero : tensor<5xf64>, tensor<f64>
  %y = nn.mul %one, %b : tensor<5xf64>, tensor<5xf64>
  return %y : tensor<5xf64>
}
// Exponents that differ from element to element, given as a constant.
func.func @pow_of_exponents(%a: tensor<4xf64>) -> tensor<4xf64> {
  %b = nn.constant dense<[0.0, 1.0, 2.0, 3.0]> : tensor<4xf64> : tensor<4xf64>
  %y = nn.pow %a, %b : tensor<4xf64>, tensor<4xf64>
  return %y : tensor<4xf64>
}
func.func @where_positive(%c: tensor<2x3xf64>, %a: tensor<2x3xf64>, %b: tensor<2x3xf64>) -> tensor<2x3xf64> {
  %y = nn.where_positive %c, %a, %b : tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>
  return %y : tensor<2x3xf64>
}
func.func @where_positive_broadcast(%c: tensor<2x1xf64>, %a: tensor<3xf64>, %b: tensor<f64>) -> tensor<2x3xf64> {
  %y = nn.where_positive %c, %a, %b : tensor<2x1xf64>, tensor<3xf64>, tensor<f64>
  return %y : tensor<2x3xf64>
}

func.func @abs(%x: tensor<3x4xf64>) -> tensor<3x4xf64> {
  %y = nn.abs %x : tensor<3x4xf64>
  return %y : tensor<3x4xf64>
}
// Steps have no slope.
func.func @sign(%x: tensor<3x4xf64>, %z: tensor<3x4xf64>) -> tensor<3x4xf64> {
  %y = nn.sign %x : tensor<3x4xf64>
  %r = nn.mul %y, %z : tensor<3x4xf64>, tensor<3x4xf64>
  return %r : tensor<3x4xf64>
}
func.func @floor(%x: tensor<3x4xf64>, %z: tensor<3x4xf64>) -> tensor<3x4xf64> {
  %y = nn.floor %x : tensor<3x4xf64>
  %r = nn.mul %y, %z : tensor<3x4xf64>, tensor<3x4xf64>
  return %r : tensor<3x4xf64>
}
func.func @ceil(%x: tensor<3x4xf64>, %z: tensor<3x4xf64>) -> tensor<3x4xf64> {
  %y = nn.ceil %x : tensor<3x4xf64>
  %r = nn.mul %y, %z : tensor<3x4xf64>, tensor<3x4xf64>
  return %r : tensor<3x4xf64>
}
func.func @round(%x: tensor<3x4xf64>, %z: tensor<3x4xf64>) -> tensor<3x4xf64> {
  %y = nn.round %x : tensor<3x4xf64>
  %r = nn.mul %y, %z : tensor<3x4xf64>, tensor<3x4xf64>
  return %r : tensor<3x4xf64>
}
func.func @sin(%x: tensor<3x4xf64>) -> tensor<3x4xf64> {
  %y = nn.sin %x : tensor<3x4xf64>
  return %y : tensor<3x4xf64>
}
func.func @cos(%x: tensor<3x4xf64>) -> tensor<3x4xf64> {
  %y = nn.cos %x : tensor<3x4xf64>
  return %y : tensor<3x4xf64>
}
func.func @tan(%x: tensor<3x4xf64> {test.range = [-1.2, 1.2]}) -> tensor<3x4xf64> {
  %y = nn.tan %x : tensor<3x4xf64>
  return %y : tensor<3x4xf64>
}
func.func @asin(%x: tensor<3x4xf64> {test.range = [-0.8, 0.8]}) -> tensor<3x4xf64> {
  %y = nn.asin %x : tensor<3x4xf64>
  return %y : tensor<3x4xf64>
}
func.func @acos(%x: tensor<3x4xf64> {test.range = [-0.8, 0.8]}) -> tensor<3x4xf64> {
  %y = nn.acos %x : tensor<3x4xf64>
  return %y : tensor<3x4xf64>
}
func.func @atan(%x: tensor<3x4xf64>) -> tensor<3x4xf64> {
  %y = nn.atan %x : tensor<3x4xf64>
  return %y : tensor<3x4xf64>
}
func.func @sinh(%x: tensor<3x4xf64>) -> tensor<3x4xf64> {
  %y = nn.sinh %x : tensor<3x4xf64>
  return %y : tensor<3x4xf64>
}
func.func @cosh(%x: tensor<3x4xf64>) -> tensor<3x4xf64> {
  %y = nn.cosh %x : tensor<3x4xf64>
  return %y : tensor<3x4xf64>
}
func.func @asinh(%x: tensor<3x4xf64>) -> tensor<3x4xf64> {
  %y = nn.asinh %x : tensor<3x4xf64>
  return %y : tensor<3x4xf64>
}
func.func @acosh(%x: tensor<3x4xf64> {test.range = [1.3, 3.0]}) -> tensor<3x4xf64> {
  %y = nn.acosh %x : tensor<3x4xf64>
  return %y : tensor<3x4xf64>
}
func.func @atanh(%x: tensor<3x4xf64> {test.range = [-0.8, 0.8]}) -> tensor<3x4xf64> {
  %y = nn.atanh %x : tensor<3x4xf64>
  return %y : tensor<3x4xf64>
}
func.func @softplus(%x: tensor<3x4xf64>) -> tensor<3x4xf64> {
  %y = nn.softplus %x : tensor<3x4xf64>
  return %y : tensor<3x4xf64>
}
func.func @silu(%x: tensor<3x4xf64>) -> tensor<3x4xf64> {
  %y = nn.silu %x : tensor<3x4xf64>
  return %y : tensor<3x4xf64>
}
func.func @mish(%x: tensor<3x4xf64>) -> tensor<3x4xf64> {
  %y = nn.mish %x : tensor<3x4xf64>
  return %y : tensor<3x4xf64>
}
func.func @hard_sigmoid(%x: tensor<3x4xf64> {test.range = [-4.0, 4.0]}) -> tensor<3x4xf64> {
  %y = nn.hard_sigmoid %x {alpha = 0.3, beta = 0.45} : tensor<3x4xf64>
  return %y : tensor<3x4xf64>
}
func.func @hard_swish(%x: tensor<3x4xf64> {test.range = [-4.0, 4.0]}) -> tensor<3x4xf64> {
  %y = nn.hard_swish %x : tensor<3x4xf64>
  return %y : tensor<3x4xf64>
}
func.func @clip(%x: tensor<3x4xf64>) -> tensor<3x4xf64> {
  %y = nn.clip %x {min = -0.77, max = 1.13} : tensor<3x4xf64>
  return %y : tensor<3x4xf64>
}
// A bound that bf16 holds: then the result says where the slope is 0.
func.func @clip_above(%x: tensor<3x4xf64>) -> tensor<3x4xf64> {
  %y = nn.clip %x {max = 0.5} : tensor<3x4xf64>
  return %y : tensor<3x4xf64>
}
func.func @mod(%a: tensor<2x3xf64>, %b: tensor<2x3xf64> {test.range = [0.6, 0.9]}) -> tensor<2x3xf64> {
  %y = nn.mod %a, %b : tensor<2x3xf64>, tensor<2x3xf64>
  return %y : tensor<2x3xf64>
}
func.func @min_broadcast(%a: tensor<2x1xf64>, %b: tensor<3xf64>) -> tensor<2x3xf64> {
  %y = nn.min %a, %b : tensor<2x1xf64>, tensor<3xf64>
  return %y : tensor<2x3xf64>
}
func.func @max(%a: tensor<2x3xf64>, %b: tensor<2x3xf64>) -> tensor<2x3xf64> {
  %y = nn.max %a, %b : tensor<2x3xf64>, tensor<2x3xf64>
  return %y : tensor<2x3xf64>
}
// The condition has no gradient, though it depends on x; nor does a cast from integers.
func.func @where(%x: tensor<2x3xf64>, %a: tensor<3xf64>, %b: tensor<2x1xf64>) -> tensor<2x3xf64> {
  %c = nn.less %x, %b : tensor<2x3xf64>, tensor<2x1xf64>
  %i = nn.cast %x : tensor<2x3xf64> -> tensor<2x3xi64>
  %f = nn.cast %i : tensor<2x3xi64> -> tensor<2x3xf64>
  %s = nn.mul %f, %a : tensor<2x3xf64>, tensor<3xf64>
  %y = nn.where %c, %s, %b : tensor<2x3xi1>, tensor<2x3xf64>, tensor<2x1xf64>
  return %y : tensor<2x3xf64>
}
