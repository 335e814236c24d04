// Lifetimes of buffers: one walk over all timelines in order.
#include "Lifetimes.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::plan;

bool Lifetimes::isKept(rt::BufferOp buffer) {
  return buffer.getKind() != rt::BufferKind::Temporary &&
         buffer.getKind() != rt::BufferKind::Bucket && buffer.getKind() != rt::BufferKind::Output;
}

/// The fragment in which alone `memory` and its views are used; null if others
/// use it, or the timeline itself.
static Operation *findOnlyUser(Value memory) {
  Operation *only = nullptr;
  SmallVector<Value> work = {memory};
  while (!work.empty())
    for (Operation *user : work.pop_back_val().getUsers()) {
      if (auto view = dyn_cast<rt::ViewOp>(user)) {
        work.push_back(view.getMemory());
        continue;
      }
      auto fragment = user->getParentOfType<rt::FragmentOp>();
      if (!fragment || (only && only != fragment))
        return nullptr;
      only = fragment;
    }
  return only;
}

Lifetimes::Lifetimes(rt::ProgramOp program) {
  SymbolTable symbols(program);
  for (auto buffer : program.getOps<rt::BufferOp>())
    if (!isKept(buffer))
      if (Operation *user = findOnlyUser(buffer.getMemory()))
        onlyUser[buffer] = user;
  for (auto op : program.getOps<rt::TimelineOp>()) {
    for (Operation &step : op.getBody().front())
      visit(&step, {}, symbols);
    // The runtime reads an output when the timeline is over.
    for (auto &[buffer, ofBuffer] : instances)
      if (cast<rt::BufferOp>(buffer).getKind() == rt::BufferKind::Output)
        for (Instance &instance : ofBuffer)
          if (instance.timeline == timeline)
            instance.interval.last = now;
    ++timeline;
  }
  always = {{0, now + 1}};
  for (auto &[buffer, ofBuffer] : instances) {
    Intervals &merged = intervals[buffer];
    for (const Instance &instance : ofBuffer)
      if (Interval interval = instance.interval; !merged.empty() && interval.first <= merged.back().last)
        merged.back().last = std::max(merged.back().last, interval.last);
      else
        merged.push_back(interval);
  }
}

void Lifetimes::visit(Operation *op, const Run &run, const SymbolTable &fragments) {
  if (auto runOp = dyn_cast<rt::RunOp>(op)) {
    auto fragment = fragments.lookup<rt::FragmentOp>(runOp.getFragment());
    Run inside{runOp.getMicrobatch(), now};
    for (Operation &call : fragment.getBody().front())
      visit(&call, inside, fragments);
    return;
  }
  ++now;
  if (isa<rt::LaunchOp>(op))
    moments[op].push_back(now);
  std::optional<int64_t> microbatch = run.microbatch;
  if (auto number = op->getAttrOfType<IntegerAttr>("microbatch"))
    microbatch = number.getInt();
  for (Value operand : op->getOperands()) {
    // A buffer belongs to its communication until the wait.
    Operation *start = operand.getDefiningOp();
    if (start && isa<rt::PendingType>(operand.getType())) {
      auto number = start->getAttrOfType<IntegerAttr>("microbatch");
      for (Value communicated : start->getOperands())
        touch(communicated, number ? std::optional(number.getInt()) : std::nullopt, run);
    } else {
      touch(operand, microbatch, run);
    }
  }
}

void Lifetimes::touch(Value memory, std::optional<int64_t> microbatch, const Run &run) {
  rt::BufferOp buffer = rt::rootBuffer(memory);
  if (!buffer || (isKept(buffer) && !buffer.getSlots()))
    return;
  int64_t instance = 0;
  if (buffer.getSlots())
    instance = microbatch.value_or(0);
  else if (onlyUser.lookup(buffer))
    instance = run.number;
  // One of those that were born last, which are under way.
  auto &known = instances[buffer];
  for (Instance &candidate : llvm::reverse(known))
    if (candidate.timeline == timeline && candidate.number == instance) {
      candidate.interval.last = now;
      return;
    }
  known.push_back({timeline, instance, {now, now}});
}

const Lifetimes::Intervals &Lifetimes::of(rt::BufferOp buffer) const {
  if (isKept(buffer))
    return always;
  auto found = intervals.find(buffer);
  return found == intervals.end() ? never : found->second;
}

bool Lifetimes::overlap(const Intervals &a, const Intervals &b) {
  for (size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    if (a[i].first <= b[j].last && b[j].first <= a[i].last)
      return true;
    a[i].last < b[j].last ? ++i : ++j;
  }
  return false;
}

int64_t Lifetimes::slotsOf(rt::BufferOp buffer, int64_t most) const {
  auto found = instances.find(buffer);
  if (found == instances.end())
    return 1;
  const auto &ofBuffer = found->second;
  auto collide = [&](int64_t slots) {
    // Microbatches that would share a slot, in the order of time.
    SmallVector<std::tuple<int64_t, int64_t, int64_t>> order; // slot, first, last
    for (const auto &[timeline, microbatch, interval] : ofBuffer)
      order.push_back({microbatch % slots, interval.first, interval.last});
    llvm::sort(order);
    for (size_t i = 1; i < order.size(); ++i)
      if (std::get<0>(order[i]) == std::get<0>(order[i - 1]) &&
          std::get<1>(order[i]) <= std::get<2>(order[i - 1]))
        return true;
    return false;
  };
  int64_t slots = 1;
  while (slots < most && collide(slots))
    ++slots;
  return slots;
}

bool Lifetimes::endsAsBegins(rt::LaunchOp launch, rt::BufferOp source, rt::BufferOp target) const {
  const Intervals &dying = of(source), &born = of(target);
  return llvm::all_of(moments.lookup(launch), [&](int64_t moment) {
    return llvm::any_of(dying, [&](Interval i) { return i.last == moment; }) &&
           llvm::any_of(born, [&](Interval i) { return i.first == moment; });
  });
}

void Lifetimes::join(rt::BufferOp source, rt::BufferOp target) {
  Intervals both = intervals[source];
  for (Interval interval : intervals[target]) {
    auto before = llvm::find_if(both, [&](Interval i) { return i.last == interval.first; });
    if (before != both.end())
      before->last = interval.last;
    else
      both.push_back(interval);
  }
  llvm::sort(both, [](Interval a, Interval b) { return a.first < b.first; });
  intervals[source] = std::move(both);
  intervals.erase(target);
}
