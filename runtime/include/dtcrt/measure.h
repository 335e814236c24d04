// The main of a program that `dtc --calibrate` emits: times the calls of its roles' steps and the messages between ranks.
#pragma once

#include "dtcrt/program.h"

namespace dtcrt {

/// Runs the steps of the roles again and again on made-up data and writes how long each fragment took:
///
///     program [--seconds=S] --out=FILE.json        or under mpirun -n R
///
/// S (default 1) is how long each role is measured. The steps communicate nothing: rank i runs role i, then role i + R, ..., all ranks at
/// the same time, so that caches and memory are shared as in a step. With two ranks or more, messages from rank 0 to rank 1
/// are timed as well, when rank 1 waits for them: from the start of the send to the end of the receive.
///
///     {"format": "dtc-measurement", "version": 1, "cores": 2, "memory": bytes of the host, "ranks": R, "threads": of a rank,
///      "fragments": [{"role": "stage0", "name": "op3", "seconds": median, "runs": 120}, ...],
///      "messages": [{"bytes": 4096, "seconds": median}, ...]}
///
/// Returns the exit status: 0, or 2 after one line on stderr.
int measure(int argc, char **argv, const Plan &plan, const std::vector<Role> &roles);

/// In the place of a receive: values of both signs, at random, since branches in pools and kernels take the longer the less they are
/// foreseen; and fresh in the caches, as the receiver's copy is.
void receive_made_up(Context &ctx, const Tensor<f32> &tensor);
void receive_made_up(Context &ctx, const Tensor<bf16> &tensor);

/// All ranks do the same.
template <class Buffers>
int measure(int argc, char **argv, const Plan &plan, Binding (*bind)(Buffers &), void (*step)(Context &, Buffers &)) {
  return measure(argc, argv, plan, {role<Buffers>({.arena_bytes = plan.arena_bytes, .shared_bytes = plan.shared_bytes, .flops = plan.flops}, bind, step)});
}

} // namespace dtcrt
