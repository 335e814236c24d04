// dtc-verify-communication against mutants of correct pipelines: what is broken
// is refused, and what is accepted has the same traffic and no circle.
#include "CompiledPipelines.h"
#include "HappensBefore.h"
#include "PipelinePrograms.h"

#include "dialects/Dist/Dist.h"
#include "dtc/Partition/Passes.h"
#include "dtc/Partition/Timelines/Schedule.h"
#include "dtc/Pipelines/Registration.h"

#include "mlir/IR/Builders.h"
#include "mlir/Pass/PassManager.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::test;

namespace {

using Ops = std::vector<Operation *>;

class Mutants : public testing::Test {
protected:
  Mutants() {
    DialectRegistry registry;
    registerDialects(registry);
    context.appendDialectRegistry(registry);
    context.disableMultithreading();
  }

  /// The pass's verdict; its reports go to `report`.
  bool accepts(ModuleOp module) {
    report.clear();
    ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
      report += diagnostic.str() + "\n";
      for (Diagnostic &note : diagnostic.getNotes())
        report += "  " + note.str() + "\n";
    });
    PassManager manager(&context);
    manager.enableVerifier(false);
    manager.addPass(createVerifyCommunicationPass());
    bool accepted = succeeded(manager.run(module));
    EXPECT_EQ(accepted, report.empty());
    return accepted;
  }

  /// What must become of a mutant. One that may be harmless is accepted if and
  /// only if the oracle finds it safe; then its traffic is that of the original.
  enum class Fate { NoMutant, Refused, MayBeHarmless };
  using Change = llvm::function_ref<Fate(Operation *)>;

  /// Applies `change` to each op of each program in turn.
  void mutate(Change change);
  /// The same for each two ops of a timeline of these kinds, the first before
  /// the second.
  template <typename First, typename Second>
  void mutatePairs(llvm::function_ref<Fate(First, Second)> change);
  void check(ModuleOp program, ModuleOp mutant, Fate fate);

  MLIRContext context;
  std::string report;
  unsigned refused = 0, harmless = 0, cyclic = 0;
};

/// The ops of all timelines, in order.
Ops opsOf(ModuleOp module) {
  Ops ops;
  for (auto timeline : module.getOps<dist::TimelineOp>())
    for (Operation &op : timeline.getBody().front())
      ops.push_back(&op);
  return ops;
}

dist::WaitOp waitOf(Operation *start) { return cast<dist::WaitOp>(*start->user_begin()); }

/// True if two sends, or two receives, of one timeline cannot be told apart.
bool isOneMessage(Operation *a, Operation *b) { return a->getAttrs() == b->getAttrs(); }

void swapPlaces(Operation *a, Operation *b) {
  Operation *behindB = b->getNextNode();
  b->moveBefore(a);
  a->moveBefore(behindB);
}

/// What fragments compute does not matter here, and takes time to copy.
void emptyFragments(ModuleOp module) {
  for (auto fragment : module.getOps<dist::FragmentOp>()) {
    fragment.getReturn()->setOperands({});
    while (Operation *last = fragment.getReturn()->getPrevNode())
      last->erase();
  }
}

/// Every schedule as dtc compiles it, and pipelines written for this test: with
/// receives early and late, and collectives along both axes.
std::vector<OwningOpRef<ModuleOp>> programs(MLIRContext &context, int maxStages,
                                            int maxMicrobatches) {
  std::vector<OwningOpRef<ModuleOp>> result;
  OwningOpRef<ModuleOp> step = makeStep(context, 2 * maxStages + 1);
  for (int stages = 2; stages <= maxStages; ++stages)
    for (int microbatches = 1; microbatches <= maxMicrobatches; ++microbatches) {
      int data = microbatches % 2 + 1;
      for (const partition::Schedule &schedule : partition::allSchedules())
        result.push_back(
            compilePipeline(*step, {schedule.name.str(), data, stages, microbatches}));
      for (bool prefetch : {false, true})
        result.push_back(makePipeline(context, order1F1B(stages, microbatches),
                                      {.data = data, .skip = true, .prefetch = prefetch}));
    }
  for (OwningOpRef<ModuleOp> &program : result)
    emptyFragments(*program);
  return result;
}

void Mutants::check(ModuleOp program, ModuleOp mutant, Fate fate) {
  Verdict expected = judge(mutant);
  bool accepted = accepts(mutant);
  ASSERT_EQ(accepted, expected == Verdict::Safe) << report;
  if (accepted) {
    ++harmless;
    ASSERT_EQ(fate, Fate::MayBeHarmless);
    ASSERT_EQ(trafficOf(mutant), trafficOf(program));
    return;
  }
  ++refused;
  cyclic += expected == Verdict::Cyclic;
  ASSERT_EQ(expected == Verdict::Cyclic, report.find("waits forever") != std::string::npos) << report;
  // A report names the other end too.
  ASSERT_NE(report.find("\n  "), std::string::npos) << report;
}

