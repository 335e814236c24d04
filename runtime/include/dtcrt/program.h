// The one header of an emitted program: all runtime calls, and run(), its main.
#pragma once

#include "dtcrt/comm.h"
#include "dtcrt/context.h"
#include "dtcrt/convolution.h"
#include "dtcrt/kernel.h"
#include "dtcrt/loss.h"
#include "dtcrt/matmul.h"
#include "dtcrt/movement.h"
#include "dtcrt/optimizer.h"
#include "dtcrt/plan.h"
#include "dtcrt/pooling.h"
#include "dtcrt/reduction.h"
#include "dtcrt/tensor.h"

#include <memory>

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

/// The main of a training program: reads the command line (--help tells it), loads the data, initialises or loads the parameters,
/// trains, evaluates, saves. Returns the exit status: 0, or 2 after one line on stderr.
int run(int argc, char **argv, const Plan &plan, Program &program);

/// `step` trains on one global batch, `evaluate` (may be nullptr) computes loss and correct samples of one.
template <class Buffers>
int run(int argc, char **argv, const Plan &plan, Binding (*bind)(Buffers &), void (*step)(Context &, Buffers &),
        void (*evaluate)(Context &, Buffers &) = nullptr) {
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
  } program;
  program.bind_ = bind;
  program.step_ = step;
  program.evaluate_ = evaluate;
  return run(argc, argv, plan, program);
}

} // namespace dtcrt
