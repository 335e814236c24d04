// All-to-all: each rank gets its part of what each has.
#include "comm/Window.h"

#include <algorithm>
#include <cstring>

namespace dtcrt {

namespace {

class AllToAll final : public WindowOperation {
public:
  AllToAll(Context &ctx, World::Impl &world, Group &group, const CollectiveCall &call, bool is_shared)
      : WindowOperation(ctx, world, group, call, is_shared && group.hosts == 1) {}

protected:
  /// These bytes of all members' results: part s comes from the member with coordinate s.
  void work(const Transfer &tensor, std::size_t begin, std::size_t end) const override {
    const std::size_t part_bytes = part_of(tensor);
    for (std::size_t at = begin, bytes; at < end; at += bytes) {
      const std::size_t sender = at / part_bytes, part = sender * part_bytes;
      bytes = std::min(end - at, part + part_bytes - at);
      const std::byte *const source = from_of(member_at(sender), tensor) + (at - part);
      for (std::size_t receiver = 0; receiver < group_.local.size(); ++receiver)
        std::memcpy(to_of(member_at(receiver), tensor) + at, source + receiver * part_bytes, bytes);
    }
  }

  void exchange() override {
    const int own = group_.coordinate;
    const auto place = [&](std::byte *data, const Transfer &tensor, int of) { return data + static_cast<std::size_t>(of) * part_of(tensor); };
    for (int other = 0; other < group_.size; ++other)
      for (const Transfer &tensor : call_.tensors)
        if (other != own)
          receive(group_.comm, other, place(tensor.to, tensor, other), part_of(tensor));
        else
          std::memcpy(place(tensor.to, tensor, own), place(tensor.from, tensor, own), part_of(tensor));
    for (int turn = 1; turn < group_.size; ++turn)
      for (const Transfer &tensor : call_.tensors) {
        const int other = (own + turn) % group_.size;
        send(group_.comm, other, place(tensor.from, tensor, other), part_of(tensor));
      }
  }

private:
  std::size_t part_of(const Transfer &tensor) const { return tensor.bytes() / static_cast<std::size_t>(group_.size); }
};

} // namespace

std::unique_ptr<WindowOperation> make_all_to_all(Context &ctx, World::Impl &world, Group &group, const CollectiveCall &call, bool is_shared) {
  return std::make_unique<AllToAll>(ctx, world, group, call, is_shared);
}

} // namespace dtcrt
