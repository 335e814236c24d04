// The rules of updates.
#include "core/Require.h"
#include "dtcrt/update.h"

namespace dtcrt::detail {

void check_moving(std::span<const Tensor<f32>> tensors, int scalars) {
  const std::size_t elements = tensors.size() - static_cast<std::size_t>(scalars);
  for (std::size_t i = 1; i < elements; ++i)
    require(tensors[0].is_dense() && tensors[i].strides() == tensors[0].strides() && tensors[i].shape() == tensors[0].shape(),
            "update", "what is updated, what by, and state have one shape and layout");
  for (const Tensor<f32> &scalar : tensors.subspan(elements))
    require(scalar.size() == 1, "update", "a scalar state has one element");
}

} // namespace dtcrt::detail
