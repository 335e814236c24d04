// MPI's life, the ranks of a host, the shared window of their arenas, agreement on errors.
#include "comm/Placement.h"
#include "comm/WorldImpl.h"

#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <thread>

namespace dtcrt {

namespace {

/// A launcher has started this process as one of several. Otherwise MPI is left alone: a program for one device needs none.
bool is_launched() {
  for (const char *name : {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK", "PMI_SIZE", "MPI_LOCALNRANKS"})
    if (std::getenv(name))
      return true;
  return false;
}

std::byte *aligned(void *base, std::size_t alignment) {
  const auto address = reinterpret_cast<std::uintptr_t>(base);
  return reinterpret_cast<std::byte *>((address + alignment - 1) / alignment * alignment);
}

/// A window of which this rank brings `bytes`; `bases` receives every local rank's part.
void allocate_shared(MPI_Comm local, std::size_t bytes, MPI_Win *window, std::vector<std::byte *> &bases) {
  MPI_Info info;
  MPI_Info_create(&info);
  MPI_Info_set(info, "alloc_shared_noncontig", "true"); // each part on pages of its own, near its rank
  void *base = nullptr;
  const int status = MPI_Win_allocate_shared(static_cast<MPI_Aint>(bytes), 1, info, local, &base, window);
  MPI_Info_free(&info);
  check_mpi(status, "allocate a shared-memory window");
  int ranks = 0;
  MPI_Comm_size(local, &ranks);
  bases.resize(static_cast<std::size_t>(ranks));
  for (int r = 0; r < ranks; ++r) {
    MPI_Aint size = 0;
    int unit = 0;
    check_mpi(MPI_Win_shared_query(*window, r, &size, &unit, &base), "find a peer's shared memory");
    bases[static_cast<std::size_t>(r)] = aligned(base, 64);
  }
}

} // namespace

void check_mpi(int status, const char *what) {
  if (status == MPI_SUCCESS)
    return;
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  MPI_Error_string(status, text, &length);
  throw Error(std::string("MPI could not ") + what + ": " + text);
}

World::World(int *argc, char ***argv) : impl_(std::make_unique<Impl>()) {
  Impl &w = *impl_;
  w.mpi = is_launched();
#ifdef DTCRT_WITHOUT_MPI
  // Before run() catches anything: ranks that do not know of each other would each train alone.
  if (w.mpi) {
    std::fprintf(stderr, "this program was built without MPI and serves one rank: start it without mpirun, or build it where MPI is\n");
    std::exit(2);
  }
#endif
  if (w.mpi) {
    place_rank(*argv);
    MPI_Init(argc, argv);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_rank(MPI_COMM_WORLD, &w.rank);
    MPI_Comm_size(MPI_COMM_WORLD, &w.ranks);
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, w.rank, MPI_INFO_NULL, &w.local);
    MPI_Comm_rank(w.local, &w.local_rank);
    MPI_Comm_size(w.local, &w.local_ranks);
    w.host_ranks = w.local_ranks;
    // Tests run the traffic between hosts on one machine.
    if (const char *parts = std::getenv("DTCRT_SPLIT_HOST")) {
      const int count = std::max(1, std::atoi(parts));
      MPI_Comm part;
      MPI_Comm_split(w.local, w.local_rank * count / w.local_ranks, w.rank, &part);
      MPI_Comm_free(&w.local);
      w.local = part;
      MPI_Comm_rank(w.local, &w.local_rank);
      MPI_Comm_size(w.local, &w.local_ranks);
    }
    std::vector<int> members(static_cast<std::size_t>(w.local_ranks));
    MPI_Allgather(&w.rank, 1, MPI_INT, members.data(), 1, MPI_INT, w.local);
    w.local_of.assign(static_cast<std::size_t>(w.ranks), -1);
    for (std::size_t i = 0; i < members.size(); ++i)
      w.local_of[static_cast<std::size_t>(members[i])] = static_cast<int>(i);
    MPI_Comm_dup(MPI_COMM_WORLD, &w.messages);
    MPI_Comm_set_errhandler(w.messages, MPI_ERRORS_RETURN);
    int first = w.local_rank == 0;
    MPI_Allreduce(&first, &w.hosts, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  }
  w.allocate_control();
  w.make_group("", 0, 1, w.ranks);
  w.make_group("data", 0, 1, w.ranks);
}

World::~World() {
  Impl &w = *impl_;
  w.lifelines[w.local_rank].let_go();
  if (w.mpi) {
    if (w.arena_window != MPI_WIN_NULL)
      MPI_Win_free(&w.arena_window);
    if (w.control_window != MPI_WIN_NULL)
      MPI_Win_free(&w.control_window);
    MPI_Finalize();
  }
  std::free(w.private_arena);
  std::free(w.private_control);
}

void World::Impl::allocate_control() {
  const auto local_count = static_cast<std::size_t>(local_ranks);
  const std::size_t bells_at = sizeof(Control), rings_at = bells_at + sizeof(Doorbell) * local_count,
                    channels_at = rings_at + sizeof(Ring) * (max_axes + 1) * local_count,
                    lifelines_at = channels_at + sizeof(Channel) * local_count * local_count,
                    bytes = lifelines_at + sizeof(Lifeline) * local_count;
  std::byte *base = nullptr;
  if (local_ranks > 1) {
    std::vector<std::byte *> bases;
    allocate_shared(local, local_rank == 0 ? bytes + alignof(Control) : 0, &control_window, bases);
    base = bases[0];
  } else {
    private_control = std::malloc(bytes + alignof(Control));
    if (!private_control)
      throw std::bad_alloc();
    base = aligned(private_control, alignof(Control));
  }
  lifelines = reinterpret_cast<Lifeline *>(base + lifelines_at);
  if (local_rank == 0) {
    std::memset(static_cast<void *>(base), 0, bytes);
    std::for_each(lifelines, lifelines + local_ranks, [](Lifeline &line) { line.prepare(); });
  }
  if (mpi)
    MPI_Barrier(local);
  lifelines[local_rank].hold();
  control = reinterpret_cast<Control *>(base);
  bells = reinterpret_cast<Doorbell *>(base + bells_at);
  rings = reinterpret_cast<Ring *>(base + rings_at);
  channels = reinterpret_cast<Channel *>(base + channels_at);
}

void World::Impl::make_group(const std::string &axis, int first, int stride, int size) {
  Group group;
  group.axis = axis;
  group.number = static_cast<int>(groups.size());
  group.first = first;
  group.stride = stride;
  group.coordinate = (rank - first) / stride;
  group.size = size;
  if (!mpi) {
    group.local = {0};
    groups.push_back(group);
    return;
  }
  MPI_Comm_split(MPI_COMM_WORLD, first, rank, &group.comm);
  MPI_Comm_set_errhandler(group.comm, MPI_ERRORS_RETURN);
  for (int member = 0; member < size; ++member)
    if (const int local_member = local_of[static_cast<std::size_t>(first + member * stride)]; local_member >= 0)
      group.local.push_back(local_member);
  group.is_leader = group.local.front() == local_rank;
  int leader = group.is_leader;
  MPI_Allreduce(&leader, &group.hosts, 1, MPI_INT, MPI_SUM, group.comm);
  MPI_Comm_split(group.comm, group.is_leader ? 0 : MPI_UNDEFINED, rank, &group.leaders);
  groups.push_back(group);
}

bool World::Impl::in_arena(const void *data, std::size_t bytes) const {
  const auto *begin = static_cast<const std::byte *>(data);
  return !arenas.empty() && begin >= arena() && begin + bytes <= arena() + arena_bytes;
}

Group &World::Impl::group(const char *axis) {
  for (Group &group : groups)
    if (group.axis == axis)
      return group;
  throw std::logic_error("the mesh has no axis '" + std::string(axis) + "'");
}

void World::set_mesh(const std::vector<MeshAxis> &mesh) {
  if (mesh.empty())
    return;
  Impl &w = *impl_;
  int product = 1;
  for (const MeshAxis &axis : mesh)
    product *= axis.size;
  if (product != w.ranks || mesh.size() > max_axes)
    throw std::logic_error("the mesh does not hold the ranks");
  w.groups.resize(1);
  int stride = w.ranks;
  for (const MeshAxis &axis : mesh) {
    // Ranks that differ in this coordinate alone form a group.
    stride /= axis.size;
    const int coordinate = w.rank / stride % axis.size;
    w.make_group(axis.name, w.rank - coordinate * stride, stride, axis.size);
  }
}

Arena World::allocate(std::size_t bytes) {
  Impl &w = *impl_;
  if (w.arena_bytes != 0)
    throw std::logic_error("a world has one arena");
  const std::size_t rounded = std::max<std::size_t>(bytes, 64);
  if (w.local_ranks > 1) {
    allocate_shared(w.local, rounded + 64, &w.arena_window, w.arenas);
  } else {
    constexpr std::size_t huge_page = std::size_t(2) << 20;
    const std::size_t whole = (rounded + huge_page - 1) / huge_page * huge_page;
    w.private_arena = std::aligned_alloc(huge_page, whole);
    if (!w.private_arena)
      throw Error("no memory for the arena of " + std::to_string(bytes >> 20) + " MiB");
    madvise(w.private_arena, whole, MADV_HUGEPAGE);
    w.arenas = {static_cast<std::byte *>(w.private_arena)};
  }
  w.arena_bytes = rounded;
  std::byte *base = w.arena();
  std::memset(static_cast<void *>(base), 0, rounded);
  if (w.mpi)
    MPI_Barrier(w.local);
  return Arena(base, bytes);
}

void World::agree(const std::string &error) {
  Impl &w = *impl_;
  if (!w.mpi) {
    if (!error.empty())
      throw AgreedError(error);
    return;
  }
  int mine = error.empty() ? w.ranks : w.rank, first = w.ranks;
  MPI_Allreduce(&mine, &first, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
  if (first == w.ranks)
    return;
  int length = static_cast<int>(error.size());
  MPI_Bcast(&length, 1, MPI_INT, first, MPI_COMM_WORLD);
  std::string text = error;
  text.resize(static_cast<std::size_t>(length));
  MPI_Bcast(text.data(), length, MPI_CHAR, first, MPI_COMM_WORLD);
  throw AgreedError(text);
}

void World::barrier() {
  if (impl_->mpi)
    MPI_Barrier(MPI_COMM_WORLD);
}

double World::broadcast(double value) {
  if (impl_->mpi)
    MPI_Bcast(&value, 1, MPI_DOUBLE, 0, MPI_COMM_WORLD);
  return value;
}

int World::Impl::dead_rank() {
  for (std::size_t r = 0; r < local_of.size(); ++r)
    if (const int local = local_of[r]; local >= 0 && local != local_rank && lifelines[local].is_cut())
      return static_cast<int>(r);
  return -1;
}

void World::Impl::check_peers() {
  if (control->failed.load())
    throw PeerFailure();
  if (const int dead = dead_rank(); dead >= 0)
    throw RankDied(dead);
}

void World::fail(const std::function<void()> &tell) {
  Impl &w = *impl_;
  if (w.control->reported.exchange(1) != 0)
    return;
  tell();
  w.control->failed.store(1);
  for (int peer = 0; peer < w.local_ranks; ++peer)
    ring(w.bells[peer]);
}

void World::leave(int status) {
  Impl &w = *impl_;
  if (w.dead_rank() < 0)
    return;
  // A launcher may end all ranks when the first one does: the one that tells why comes first.
  for (int turn = 0; turn < 1000 && !w.control->failed.load(); ++turn)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  std::fflush(nullptr);
  std::_Exit(status);
}

void World::abandon() {
  if (impl_->mpi && impl_->hosts > 1)
    MPI_Abort(MPI_COMM_WORLD, 2);
}

int World::rank() const { return impl_->rank; }
int World::ranks() const { return impl_->ranks; }
int World::local_rank() const { return impl_->local_rank; }
int World::local_ranks() const { return impl_->local_ranks; }
int World::threads() const { return threads_of_rank(impl_->host_ranks); }

} // namespace dtcrt
