// RUN: dtc-opt %s | dtc-opt | FileCheck %s

// CHECK-LABEL: dist.fragment @inside
dist.fragment @inside(%x: tensor<8x64xf32>) -> tensor<8x64xf32> {
  // CHECK: dist.reduce_scatter sum %{{.*}} over "tensor" dimension 1 : tensor<8x64xf32> -> tensor<8x16xf32>
  %part = dist.reduce_scatter sum %x over "tensor" dimension 1 : tensor<8x64xf32> -> tensor<8x16xf32>
  // CHECK: dist.all_to_all %{{.*}} from 1 to 0 over "tensor" : tensor<8x16xf32> -> tensor<2x64xf32>
  %rows = dist.all_to_all %part from 1 to 0 over "tensor" : tensor<8x16xf32> -> tensor<2x64xf32>
  // CHECK: dist.broadcast %{{.*}} from 3 over "tensor" : tensor<2x64xf32>
  %same = dist.broadcast %rows from 3 over "tensor" : tensor<2x64xf32>
  // CHECK: dist.all_gather %{{.*}} over "tensor" dimension 0 : tensor<2x64xf32> -> tensor<8x64xf32>
  %whole = dist.all_gather %same over "tensor" dimension 0 : tensor<2x64xf32> -> tensor<8x64xf32>
  dist.return %whole : tensor<8x64xf32>
}

// CHECK-LABEL: dist.timeline @train
dist.timeline @train(%w: tensor<8x10xf32>, %b: tensor<10xf32>) attributes {phase = "train", role = "all"} {
  // A tensor of ten elements among four ranks: three, three, three, one.
  // CHECK: %[[T:.*]] = dist.reduce_scatter_start sum %{{.*}}, %{{.*}} over "data" bucket "g" ["w", "b"] : tensor<8x10xf32>, tensor<10xf32> -> <tensor<20xf32>, tensor<3xf32>>
  %t = dist.reduce_scatter_start sum %w, %b over "data" bucket "g" ["w", "b"] : tensor<8x10xf32>, tensor<10xf32> -> <tensor<20xf32>, tensor<3xf32>>
  // CHECK: dist.wait %[[T]] : <tensor<20xf32>, tensor<3xf32>> -> tensor<20xf32>, tensor<3xf32>
  %pw, %pb = dist.wait %t : <tensor<20xf32>, tensor<3xf32>> -> tensor<20xf32>, tensor<3xf32>
  // CHECK: dist.all_gather_start %{{.*}}, %{{.*}} over "data" bucket "p" ["w", "b"] : tensor<20xf32>, tensor<3xf32> -> <tensor<8x10xf32>, tensor<10xf32>>
  %u = dist.all_gather_start %pw, %pb over "data" bucket "p" ["w", "b"] : tensor<20xf32>, tensor<3xf32> -> <tensor<8x10xf32>, tensor<10xf32>>
  %w1, %b1 = dist.wait %u : <tensor<8x10xf32>, tensor<10xf32>> -> tensor<8x10xf32>, tensor<10xf32>
  // CHECK: dist.all_gather_start %{{.*}} over "data" dimension 1 bucket "d" ["w"] : tensor<8x10xf32> -> <tensor<8x40xf32>>
  %v = dist.all_gather_start %w1 over "data" dimension 1 bucket "d" ["w"] : tensor<8x10xf32> -> <tensor<8x40xf32>>
  %wide = dist.wait %v : <tensor<8x40xf32>> -> tensor<8x40xf32>
  // CHECK: dist.all_to_all_start %{{.*}} from 0 to 1 over "data" bucket "e" ["w"] : tensor<8x40xf32> -> <tensor<32x10xf32>>
  %x = dist.all_to_all_start %wide from 0 to 1 over "data" bucket "e" ["w"] : tensor<8x40xf32> -> <tensor<32x10xf32>>
  %long = dist.wait %x : <tensor<32x10xf32>> -> tensor<32x10xf32>
  // CHECK: dist.broadcast_start %{{.*}} from 2 over "data" bucket "f" ["w"] : tensor<32x10xf32> -> <tensor<32x10xf32>>
  %y = dist.broadcast_start %long from 2 over "data" bucket "f" ["w"] : tensor<32x10xf32> -> <tensor<32x10xf32>>
  %z = dist.wait %y : <tensor<32x10xf32>> -> tensor<32x10xf32>
  dist.return
}
