// The recorded events as JSON: every rank prints its own, rank 0 writes them behind each other.
#include "comm/Agreement.h"
#include "comm/Gather.h"
#include "core/Probe.h"
#include "core/Roles.h"
#include "io/File.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <numeric>

namespace dtcrt {

namespace {

using json = nlohmann::json;
using Kind = TraceEvent::Kind;

std::string quoted(const std::string &text) { return json(text).dump(-1, ' ', true, json::error_handler_t::replace); }

/// Nanoseconds as microseconds.
std::string microseconds(i64 nanoseconds) {
  char text[40];
  std::snprintf(text, sizeof text, "%s%lld.%03lld", nanoseconds < 0 ? "-" : "", static_cast<long long>(std::abs(nanoseconds) / 1000),
                static_cast<long long>(std::abs(nanoseconds) % 1000));
  return text;
}

std::string named(const char *what, int pid, const char *argument, const std::string &value, int tid = -1) {
  return std::string("{\"ph\":\"M\",\"name\":\"") + what + "\",\"pid\":" + std::to_string(pid) +
         (tid < 0 ? "" : ",\"tid\":" + std::to_string(tid)) + ",\"args\":{\"" + argument + "\":" + value + "}}";
}

/// The thread of every event: 0 for computation; for communication the first of the following on which none is under way.
std::vector<int> threads_of(const std::vector<TraceEvent> &events) {
  std::vector<std::size_t> order(events.size());
  std::iota(order.begin(), order.end(), std::size_t(0));
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return events[a].start < events[b].start; });
  std::vector<int> threads(events.size(), 0);
  std::vector<i64> ends; // of the last event on each thread
  for (const std::size_t i : order) {
    if (!text_of(events[i].kind).is_communication)
      continue;
    const auto free = std::find_if(ends.begin(), ends.end(), [&](i64 end) { return end <= events[i].start; });
    threads[i] = static_cast<int>(free - ends.begin()) + 1;
    if (free == ends.end())
      ends.push_back(events[i].end);
    else
      *free = events[i].end;
  }
  return threads;
}

std::string arguments(const TraceEvent &event) {
  std::string text;
  const auto add = [&](const char *name, const std::string &value) { text += (text.empty() ? "\"" : ",\"") + std::string(name) + "\":" + value; };
  if (event.step > 0)
    add("step", std::to_string(event.step));
  if (event.microbatch >= 0)
    add("microbatch", std::to_string(event.microbatch));
  if (*event.part)
    add("kind", quoted(event.part));
  if (event.stage >= 0)
    add("stage", std::to_string(event.stage));
  if (event.kind == Kind::step || event.kind == Kind::evaluation)
    add("busy_us", microseconds(event.busy));
  if (event.kind == Kind::step || event.kind == Kind::evaluation || event.kind == Kind::wait)
    add("blocked_us", microseconds(event.blocked));
  if (text_of(event.kind).is_communication) {
    add("bytes", std::to_string(event.bytes));
    add("axis", quoted(event.axis));
    if (event.peer >= 0) {
      add("peer", std::to_string(event.peer));
      add("peer_rank", std::to_string(event.peer_rank));
    }
    add("message", quoted(event.name));
  }
  return text;
}

} // namespace

KindText text_of(Kind kind) {
  switch (kind) {
  case Kind::step:
    return {"step", "step", false};
  case Kind::evaluation:
    return {"evaluation", "", false};
  case Kind::data:
    return {"data", "", false};
  case Kind::fragment:
    return {"fragment", "", false};
  case Kind::wait:
    return {"wait", "wait", false};
  case Kind::send:
    return {"send", "send", true};
  case Kind::receive:
    return {"receive", "receive", true};
  case Kind::all_reduce:
    return {"all_reduce", "all-reduce", true};
  case Kind::reduce_scatter:
    return {"reduce_scatter", "reduce-scatter", true};
  case Kind::all_gather:
    return {"all_gather", "all-gather", true};
  case Kind::all_to_all:
    return {"all_to_all", "all-to-all", true};
  case Kind::broadcast:
    return {"broadcast", "broadcast", true};
  }
  return {};
}

