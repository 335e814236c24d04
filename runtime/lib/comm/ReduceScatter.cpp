// Reduce-scatter: each rank gets the sum of one part, taken over the ranks in their order.
#include "comm/Sums.h"
#include "comm/Window.h"

#include <algorithm>
#include <cstring>

namespace dtcrt {

namespace {

class ReduceScatter final : public WindowOperation {
public:
  ReduceScatter(Context &ctx, World::Impl &world, Group &group, const CollectiveCall &call, bool is_shared)
      : WindowOperation(ctx, world, group, call, is_shared && group.hosts == 1), sums_by_host_(is_shared) {}
  ~ReduceScatter() override {
    // MPI may still write there.
    if (!requests_.empty())
      static_cast<void>(arrived_.release());
  }

protected:
  void work(const Transfer &tensor, std::size_t begin, std::size_t end) const override;
  void exchange() override;
  void received() override;
  /// A part that is shorter than the others ends in zeros.
  void prepare() override {
    for (const Transfer &tensor : call_.tensors) {
      const std::size_t bytes = tensor.part_bytes(group_.coordinate);
      std::memset(tensor.to + bytes, 0, tensor.part_bytes() - bytes);
    }
  }

private:
  std::size_t own_bytes() const {
    std::size_t sum = 0;
    for (const Transfer &tensor : call_.tensors)
      sum += tensor.part_bytes(group_.coordinate);
    return sum;
  }

  const bool sums_by_host_; ///< as an all-reduce of the same memory does
  std::unique_ptr<std::vector<std::byte>> arrived_ = std::make_unique<std::vector<std::byte>>(); ///< this rank's parts, of each of the others
};

void ReduceScatter::work(const Transfer &tensor, std::size_t begin, std::size_t end) const {
  alignas(64) f32 sums[sum_block];
  constexpr std::size_t block = sum_block * sizeof(f32);
  for (std::size_t at = begin, bytes; at < end; at += bytes) {
    const std::size_t owner = at / tensor.part_bytes(), part = owner * tensor.part_bytes();
    bytes = std::min({block, end - at, part + tensor.part_bytes() - at});
    const index count = static_cast<index>(bytes / sizeof(f32));
    std::memcpy(sums, from_of(member_at(0), tensor) + at, bytes);
    for (std::size_t member = 1; member < group_.local.size(); ++member)
      combine(call_.reduction, sums, reinterpret_cast<const f32 *>(from_of(member_at(member), tensor) + at), count);
    std::memcpy(to_of(member_at(owner), tensor) + (at - part), sums, bytes);
  }
}

/// Everyone sends everyone else that one's parts.
void ReduceScatter::exchange() {
  arrived_->resize(own_bytes() * static_cast<std::size_t>(group_.size - 1));
  std::byte *at = arrived_->data();
  for (int other = 0; other < group_.size; ++other) {
    if (other == group_.coordinate)
      continue;
    for (const Transfer &tensor : call_.tensors) {
      const std::size_t bytes = tensor.part_bytes(group_.coordinate);
      receive(group_.comm, other, at, bytes);
      at += bytes;
    }
  }
  for (int turn = 1; turn < group_.size; ++turn) {
    const int other = (group_.coordinate + turn) % group_.size;
    for (const Transfer &tensor : call_.tensors)
      send(group_.comm, other, tensor.from + static_cast<std::size_t>(other) * tensor.part_bytes(), tensor.part_bytes(other));
  }
}

void ReduceScatter::received() {
  const auto rank_of = [&](int member) { return static_cast<std::size_t>(group_.first + member * group_.stride); };
  const std::size_t stride = own_bytes();
  std::size_t before = 0; // bytes of the tensors before
  for (const Transfer &tensor : call_.tensors) {
    const std::size_t own = tensor.part_bytes(group_.coordinate);
    const auto of = [&](int member) {
      if (member == group_.coordinate)
        return reinterpret_cast<const f32 *>(tensor.from + static_cast<std::size_t>(member) * tensor.part_bytes());
      const int number = member < group_.coordinate ? member : member - 1;
      return reinterpret_cast<const f32 *>(arrived_->data() + static_cast<std::size_t>(number) * stride + before);
    };
    const index size = static_cast<index>(own / sizeof(f32));
    f32 *const to = reinterpret_cast<f32 *>(tensor.to);
    alignas(64) f32 sums[sum_block], of_host[sum_block];
    for (index at = 0; at < size; at += sum_block) {
      const index count = std::min(sum_block, size - at);
      const std::size_t bytes = static_cast<std::size_t>(count) * sizeof(f32);
      for (int member = 0; member < group_.size;) {
        // Of the ranks of a host, which follow each other, their sum.
        f32 *const target = member == 0 ? sums : of_host;
        std::memcpy(target, of(member) + at, bytes);
        const int host = world_.host_of[rank_of(member)];
        while (++member < group_.size && sums_by_host_ && world_.host_of[rank_of(member)] == host)
          combine(call_.reduction, target, of(member) + at, count);
        if (target == of_host)
          combine(call_.reduction, sums, of_host, count);
      }
      std::memcpy(to + at, sums, bytes);
    }
    before += own;
  }
}

} // namespace

std::unique_ptr<WindowOperation> make_reduce_scatter(Context &ctx, World::Impl &world, Group &group, const CollectiveCall &call, bool is_shared) {
  return std::make_unique<ReduceScatter>(ctx, world, group, call, is_shared);
}

} // namespace dtcrt
