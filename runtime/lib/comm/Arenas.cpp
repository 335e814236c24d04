// Memory of a rank: what the ranks of a host share, what is its own; who is whose neighbour where nothing can be shared.
#include "comm/Agreement.h"
#include "comm/Gather.h"
#include "comm/WorldImpl.h"

#include <algorithm>
#include <cstring>

namespace dtcrt {

namespace {

std::size_t aligned(std::size_t bytes) { return (bytes + 63) / 64 * 64; }

} // namespace

/// Collective. `of[r]` becomes the memory of local rank r, the first `shared` bytes of it seen by all ranks of the host; of this
/// rank's own there are `bytes`. "", or on all ranks why some host has no room; then nothing has changed.
std::string World::Impl::share(World &world, std::size_t bytes, std::size_t shared, std::vector<Mapping> &of) {
  std::unique_ptr<SharedFile> file;
  std::vector<Mapping> made(static_cast<std::size_t>(local_ranks));
  std::string problem = try_together(world, [&] { file = std::make_unique<SharedFile>(local_ranks > 1 ? shared : 0, local_ranks); });
  if (!problem.empty())
    return problem;
  const std::vector<std::string> files = all_gather(world, file->name() + '\n' + std::to_string(shared));
  together(world, [&] {
    if (bytes > 0) {
      Mapping &own = made[static_cast<std::size_t>(local_rank)];
      own = Mapping::own(bytes);
      file->map_over(own);
    }
  });
  problem = try_together(world, [&] {
    for (std::size_t r = 0; r < files.size(); ++r) {
      const std::size_t end = files[r].find('\n');
      if (const int local = local_of[r]; local >= 0 && local != local_rank && end > 0)
        made[static_cast<std::size_t>(local)] = Mapping::of_file(files[r].substr(0, end), std::stoull(files[r].substr(end + 1)));
    }
  });
  if (problem.empty())
    of = std::move(made);
  return problem;
}

void World::Impl::allocate_control(World &world) {
  const auto parts = [&](std::size_t count) {
    struct Offsets {
      std::size_t bells, rings, channels, lifelines, end;
    } at{};
    at.bells = sizeof(Control);
    at.rings = at.bells + sizeof(Doorbell) * count;
    at.channels = at.rings + sizeof(Ring) * (max_axes + 1) * count;
    at.lifelines = at.channels + sizeof(Channel) * count * count;
    at.end = at.lifelines + sizeof(Lifeline) * count;
    return at;
  };
  auto at = parts(static_cast<std::size_t>(local_ranks));
  const std::size_t own = local_rank == 0 ? at.end : 0;
  if (std::string problem = share(world, own, own, control_memory); !problem.empty()) {
    // As if each rank had a host of its own.
    notice = problem;
    local_rank = 0;
    local_ranks = 1;
    hosts = ranks;
    local_of.assign(static_cast<std::size_t>(ranks), -1);
    local_of[static_cast<std::size_t>(rank)] = 0;
    at = parts(1);
    together(world, [&] {
      control_memory.clear();
      control_memory.push_back(Mapping::own(at.end));
    });
  }
  std::byte *const base = control_memory[0].base();
  lifelines = reinterpret_cast<Lifeline *>(base + at.lifelines);
  if (local_rank == 0)
    std::for_each(lifelines, lifelines + local_ranks, [](Lifeline &line) { line.prepare(); });
  world.agree("");
  lifelines[local_rank].hold();
  bells = reinterpret_cast<Doorbell *>(base + at.bells);
  rings = reinterpret_cast<Ring *>(base + at.rings);
  channels = reinterpret_cast<Channel *>(base + at.channels);
  // From here on waits look after the others: all hold their lifelines.
  world.agree("");
  control = reinterpret_cast<Control *>(base);
}

Arena World::allocate(std::size_t bytes, std::size_t shared_bytes) {
  Impl &w = *impl_;
  if (w.arena_bytes != 0)
    throw std::logic_error("a world has one arena");
  const std::size_t rounded = aligned(std::max<std::size_t>(bytes, 64));
  std::vector<Mapping> made;
  std::size_t shared = std::min(rounded, aligned(std::min(shared_bytes, rounded)));
  if (std::string problem = w.share(*this, rounded, shared, made); !problem.empty()) {
    w.notice = problem;
    shared = 0;
    together(*this, [&] {
      made.resize(static_cast<std::size_t>(w.local_ranks));
      made[static_cast<std::size_t>(w.local_rank)] = Mapping::own(rounded);
    });
  }
  w.arena_memory = std::move(made);
  w.arena_bytes = rounded;
  w.shared_bytes = shared;
  for (const Mapping &memory : w.arena_memory)
    w.arenas.push_back(memory.base());
  // Touched: what is missing is missing now.
  std::memset(static_cast<void *>(w.arena()), 0, rounded);
  barrier();
  return Arena(w.arena(), bytes);
}

} // namespace dtcrt
