// Where the ranks of a host run: its cores, and which of them belong to which rank.
#pragma once

namespace dtcrt {

/// Worker threads of each of `local_ranks` ranks: the host's usable cores shared out, at least 1; DTCRT_THREADS overrides.
/// Throws Error when DTCRT_THREADS is not a positive number.
int threads_of_rank(int local_ranks);

/// Those that the host lets this program's ranks use together.
int cores_of_host();

/// Ranks that the launcher has started on this host, before MPI can say; 1 where it does not tell.
int ranks_of_host();

/// Gives this process its share of the host's cores, before MPI and OpenMP count them. A launcher that binds each rank to
/// one core leaves no room for its threads, so the binding is widened to cores/ranks cores a rank; with more ranks than
/// cores every rank may run anywhere. May start the program anew (exec): OpenMP decides at load how its threads wait.
/// DTCRT_PIN=off leaves the launcher's binding alone.
void place_rank(char **argv);

} // namespace dtcrt
