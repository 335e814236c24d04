// The one header of an emitted program: all runtime calls, and run(), its main.
#pragma once

#include "dtcrt/cast.h"
#include "dtcrt/comm.h"
#include "dtcrt/context.h"
#include "dtcrt/convolution.h"
#include "dtcrt/kernel.h"
#include "dtcrt/loss.h"
#include "dtcrt/matmul.h"
#include "dtcrt/movement.h"
#include "dtcrt/normalisation.h"
#include "dtcrt/plan.h"
#include "dtcrt/pooling.h"
#include "dtcrt/reduction.h"
#include "dtcrt/tensor.h"
#include "dtcrt/trace.h"
#include "dtcrt/update.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace dtcrt {

/// A program with its buffers' type forgotten.
class Program {
public:
  virtual ~Program() = default;
  /// Lays the buffers out in the arena and says what they are. Called once, before the others.
  virtual Binding bind(Arena &arena) = 0;
  virtual void step(Context &ctx) = 0;
  virtual void evaluate(Context &ctx) = 0;
  virtual bool has_evaluate() const = 0;
};

/// What some of the ranks do: those at given coordinates of the mesh.
struct Role {
  std::string name{}; ///< for people: "stage0"
  /// Coordinates on the mesh axes; an axis that is not named: all of it.
  std::vector<std::pair<std::string, int>> at{};
  std::size_t arena_bytes = 0;
  std::size_t shared_bytes = whole_arena; ///< as Plan's
  f64 flops = 0;         ///< of one rank in one step
  index local_batch = 0; ///< rows of its tensors; 0: the plan's
  /// Its first row of a global batch; -1: the rank's coordinate on the axis "data" times local_batch.
  index first_row = -1;
  std::shared_ptr<Program> program{};
};

/// A role with its buffers: role<stage0::Buffers>({.name = "stage0", .at = {{"pipe", 0}}, ...}, bind, step, evaluate).
/// `step` trains on one global batch, `evaluate` (may be nullptr, then for all roles) computes loss and correct samples of one.
template <class Buffers>
Role role(Role facts, Binding (*bind)(Buffers &), void (*step)(Context &, Buffers &), void (*evaluate)(Context &, Buffers &) = nullptr) {
  struct Typed final : Program {
    Binding (*bind_)(Buffers &);
    void (*step_)(Context &, Buffers &);
    void (*evaluate_)(Context &, Buffers &);
    std::unique_ptr<Buffers> buffers;

    Binding bind(Arena &arena) override {
      buffers.reset(new Buffers{arena});
      return bind_(*buffers);
    }
    void step(Context &ctx) override { step_(ctx, *buffers); }
    void evaluate(Context &ctx) override { evaluate_(ctx, *buffers); }
    bool has_evaluate() const override { return evaluate_ != nullptr; }
  };
  auto program = std::make_shared<Typed>();
  program->bind_ = bind;
  program->step_ = step;
  program->evaluate_ = evaluate;
  facts.program = std::move(program);
  return facts;
}

/// The main of a training program: reads the command line (--help tells it), loads the data, initialises or loads the parameters,
/// trains, evaluates, saves. Returns the exit status: 0, or 2 after one line on stderr.
/// Every rank takes the role that fits its coordinates: exactly one does.
int run(int argc, char **argv, const Plan &plan, const std::vector<Role> &roles);

/// All ranks do the same.
int run(int argc, char **argv, const Plan &plan, Program &program);
template <class Buffers>
int run(int argc, char **argv, const Plan &plan, Binding (*bind)(Buffers &), void (*step)(Context &, Buffers &),
        void (*evaluate)(Context &, Buffers &) = nullptr) {
  return run(argc, argv, plan, {role<Buffers>({.arena_bytes = plan.arena_bytes, .shared_bytes = plan.shared_bytes, .flops = plan.flops}, bind, step, evaluate)});
}

} // namespace dtcrt
