// A rank's part of what all ranks have.
#include "comm/WorldImpl.h"
#include "core/Require.h"
#include "dtcrt/comm.h"
#include "dtcrt/movement.h"
#include "math/CopyView.h"

#include <algorithm>

namespace dtcrt {

template <class T> void take_part(Context &ctx, const Tensor<T> &whole, const Tensor<T> &part, const PartOptions &options) {
  index coordinate = 0, ranks = 1;
  if (ctx.world()) {
    const Group &group = ctx.world()->impl().group(options.axis);
    coordinate = group.coordinate;
    ranks = group.size;
  }
  if (const int dimension = options.dimension; dimension >= 0) {
    require(dimension < whole.rank() && part.rank() == whole.rank() && part.dim(dimension) * ranks == whole.dim(dimension), "take_part",
            "a part is one of equal slices");
    SliceOptions at{.offsets = Dims::repeat(whole.rank(), 0)};
    at.offsets[dimension] = coordinate * part.dim(dimension);
    return slice(ctx, whole, part, at);
  }
  require(whole.layout() == row_major && part.is_dense(), "take_part", "pieces are of row-major tensors");
  require(part.size() == (whole.size() + ranks - 1) / ranks, "take_part", "a part is the whole over the ranks");
  const index first = std::min(coordinate * part.size(), whole.size()), count = std::min(part.size(), whole.size() - first);
  if (count > 0)
    copy(ctx, Tensor<T>(whole.data() + first, {count}), Tensor<T>(part.data(), {count}));
  if (count < part.size())
    fill_view(ctx, static_cast<T>(0.0f), part.data() + count, {1}, {part.size() - count});
}

#define DTCRT_PART(T) template void take_part(Context &, const Tensor<T> &, const Tensor<T> &, const PartOptions &);
DTCRT_PART(f32)
DTCRT_PART(bf16)
DTCRT_PART(i64)
DTCRT_PART(i32)
DTCRT_PART(u8)
DTCRT_PART(bool)
#undef DTCRT_PART

} // namespace dtcrt
