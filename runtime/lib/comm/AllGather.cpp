// All-gather: all ranks get the parts of all.
#include "comm/Window.h"

#include <algorithm>
#include <cstring>

namespace dtcrt {

namespace {

class AllGather final : public WindowOperation {
public:
  AllGather(Context &ctx, World::Impl &world, Group &group, const CollectiveCall &call, bool is_shared)
      : WindowOperation(ctx, world, group, call, is_shared && group.hosts == 1) {}

protected:
  void work(const Transfer &tensor, std::size_t begin, std::size_t end) const override {
    for (std::size_t at = begin, bytes; at < end; at += bytes) {
      const std::size_t owner = at / tensor.part_bytes(), part = owner * tensor.part_bytes();
      bytes = std::min(end - at, part + tensor.part_bytes() - at);
      const std::byte *const source = from_of(member_at(owner), tensor) + (at - part);
      for (int member : group_.local)
        std::memcpy(to_of(member, tensor) + at, source, bytes);
    }
  }

  void exchange() override {
    const int own = group_.coordinate;
    const auto place = [](const Transfer &tensor, int of) { return tensor.to + static_cast<std::size_t>(of) * tensor.part_bytes(); };
    for (int other = 0; other < group_.size; ++other)
      for (const Transfer &tensor : call_.tensors)
        if (other != own)
          receive(group_.comm, other, place(tensor, other), tensor.part_bytes(other));
        else if (const std::size_t bytes = tensor.part_bytes(own))
          std::memcpy(place(tensor, own), tensor.from, bytes);
    for (int turn = 1; turn < group_.size; ++turn)
      for (const Transfer &tensor : call_.tensors)
        send(group_.comm, (own + turn) % group_.size, tensor.from, tensor.part_bytes(own));
  }
};

} // namespace

std::unique_ptr<WindowOperation> make_all_gather(Context &ctx, World::Impl &world, Group &group, const CollectiveCall &call, bool is_shared) {
  return std::make_unique<AllGather>(ctx, world, group, call, is_shared);
}

} // namespace dtcrt
