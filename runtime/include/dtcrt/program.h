// The one header of an emitted program: all runtime calls, and run(), its main.
#pragma once

#include "dtcrt/array.h"
#include "dtcrt/attention.h"
#include "dtcrt/cast.h"
#include "dtcrt/comm.h"
#include "dtcrt/context.h"
#include "dtcrt/convolution.h"
#include "dtcrt/gather.h"
#include "dtcrt/kernel.h"
#include "dtcrt/loss.h"
#include "dtcrt/matmul.h"
#include "dtcrt/movement.h"
#include "dtcrt/normalisation.h"
#include "dtcrt/plan.h"
#include "dtcrt/pooling.h"
#include "dtcrt/random.h"
#include "dtcrt/recurrent.h"
#include "dtcrt/reduction.h"
#include "dtcrt/sample_normalisation.h"
#include "dtcrt/tensor.h"
#include "dtcrt/trace.h"
#include "dtcrt/update.h"

#include <memory>
#include <string>
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
  virtual void predict(Context &ctx) = 0;
  virtual bool has_predict() const = 0;
};

/// What some of the ranks do: those at given coordinates of the mesh.
struct Role {
  std::string name{}; ///< for people: "stage0"
  /// Coordinates on the mesh axes; an axis that is not named: all of it.
  std::vector<MeshCoordinate> at{};
  std::size_t arena_bytes = 0;
  std::size_t shared_bytes = whole_arena; ///< as Plan's
  f64 flops = 0;         ///< of one rank in one step
  index local_batch = 0; ///< rows of its tensors; 0: the plan's
  /// Its first row of a global batch; -1: the rank's coordinate on the axis "data" times local_batch.
  index first_row = -1;
  std::shared_ptr<Program> program{};
};

namespace detail {
/// A function whose type is forgotten; it is called as what it is.
using AnyFunction = void (*)();

/// What is done with buffers of a type that is forgotten.
struct BuffersCalls {
  void *(*make)(Arena &arena);
  void (*destroy)(void *buffers);
  Binding (*bind)(AnyFunction function, void *buffers);
  void (*run)(AnyFunction function, Context &ctx, void *buffers);
};

template <class Buffers> struct CallsOf {
  static void *make(Arena &arena) { return new Buffers{arena}; }
  static void destroy(void *buffers) { delete static_cast<Buffers *>(buffers); }
  static Binding bind(AnyFunction function, void *buffers) {
    return reinterpret_cast<Binding (*)(Buffers &)>(function)(*static_cast<Buffers *>(buffers));
  }
  static void run(AnyFunction function, Context &ctx, void *buffers) {
    reinterpret_cast<void (*)(Context &, Buffers &)>(function)(ctx, *static_cast<Buffers *>(buffers));
  }
};

/// The facts with a program of these functions. Not a template: a program of many roles would be long in its compiler.
Role with_program(const Role &facts, const BuffersCalls &calls, AnyFunction bind, AnyFunction step, AnyFunction evaluate, AnyFunction predict);
} // namespace detail

/// A role with its buffers: role<stage0::Buffers>({.name = "stage0", .at = {{"pipe", 0}}, ...}, bind, step, evaluate, predict).
/// `step` trains on one global batch, `evaluate` computes loss and correct samples of one, `predict` the model's output for one. Either of
/// these may be nullptr, then for all roles.
template <class Buffers>
Role role(const Role &facts, Binding (*bind)(Buffers &), void (*step)(Context &, Buffers &), void (*evaluate)(Context &, Buffers &) = nullptr,
          void (*predict)(Context &, Buffers &) = nullptr) {
  using Calls = detail::CallsOf<Buffers>;
  return detail::with_program(facts, {Calls::make, Calls::destroy, Calls::bind, Calls::run}, reinterpret_cast<detail::AnyFunction>(bind),
                              reinterpret_cast<detail::AnyFunction>(step), reinterpret_cast<detail::AnyFunction>(evaluate),
                              reinterpret_cast<detail::AnyFunction>(predict));
}

/// The main of a training program: reads the command line (--help tells it), loads the data, initialises or loads the parameters,
/// trains, evaluates, predicts, saves. Returns the exit status: 0, or 2 after one line on stderr.
/// Every rank takes the role that fits its coordinates: exactly one does.
int run(int argc, char **argv, const Plan &plan, const std::vector<Role> &roles);

/// All ranks do the same.
int run(int argc, char **argv, const Plan &plan, Program &program);
template <class Buffers>
int run(int argc, char **argv, const Plan &plan, Binding (*bind)(Buffers &), void (*step)(Context &, Buffers &),
        void (*evaluate)(Context &, Buffers &) = nullptr, void (*predict)(Context &, Buffers &) = nullptr) {
  const Role facts{.arena_bytes = plan.arena_bytes, .shared_bytes = plan.shared_bytes, .flops = plan.flops};
  return run(argc, argv, plan, {role<Buffers>(facts, bind, step, evaluate, predict)});
}

} // namespace dtcrt
