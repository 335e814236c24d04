// Broadcast: all ranks get what one has.
#include "comm/Window.h"

#include <algorithm>
#include <cstring>

namespace dtcrt {

namespace {

/// MPI counts with an int.
constexpr std::size_t mpi_bytes = std::size_t(1) << 30;

class Broadcast final : public WindowOperation {
public:
  Broadcast(Context &ctx, World::Impl &world, Group &group, const CollectiveCall &call, bool is_shared)
      : WindowOperation(ctx, world, group, call, is_shared && group.hosts == 1) {}

protected:
  void work(const Transfer &tensor, std::size_t begin, std::size_t end) const override {
    const int root = member_at(static_cast<std::size_t>(call_.root));
    for (int member : group_.local)
      if (member != root)
        std::memcpy(to_of(member, tensor) + begin, from_of(root, tensor) + begin, end - begin);
  }

  void exchange() override {
    for (const Transfer &tensor : call_.tensors)
      for (std::size_t at = 0; at < tensor.bytes(); at += mpi_bytes)
        check_mpi(MPI_Ibcast(tensor.to + at, static_cast<int>(std::min(mpi_bytes, tensor.bytes() - at)), MPI_BYTE, call_.root, group_.comm,
                             &requests_.emplace_back()),
                  "start a broadcast");
  }
};

} // namespace

std::unique_ptr<WindowOperation> make_broadcast(Context &ctx, World::Impl &world, Group &group, const CollectiveCall &call, bool is_shared) {
  return std::make_unique<Broadcast>(ctx, world, group, call, is_shared);
}

} // namespace dtcrt
