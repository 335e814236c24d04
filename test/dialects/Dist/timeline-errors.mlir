// RUN: dtc-opt %s -verify-diagnostics -split-input-file

dist.timeline @train(%x: tensor<2xf32>) -> tensor<2xf32> attributes {phase = "train", role = "all"} {
  // expected-error @below {{runs 'nowhere', which is no fragment}}
  %y = dist.run @nowhere(%x) : (tensor<2xf32>) -> tensor<2xf32>
  dist.return %y : tensor<2xf32>
}

// -----

// expected-note @below {{but it is '(tensor<3xf32>) -> tensor<3xf32>'}}
dist.fragment @f(%x: tensor<3xf32>) -> tensor<3xf32> {
  dist.return %x : tensor<3xf32>
}
dist.timeline @train(%x: tensor<2xf32>) -> tensor<2xf32> attributes {phase = "train", role = "all"} {
  // expected-error @below {{runs 'f' as ('tensor<2xf32>') -> ('tensor<2xf32>')}}
  %y = dist.run @f(%x) : (tensor<2xf32>) -> tensor<2xf32>
  dist.return %y : tensor<2xf32>
}

// -----

// expected-error @below {{phase is 'testing', none of 'train', 'evaluate' and 'predict'}}
dist.timeline @train(%x: tensor<2xf32>) -> tensor<2xf32> attributes {phase = "testing", role = "all"} {
  dist.return %x : tensor<2xf32>
}

// -----

dist.timeline @train(%x: tensor<2xf32>, %i: tensor<i64>) -> tensor<2xf32> attributes {phase = "train", role = "all"} {
  // expected-error @below {{a bucket has one element type}}
  %t = dist.all_reduce_start sum %x, %i over "data" bucket "b" ["x", "i"] : tensor<2xf32>, tensor<i64> -> <tensor<2xf32>, tensor<i64>>
  dist.return %x : tensor<2xf32>
}

// -----

dist.timeline @train(%x: tensor<2xf32>) -> tensor<2xf32> attributes {phase = "train", role = "all"} {
  %t = dist.all_reduce_start sum %x over "data" bucket "b" ["x"] : tensor<2xf32> -> <tensor<2xf32>>
  // expected-error @below {{waits for}}
  %y = dist.wait %t : <tensor<2xf32>> -> tensor<3xf32>
  dist.return %x : tensor<2xf32>
}

// -----

// expected-note @below {{declared here}}
dist.fragment @f(%x: tensor<3xf32>) -> tensor<2xf32> {
  // expected-error @below {{but 'f' promises}}
  dist.return %x : tensor<3xf32>
}

// -----

dist.timeline @train(%x: tensor<2xf32>) -> tensor<2xf32> attributes {phase = "train", role = "all"} {
  // expected-error @below {{combines nothing}}
  %t = "dist.all_reduce_start"() <{reduction = #dist<reduction sum>, axis = "data", bucket = "b", names = []}> : () -> !dist.pending<tensor<2xf32>>
  dist.return %x : tensor<2xf32>
}

// -----

dist.timeline @train(%x: tensor<2xf32>) -> tensor<2xf32> attributes {phase = "train", role = "all"} {
  // expected-error @below {{has 1 values but 2 names}}
  %t = dist.all_reduce_start sum %x over "data" bucket "b" ["x", "y"] : tensor<2xf32> -> <tensor<2xf32>>
  dist.return %x : tensor<2xf32>
}

// -----

dist.timeline @train(%x: tensor<2xf32>) -> tensor<2xf32> attributes {phase = "train", role = "all"} {
  // expected-error @below {{combines ('tensor<2xf32>') but promises '!dist.pending<tensor<3xf32>>'}}
  %t = dist.all_reduce_start sum %x over "data" bucket "b" ["x"] : tensor<2xf32> -> <tensor<3xf32>>
  dist.return %x : tensor<2xf32>
}

// -----

dist.timeline @train(%x: tensor<2xf32>) -> tensor<2xf32> attributes {phase = "train", role = "all"} {
  // expected-error @below {{stands in functions between the passes of Partition alone}}
  %s = dist.batch_sum %x over "data" : tensor<2xf32>
  dist.return %s : tensor<2xf32>
}