void Mutants::mutate(Change change) {
  for (OwningOpRef<ModuleOp> &program : programs(context, 4, 4))
    for (size_t i = 0, count = opsOf(*program).size(); i < count; ++i) {
      OwningOpRef<ModuleOp> mutant = program->clone();
      Fate fate = change(opsOf(*mutant)[i]);
      if (fate != Fate::NoMutant) {
        ASSERT_NO_FATAL_FAILURE(check(*program, *mutant, fate)) << "op " << i;
      }
    }
}

template <typename First, typename Second>
void Mutants::mutatePairs(llvm::function_ref<Fate(First, Second)> change) {
  for (OwningOpRef<ModuleOp> &program : programs(context, 4, 4)) {
    Ops original = opsOf(*program);
    for (size_t i = 0; i < original.size(); ++i)
      for (size_t j = i + 1; j < original.size(); ++j) {
        if (original[i]->getBlock() != original[j]->getBlock())
          break;
        if (!isa<First>(original[i]) || !isa<Second>(original[j]))
          continue;
        OwningOpRef<ModuleOp> mutant = program->clone();
        Ops ops = opsOf(*mutant);
        Fate fate = change(cast<First>(ops[i]), cast<Second>(ops[j]));
        if (fate != Fate::NoMutant) {
          ASSERT_NO_FATAL_FAILURE(check(*program, *mutant, fate)) << "ops " << i << " and " << j;
        }
      }
  }
}

TEST_F(Mutants, CorrectProgramsPass) {
  for (OwningOpRef<ModuleOp> &program : programs(context, 4, 4)) {
    ASSERT_TRUE(program);
    EXPECT_EQ(judge(*program), Verdict::Safe);
    EXPECT_TRUE(accepts(*program)) << report;
  }
}

TEST_F(Mutants, SwappedSends) {
  mutatePairs<dist::SendStartOp, dist::SendStartOp>([](auto first, auto second) {
    swapPlaces(first, second);
    if (waitOf(first)->isBeforeInBlock(first))
      waitOf(first)->moveAfter(first);
    // A value that two stages of one device take goes there twice: the same program.
    if (isOneMessage(first, second)) {
      EXPECT_EQ(first.getValue(), second.getValue()) << first.getName().str();
      return Fate::MayBeHarmless;
    }
    // To different receivers, each still gets the same messages in the same order.
    return first.getPeer() == second.getPeer() ? Fate::Refused : Fate::MayBeHarmless;
  });
  EXPECT_GT(refused, 0u);
  EXPECT_GT(harmless, 0u);
}

TEST_F(Mutants, SwappedReceives) {
  mutatePairs<dist::RecvStartOp, dist::RecvStartOp>([](auto first, auto second) {
    if (isOneMessage(first, second))
      return Fate::NoMutant; // they are equal
    NamedAttrList attributes(first->getAttrs());
    first->setAttrs(second->getAttrs());
    second->setAttrs(attributes);
    // Of different senders: the waits change places too.
    return first.getPeer() == second.getPeer() ? Fate::Refused : Fate::MayBeHarmless;
  });
  EXPECT_GT(refused, 0u);
}

TEST_F(Mutants, DroppedReceive) {
  mutate([](Operation *op) {
    if (!isa<dist::RecvStartOp>(op))
      return Fate::NoMutant;
    dist::WaitOp wait = waitOf(op);
    OpBuilder builder(wait);
    wait->getResult(0).replaceAllUsesWith(
        dist::ZerosOp::create(builder, op->getLoc(), wait->getResult(0).getType(), "lost"));
    wait.erase();
    op->erase();
    return Fate::Refused;
  });
  EXPECT_GT(refused, 0u);
}

TEST_F(Mutants, DroppedSend) {
  mutate([](Operation *op) {
    if (!isa<dist::SendStartOp>(op))
      return Fate::NoMutant;
    waitOf(op).erase();
    op->erase();
    return Fate::Refused;
  });
  EXPECT_GT(refused, 0u);
}

TEST_F(Mutants, DroppedWait) {
  mutate([](Operation *op) {
    auto wait = dyn_cast<dist::WaitOp>(op);
    if (!wait || wait.getNumResults() != 0)
      return Fate::NoMutant;
    wait.erase();
    return Fate::Refused;
  });
  EXPECT_GT(refused, 0u);
}

TEST_F(Mutants, ChangedShape) {
  auto other = RankedTensorType::get({3, 5}, Float32Type::get(&context));
  mutate([&](Operation *op) {
    OpBuilder builder(op);
    if (auto receive = dyn_cast<dist::RecvStartOp>(op)) {
      receive.getPending().setType(dist::PendingType::get(&context, Type(other)));
      waitOf(op)->getResult(0).setType(other);
      return Fate::Refused;
    }
    if (auto send = dyn_cast<dist::SendStartOp>(op)) {
      send.getValueMutable().assign(
          dist::ZerosOp::create(builder, op->getLoc(), other, "other").getValue());
      return Fate::Refused;
    }
    return Fate::NoMutant;
  });
  EXPECT_GT(refused, 0u);
}

