// MPI's life, the ranks of a host, the groups of a mesh.
#include "comm/Compare.h"
#include "comm/Placement.h"
#include "comm/WorldImpl.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace dtcrt {

namespace {

/// A launcher has started this process as one of several. Otherwise MPI is left alone: a program for one device needs none.
bool is_launched() {
  for (const char *name : {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK", "PMI_SIZE", "MPI_LOCALNRANKS"})
    if (std::getenv(name))
      return true;
  return false;
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

World::World(int *argc, char ***argv) : World(start(argc, argv)) {
  // MPI runs: whatever fails from here on, the destructor ends it.
  Impl &w = *impl_;
  if (w.mpi) {
    const char *const parts = std::getenv("DTCRT_SPLIT_HOST");
    compare(*this, "the ranks were started differently: ", {{"DTCRT_SPLIT_HOST", parts ? parts : ""}});
    find_neighbours(parts ? std::max(1, std::atoi(parts)) : 1);
  }
  w.allocate_control(*this);
  w.make_group("", 0, 1, w.ranks);
  w.make_group("data", 0, 1, w.ranks);
}

World::World(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

std::unique_ptr<World::Impl> World::start(int *argc, char ***argv) {
  auto impl = std::make_unique<Impl>();
  Impl &w = *impl;
  w.mpi = is_launched();
#ifdef DTCRT_WITHOUT_MPI
  // Before run() catches anything: ranks that do not know of each other would each train alone.
  if (w.mpi) {
    std::fprintf(stderr, "this program was built without MPI and serves one rank: start it without mpirun, or build it where MPI is\n");
    std::exit(2);
  }
#endif
  if (!w.mpi)
    return impl;
  place_rank(*argv);
  leave_mpi_out_of_small_shared_memory(ranks_of_host());
  MPI_Init(argc, argv);
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  MPI_Comm_rank(MPI_COMM_WORLD, &w.rank);
  MPI_Comm_size(MPI_COMM_WORLD, &w.ranks);
  return impl;
}

/// Collective. `parts`: tests run the traffic between hosts on one machine.
void World::find_neighbours(int parts) {
  Impl &w = *impl_;
  check_mpi(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, w.rank, MPI_INFO_NULL, &w.local), "find the ranks of a host");
  MPI_Comm_rank(w.local, &w.local_rank);
  MPI_Comm_size(w.local, &w.local_ranks);
  w.host_ranks = w.local_ranks;
  if (parts > 1) {
    MPI_Comm part;
    check_mpi(MPI_Comm_split(w.local, w.local_rank * parts / w.local_ranks, w.rank, &part), "split a host");
    MPI_Comm_free(&w.local);
    w.local = part;
    MPI_Comm_rank(w.local, &w.local_rank);
    MPI_Comm_size(w.local, &w.local_ranks);
  }
  w.device_rank = w.local_rank;
  w.device_ranks = w.local_ranks;
  std::vector<int> members(static_cast<std::size_t>(w.local_ranks));
  MPI_Allgather(&w.rank, 1, MPI_INT, members.data(), 1, MPI_INT, w.local);
  w.local_of.assign(static_cast<std::size_t>(w.ranks), -1);
  for (std::size_t i = 0; i < members.size(); ++i)
    w.local_of[static_cast<std::size_t>(members[i])] = static_cast<int>(i);
  w.host_of.resize(static_cast<std::size_t>(w.ranks));
  MPI_Allgather(&members.front(), 1, MPI_INT, w.host_of.data(), 1, MPI_INT, MPI_COMM_WORLD);
  check_mpi(MPI_Comm_dup(MPI_COMM_WORLD, &w.messages), "prepare messages");
  MPI_Comm_set_errhandler(w.messages, MPI_ERRORS_RETURN);
  int first = w.local_rank == 0;
  MPI_Allreduce(&first, &w.hosts, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
}

World::~World() {
  Impl &w = *impl_;
  if (w.control)
    w.lifelines[w.local_rank].let_go();
  if (w.mpi)
    MPI_Finalize();
}

void World::Impl::make_group(std::string_view axis, int first, int stride, int size) {
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

bool World::Impl::is_shared(const void *data, std::size_t bytes) const {
  const auto *begin = static_cast<const std::byte *>(data);
  return !arenas.empty() && begin >= arena() && begin + bytes <= arena() + shared_bytes;
}

Group &World::Impl::group(std::string_view axis) {
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

int World::rank() const { return impl_->rank; }
int World::ranks() const { return impl_->ranks; }
int World::local_rank() const { return impl_->device_rank; }
int World::local_ranks() const { return impl_->device_ranks; }
const std::string &World::notice() const { return impl_->notice; }
int World::threads() const { return threads_of_rank(impl_->host_ranks); }

} // namespace dtcrt
