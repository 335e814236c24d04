// What tests say to the emulation: the order in which a block's threads advance, and whether streams run ahead.
//
// The same by environment variables, read at the first call:
//   CUDA_EMULATION_ORDER            ascending (default), descending, random or random:SEED
//   CUDA_EMULATION_STREAMS          eager (default): work is done when it is enqueued; lazy: not before somebody waits for it;
//                                   newest: when somebody waits for anything, first that of the streams that were made last
//   CUDA_EMULATION_DEVICES          devices there are (default 1); 0: none
//   CUDA_EMULATION_DRIVER           CUDA version of the driver, 1000 major + 10 minor; 0: no driver
//   CUDA_EMULATION_MEMORY           bytes of a device's memory (default 8 GiB)
//   CUDA_EMULATION_MULTIPROCESSORS  multiprocessors of a device (default 2)
//   CUDA_EMULATION_EPILOGUES        all (default); forward: cuBLASLt has no algorithm for those of backward
//   CUDA_EMULATION_NAN              kept (default); dropped: activations in cuDNN and cuBLASLt make 0 of it
//   CUDA_EMULATION_PROTECT          1: only kernels and copies may touch device memory, the host's own access is an error
//   CUDA_EMULATION_RECORD           a file: its name, a dot and the rank is where each kernel and communication is told when it runs
//   CUDA_EMULATION_KILL             RANK:N: the process of that rank dies (SIGKILL) behind its N-th kernel
//   CUDA_EMULATION_NCCL             kill:RANK:N    the process of that rank dies in the middle of its N-th communication
//                                   error:RANK:N   that communication fails by itself: it never ends, and its communicator tells of an error
//                                   connect:RANK:N that rank's N-th communicator cannot be made
// Ranks are those of the launcher: OMPI_COMM_WORLD_RANK, PMIX_RANK, PMI_RANK or SLURM_PROCID.
#pragma once

#include <functional>
#include <string>

namespace cuda_emulation {

/// The order in which the threads of a block are advanced from barrier to barrier.
enum class Order { ascending, descending, random };
void set_order(Order order, unsigned seed = 0);

/// eager: an operation runs when it is enqueued. lazy: when something waits for it (a synchronisation, an event, a copy), and
/// graphs run each branch as late as they may. newest: whenever something is waited for, the stream that was made last runs as far as
/// events let it, and so on to the first; graphs run communication as early as they may. A missing dependency between streams then shows
/// as a wrong result: lazily when it is that of work that others need, else when it is that of work that needs others.
/// While a host waits, communication goes on in all of its streams: other processes may wait for it.
enum class Streams { eager, lazy, newest };
void set_streams(Streams streams);

/// What the last failed kernel did wrong; empty if none did.
const std::string &last_failure();

/// Operations executed since the program began, in order; for tests of what a step launches.
struct Counts {
  unsigned long kernels = 0, copies = 0, fills = 0, graphs = 0;
};
const Counts &counts();

} // namespace cuda_emulation