/// This rank's entry in otherData.
std::string Probe::summary(const Plan &plan, const Role &role) const {
  json at = json::object();
  for (const MeshAxis &axis : plan.mesh)
    at[std::string(axis.name)] = coordinate_of(plan, world_.rank(), axis.name);
  i64 steps = 0, duration = 0, busy = 0, blocked = 0;
  for (const TraceEvent &event : events_)
    if (event.kind == Kind::step) {
      ++steps;
      duration += event.end - event.start;
      busy += event.busy;
      blocked += event.blocked;
    }
  return "{\"rank\":" + std::to_string(world_.rank()) + ",\"role\":" + quoted(role.name) +
         ",\"at\":" + at.dump(-1, ' ', true, json::error_handler_t::replace) + ",\"flops\":" + json(role.flops).dump() +
         ",\"steps\":" + std::to_string(steps) + ",\"step_us\":" + microseconds(duration) + ",\"busy_us\":" + microseconds(busy) +
         ",\"blocked_us\":" + microseconds(blocked) + ",\"dropped_events\":" + std::to_string(dropped_) + "}";
}

/// This rank's events, with the names of its rows, each with a comma and a newline before it.
std::string Probe::events() const {
  const std::string separator = ",\n";
  const int rank = world_.rank();
  const std::vector<int> threads = threads_of(events_);
  std::string text;
  const int last_thread = threads.empty() ? 0 : *std::max_element(threads.begin(), threads.end());
  for (int thread = 0; thread <= std::max(last_thread, 1); ++thread) {
    const std::string name = thread == 0 ? "compute" : thread == 1 ? "communication" : "communication " + std::to_string(thread);
    text += separator + named("thread_name", rank, "name", quoted(name), thread);
    text += separator + named("thread_sort_index", rank, "sort_index", std::to_string(thread), thread);
  }
  for (std::size_t i = 0; i < events_.size(); ++i) {
    const TraceEvent &event = events_[i];
    const KindText kind = text_of(event.kind);
    text += separator + "{\"ph\":\"X\",\"cat\":\"" + kind.category + "\",\"name\":" + quoted((*kind.word ? std::string(kind.word) + " " : "") + event.name) +
            ",\"pid\":" + std::to_string(rank) + ",\"tid\":" + std::to_string(threads[i]) + ",\"ts\":" + microseconds(event.start - origin_) +
            ",\"dur\":" + microseconds(event.end - event.start) + ",\"args\":{" + arguments(event) + "}}";
  }
  return text;
}

void Probe::write(const std::string &path, const Plan &plan, const Role &role) const {
  const int rank = world_.rank();
  std::string own, own_summary;
  together(world_, [&] {
    own = named("process_name", rank, "name", quoted("rank " + std::to_string(rank) + (role.name.empty() ? "" : ": " + role.name))) + ",\n" +
          named("process_sort_index", rank, "sort_index", std::to_string(rank)) + events();
    own_summary = summary(plan, role);
  });
  const std::vector<std::string> summaries = all_gather(world_, own_summary), sizes = all_gather(world_, std::to_string(own.size()));
  std::string text; // of another rank, on rank 0
  const auto bring = [&](int owner) {
    const std::size_t bytes = std::stoull(sizes[static_cast<std::size_t>(owner)]);
    bring_to_first(world_, owner, bytes, [&]() -> void * {
      if (rank != 0)
        return own.data();
      text.resize(bytes);
      return text.data();
    });
  };
  together(world_, [&] {
    if (rank != 0) {
      for (int owner = 1; owner < world_.ranks(); ++owner)
        bring(owner);
      return;
    }
    write_whole(path, [&](const auto &put) {
      const auto print = [&](const std::string &part) { put(part.data(), part.size()); };
      print("{\"displayTimeUnit\":\"ms\",\n\"otherData\":{\"format\":\"dtc-trace\",\"version\":1,\"model\":" + quoted(plan.model) +
            ",\"strategy\":" + quoted(plan.strategy) + ",\"batch\":" + std::to_string(plan.batch) + ",\"ranks\":[");
      for (std::size_t r = 0; r < summaries.size(); ++r)
        print((r ? ",\n" : "\n") + summaries[r]);
      print("]},\n\"traceEvents\":[\n" + own);
      for (int owner = 1; owner < world_.ranks(); ++owner) {
        bring(owner);
        print(",\n" + text);
      }
      print("\n]}\n");
    });
  });
}

} // namespace dtcrt
