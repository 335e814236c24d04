// MPI's life, the ranks of a host, the shared window of their arenas, agreement on errors.
#include "comm/Placement.h"
#include "comm/WorldImpl.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

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
    int first = w.local_rank == 0;
    MPI_Allreduce(&first, &w.hosts, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  }
  w.allocate_control();
  w.make_group("", 0);
  w.make_group("data", 0);
}

World::~World() {
  Impl &w = *impl_;
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
  const std::size_t bytes =
      sizeof(Control) + sizeof(Ring) * static_cast<std::size_t>((max_axes + 1) * local_ranks) + alignof(Control);
  std::byte *base = nullptr;
  if (local_ranks > 1) {
    std::vector<std::byte *> bases;
    allocate_shared(local, local_rank == 0 ? bytes : 0, &control_window, bases);
    base = bases[0];
  } else {
    private_control = std::malloc(bytes);
    if (!private_control)
      throw std::bad_alloc();
    base = aligned(private_control, alignof(Control));
  }
  if (local_rank == 0)
    std::memset(static_cast<void *>(base), 0, bytes - alignof(Control));
  if (mpi)
    MPI_Barrier(local);
  control = reinterpret_cast<Control *>(base);
  rings = reinterpret_cast<Ring *>(base + sizeof(Control));
}

void World::Impl::make_group(const std::string &axis, int color) {
  Group group;
  group.axis = axis;
  const std::size_t number = groups.size();
  if (!mpi) {
    group.local = {0};
    group.ring = rings + number;
    groups.push_back(group);
    return;
  }
  MPI_Comm_split(MPI_COMM_WORLD, color, rank, &group.comm);
  MPI_Comm_set_errhandler(group.comm, MPI_ERRORS_RETURN);
  MPI_Comm_size(group.comm, &group.size);
  std::vector<int> colors(static_cast<std::size_t>(local_ranks));
  MPI_Allgather(&color, 1, MPI_INT, colors.data(), 1, MPI_INT, local);
  for (int r = 0; r < local_ranks; ++r)
    if (colors[static_cast<std::size_t>(r)] == color)
      group.local.push_back(r);
  group.is_leader = group.local.front() == local_rank;
  int leader = group.is_leader;
  MPI_Allreduce(&leader, &group.hosts, 1, MPI_INT, MPI_SUM, group.comm);
  MPI_Comm_split(group.comm, group.is_leader ? 0 : MPI_UNDEFINED, rank, &group.leaders);
  group.ring = rings + number * static_cast<std::size_t>(local_ranks) + static_cast<std::size_t>(group.local.front());
  groups.push_back(group);
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
    // Ranks that differ in this coordinate alone form a group; the others' coordinates name it.
    stride /= axis.size;
    const int coordinate = w.rank / stride % axis.size;
    w.make_group(axis.name, w.rank - coordinate * stride);
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
  std::byte *base = w.arenas[static_cast<std::size_t>(w.local_rank)];
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

bool World::fail() {
  Impl &w = *impl_;
  w.control->failed.store(1);
  return w.control->reported.exchange(1) == 0;
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
