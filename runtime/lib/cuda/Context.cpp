// The context of one rank and its GPU.
#include "dtcrt/context.h"
#include "comm/Placement.h"
#include "cuda/Backend.h"
#include "cuda/Network.h"
#include "dtcrt/world.h"

namespace dtcrt {

Context::Context(int threads) : threads_(threads > 0 ? threads : threads_of_rank(1)), backend_(std::make_unique<Backend>(0, 1)) {}

Context::Context(World &world)
    : rank_(world.rank()), ranks_(world.ranks()), threads_(world.threads()), world_(&world),
      backend_(std::make_unique<Backend>(world.local_rank(), world.local_ranks())) {}

Context::~Context() = default;

void Context::declare_parameter(const void *data) { backend_->generations.emplace(data, 1); }

void Context::parameter_changed(const void *data) {
  if (data == nullptr)
    for (auto &[parameter, generation] : backend_->generations)
      ++generation;
  else if (const auto found = backend_->generations.find(data); found != backend_->generations.end())
    ++found->second;
}

cudaStream_t device::stream(Context &ctx) { return ctx.backend().compute; }
int device::multiprocessors(Context &ctx) { return ctx.backend().multiprocessors; }

} // namespace dtcrt
