// The context of one rank: its threads, its backend, the parameters it knows.
#include "dtcrt/context.h"
#include "comm/Placement.h"
#include "cpu/Backend.h"
#include "dtcrt/world.h"

#include <omp.h>

namespace dtcrt {

Context::Context(int threads) : threads_(threads > 0 ? threads : threads_of_rank(1)) {
  omp_set_num_threads(threads_);
  backend_ = std::make_unique<Backend>();
}

Context::Context(World &world) : Context(world.threads()) {
  world_ = &world;
  rank_ = world.rank();
  ranks_ = world.ranks();
}

Context::~Context() = default;

void Context::declare_parameter(const void *data) { backend_->generations.emplace(data, 1); }

void Context::parameter_changed(const void *data) {
  if (!data) {
    for (auto &[parameter, generation] : backend_->generations)
      ++generation;
    return;
  }
  const auto found = backend_->generations.find(data);
  if (found != backend_->generations.end())
    ++found->second;
}

} // namespace dtcrt