TEST_F(Mutants, ChangedMicrobatch) {
  mutate([](Operation *op) {
    auto change = [](auto message) {
      message.setMicrobatch(*message.getMicrobatch() + 1);
      return Fate::Refused;
    };
    if (auto send = dyn_cast<dist::SendStartOp>(op))
      return change(send);
    if (auto receive = dyn_cast<dist::RecvStartOp>(op))
      return change(receive);
    return Fate::NoMutant;
  });
  EXPECT_GT(refused, 0u);
}

TEST_F(Mutants, SwappedCollectives) {
  mutatePairs<CommunicationOpInterface, CommunicationOpInterface>([](auto first, auto second) {
    if (!first.isCollective() || !second.isCollective())
      return Fate::NoMutant;
    swapPlaces(first, second);
    return Fate::Refused; // the waits are in the old order
  });
  EXPECT_GT(refused, 0u);
}

TEST_F(Mutants, SwappedCollectivesWithTheirWaits) {
  mutatePairs<CommunicationOpInterface, CommunicationOpInterface>([](auto first, auto second) {
    if (!first.isCollective() || !second.isCollective())
      return Fate::NoMutant;
    dist::WaitOp waitA = waitOf(first), waitB = waitOf(second);
    swapPlaces(first, second);
    swapPlaces(waitA, waitB);
    // All ranks along "data" run this timeline: they change alike. Along "pipe"
    // the others do not.
    return first.getAxis() == "pipe" && second.getAxis() == "pipe" ? Fate::Refused
                                                                   : Fate::MayBeHarmless;
  });
  EXPECT_GT(refused, 0u);
  EXPECT_GT(harmless, 0u);
}

/// One stage does another thing than the others of its group.
TEST_F(Mutants, AnotherCollective) {
  mutate([](Operation *op) {
    auto sum = dyn_cast<dist::AllReduceStartOp>(op);
    if (!sum || sum.getAxis() != "pipe")
      return Fate::NoMutant;
    OpBuilder builder(op);
    auto given = dist::BroadcastStartOp::create(builder, op->getLoc(), sum.getPending().getType(), sum.getValues(), builder.getI64IntegerAttr(0),
                                                sum.getAxisAttr(), sum.getBucketAttr(), sum.getNamesAttr());
    sum.getPending().replaceAllUsesWith(given.getPending());
    sum.erase();
    return Fate::Refused;
  });
  EXPECT_GT(refused, 0u);
}

/// Ranks take the values of different ones of them.
TEST_F(Mutants, AnotherRoot) {
  mutate([](Operation *op) {
    auto given = dyn_cast<dist::BroadcastStartOp>(op);
    if (!given || given.getAxis() != "pipe")
      return Fate::NoMutant;
    given.setRoot(1);
    return Fate::Refused;
  });
  EXPECT_GT(refused, 0u);
}

TEST_F(Mutants, DroppedCollective) {
  mutate([](Operation *op) {
    auto start = dyn_cast<CommunicationOpInterface>(op);
    if (!start || !start.isCollective() || start.getAxis() != "pipe" || !waitOf(op)->use_empty())
      return Fate::NoMutant;
    waitOf(op).erase();
    op->erase();
    return Fate::Refused;
  });
  EXPECT_GT(refused, 0u);
}

/// A wait right behind its start: a rendezvous.
TEST_F(Mutants, EarlyWait) {
  mutate([](Operation *op) {
    if (!isa<CommunicationOpInterface>(op))
      return Fate::NoMutant;
    waitOf(op)->moveAfter(op);
    return Fate::MayBeHarmless;
  });
  EXPECT_GT(cyclic, 0u);
  EXPECT_GT(harmless, 0u);
}

/// All sends at once: 1F1B then has two stages that send to each other.
TEST_F(Mutants, EverySendAwaitedEarly) {
  for (OwningOpRef<ModuleOp> &program : programs(context, 4, 4)) {
    OwningOpRef<ModuleOp> mutant = program->clone();
    for (Operation *op : opsOf(*mutant))
      if (isa<dist::SendStartOp>(op))
        waitOf(op)->moveAfter(op);
    ASSERT_NO_FATAL_FAILURE(check(*program, *mutant, Fate::MayBeHarmless));
  }
  EXPECT_GT(cyclic, 0u);
  EXPECT_GT(harmless, 0u);
}

/// A send that starts only behind a later wait, one of the next three.
TEST_F(Mutants, LateSend) {
  mutate([](Operation *op) {
    auto send = dyn_cast<dist::SendStartOp>(op);
    if (!send)
      return Fate::NoMutant;
    SmallVector<Operation *> waits;
    for (Operation *later = op->getNextNode(); later; later = later->getNextNode())
      if (isa<dist::WaitOp>(later) && later != waitOf(send) && waits.size() < 3 &&
          later->isBeforeInBlock(waitOf(send)))
        waits.push_back(later);
    if (waits.empty())
      return Fate::NoMutant;
    op->moveAfter(waits[send.getMicrobatch().value_or(0) % waits.size()]);
    return Fate::MayBeHarmless;
  });
  EXPECT_GT(cyclic, 0u);
  EXPECT_GT(harmless, 0u);
}

} // namespace
