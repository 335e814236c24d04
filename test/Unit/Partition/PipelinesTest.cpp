// Pipelines give what the unpartitioned step gives: all schedules, any graph.
#include "dialects/NN/NN.h"
#include "dtc/Partition/PassOrder.h"
#include "dtc/Partition/Timelines/Schedule.h"
#include "dtc/Precision/Passes.h"
#include "dtc/Pipelines/Registration.h"
#include "test/Unit/Partition/SameStep.h"
#include "test/Unit/Partition/SmallModels.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"
#include "gtest/gtest.h"

#include <fstream>

using namespace mlir;
using namespace dtc;
using namespace dtc::reference;

namespace {

class Pipelines : public testing::Test {
protected:
  Pipelines() {
    DialectRegistry registry;
    registerDialects(registry);
    context.appendDialectRegistry(registry);
    context.disableMultithreading();
  }

  /// Makes the steps of a model, and runs them whole.
  void begin(StringRef model, int64_t batch) {
    module = test::makeSteps(context, model, batch);
    ASSERT_TRUE(module) << model.str();
    for (StringRef phase : {"train", "evaluate"}) {
      auto step = WholeStep::of(*module, phase);
      ASSERT_TRUE(succeeded(step));
      whole.insert_or_assign(phase.str(), std::move(*step));
    }
  }

  /// Partitions the steps and compares; gives whether that was possible.
  bool check(const PartitionOptions &options) {
    OwningOpRef<ModuleOp> partitioned = module->clone();
    PassManager partition(&context);
    buildPartitionPipeline(partition, options);
    if (failed(partition.run(*partitioned)))
      return false;
    shares = 0;
    for (auto timeline : partitioned->getOps<dist::TimelineOp>())
      for (unsigned i = 0; i < timeline.getArgumentTypes().size(); ++i)
        shares += timeline.getArgAttr(i, dist::names::shares) != nullptr;
    for (auto &[phase, step] : whole)
      expectSameStep(step, *partitioned, phase);
    return true;
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  std::map<std::string, WholeStep> whole;
  /// Arguments of which a rank has a part in what was checked last.
  unsigned shares = 0;
};

/// What GoogleTest prints when a combination fails.
std::string describe(const PartitionOptions &options) {
  std::string text = options.schedule + " of " + std::to_string(options.microbatches) +
                     " microbatches" + (options.recompute ? ", recomputing, on " : " on ") + options.mesh.str();
  return text;
}

PartitionOptions makeOptions(const partition::Schedule &schedule, int64_t stages,
                             int64_t microbatches, bool recompute) {
  PartitionOptions options;
  options.schedule = schedule.name.str();
  options.mesh = Mesh::line(Mesh::pipe, stages);
  options.microbatches = microbatches;
  options.recompute = recompute;
  options.bucketBytes = 100;
  options.stagesPerDevice = schedule.fewestStages;
  return options;
}

class OfModel : public Pipelines, public testing::WithParamInterface<test::SmallModel> {};

TEST_P(OfModel, GivesTheWholeStep) {
  ASSERT_NO_FATAL_FAILURE(begin(GetParam().text, 16));
  for (const partition::Schedule &schedule : partition::allSchedules())
    for (int64_t stages : {1, 2, 3, 4, 8})
      for (int64_t microbatches : {1, 2, 4, 8, 16})
        for (bool recompute : {false, true}) {
          PartitionOptions options = makeOptions(schedule, stages, microbatches, recompute);
          options.stagesPerDevice = schedule.usualStages;
          options.mesh = Mesh::line(Mesh::pipe, std::max<int64_t>(stages / schedule.usualStages, 1));
          SCOPED_TRACE(describe(options));
          EXPECT_TRUE(check(options));
          if (HasFailure())
            return;
        }
}

/// Replicas of pipelines that share the optimizer's state out, and gradient accumulation.
TEST_P(OfModel, GivesTheWholeStepWithStateInParts) {
  ASSERT_NO_FATAL_FAILURE(begin(GetParam().text, 16));
  for (const partition::Schedule &schedule : partition::allSchedules())
    for (StringRef mesh : {"data:2,pipe:2", "pipe:2,data:3", "data:4"}) {
      PartitionOptions options = makeOptions(schedule, 2, 4, false);
      options.mesh = llvm::cantFail(Mesh::parse(mesh));
      options.stagesPerDevice = schedule.usualStages;
      options.zero = 1;
      if (options.mesh.size(Mesh::data) == 3)
        options.microbatches = 3; // of six samples
      if (!options.isPipeline()) {
        if (!schedule.takesStages(1))
          continue;
        options.stagesPerDevice = 1;
      }
      SCOPED_TRACE(describe(options));
      EXPECT_TRUE(check(options));
      if (HasFailure())
        return;
    }
}

/// Between ranks without distance whatever can be spread is faster so: also next to shares of the batch, stages and state in parts.
TEST_P(OfModel, GivesTheWholeStepWithParametersInParts) {
  std::string cluster = testing::TempDir() + "/dtc_no_distance.yaml";
  std::ofstream(cluster) << "devices:\n  - {flops: 1e9, bandwidth: 1e18, memory: 8589934592}\nlink: {latency: 1e-15, bandwidth: 1e18}\n";
  ASSERT_NO_FATAL_FAILURE(begin(GetParam().text, 16));
  for (StringRef mesh : {"tensor:2", "tensor:4", "data:2,tensor:2", "tensor:2,data:2", "tensor:2,pipe:2", "data:2,tensor:2,pipe:2"})
    for (int64_t microbatches : {1, 4})
      for (int64_t zero : {0, 1}) {
        PartitionOptions options = makeOptions(*partition::scheduleNamed("1f1b"), 1, microbatches, false);
        options.mesh = llvm::cantFail(Mesh::parse(mesh));
        options.cluster = cluster;
        options.zero = zero;
        SCOPED_TRACE(describe(options) + (zero ? " with state in parts" : ""));
        EXPECT_TRUE(check(options));
        bool hasOddDimensionsAlone = StringRef(GetParam().name) == "residual";
        EXPECT_TRUE(shares > 0 || hasOddDimensionsAlone) << "nothing is spread";
        if (HasFailure())
          return;
      }
}

TEST_P(OfModel, GivesTheWholeStepWithABatchThatNothingDivides) {
  for (int64_t batch : {15, 13}) {
    ASSERT_NO_FATAL_FAILURE(begin(GetParam().text, batch));
    for (const partition::Schedule &schedule : partition::allSchedules())
      for (StringRef mesh : {"pipe:3", "data:2,pipe:2", "pipe:2,data:2", "data:3,pipe:2"}) {
        PartitionOptions options = makeOptions(schedule, 2, batch == 15 ? 4 : 2, false);
        options.mesh = llvm::cantFail(Mesh::parse(mesh));
        if (batch == 15 && options.mesh.size(Mesh::data) == 3)
          options.microbatches = 3; // five samples: 2, 2 and 1
        SCOPED_TRACE(describe(options));
        EXPECT_TRUE(check(options));
        if (HasFailure())
          return;
      }
  }
}

/// bf16 copies of parameters are made once, whatever the microbatches; in double they are the parameters.
TEST_P(OfModel, GivesTheWholeStepInMixedPrecision) {
  ASSERT_NO_FATAL_FAILURE(begin(GetParam().text, 16));
  PassManager lower(&context);
  lower.addPass(createLowerPrecisionPass());
  ASSERT_TRUE(succeeded(lower.run(*module)));
  for (const partition::Schedule &schedule : partition::allSchedules())
    for (StringRef mesh : {"pipe:3", "data:2,pipe:2", "data:4"})
      for (int64_t microbatches : {1, 4}) {
        PartitionOptions options = makeOptions(schedule, 2, microbatches, microbatches == 4);
        options.mesh = llvm::cantFail(Mesh::parse(mesh));
        options.stagesPerDevice = schedule.usualStages;
        if (!options.isPipeline()) {
          if (!schedule.takesStages(1))
            continue; // nothing is folded where there is one stage
          options.microbatches = options.stagesPerDevice = 1;
        }
        SCOPED_TRACE(describe(options));
        EXPECT_TRUE(check(options));
        if (HasFailure())
          return;
      }
}

INSTANTIATE_TEST_SUITE_P(Models, OfModel, testing::ValuesIn(test::smallModels()),
                         [](const testing::TestParamInfo<test::SmallModel> &info) {
                           return std::string(info.param.name);
                         });

TEST_F(Pipelines, GiveTheWholeStepOfRandomGraphs) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    std::string model = test::randomModel(seed, 8 + seed % 9);
    SCOPED_TRACE(model);
    ASSERT_NO_FATAL_FAILURE(begin(model, 6));
    unsigned number = seed;
    for (const partition::Schedule &schedule : partition::allSchedules()) {
      PartitionOptions options =
          makeOptions(schedule, 2 + number % 3, 1 + number % 3, number % 2 == 0);
      options.stagesPerDevice = schedule.usualStages;
      if (schedule.usualStages == 2)
        options.mesh = Mesh::line(Mesh::pipe, 2);
      if (number % 4 == 3)
        options.mesh.axes.insert(options.mesh.axes.begin(), {"data", 2});
      ++number;
      SCOPED_TRACE(describe(options));
      EXPECT_TRUE(check(options));
      if (HasFailure())
        return;
    }
  }
}

TEST_F(Pipelines, ShareABatchUnevenly) {
  ASSERT_NO_FATAL_FAILURE(begin(test::smallModels()[1].text, 16)); // the residual network
  for (const partition::Schedule &schedule : partition::allSchedules()) {
    PartitionOptions options = makeOptions(schedule, 2, 2, false);
    options.mesh.axes = {{"data", 2}, {"pipe", 2}};
    options.deviceSpeeds = {1, 1, 0.4, 0.4};
    SCOPED_TRACE(describe(options));
    EXPECT_TRUE(check(options));
  }
}

TEST_F(Pipelines, CutByHandWhereSkipsCross) {
  ASSERT_NO_FATAL_FAILURE(begin(test::smallModels()[2].text, 16)); // the U-Net
  for (std::vector<std::string> cut : {std::vector<std::string>{"in1"}, {"bottom"}, {"out2"}, {"out1"}}) {
    PartitionOptions options = makeOptions(partition::allSchedules().front(), 2, 4, true);
    options.cutAfter = cut;
    SCOPED_TRACE(cut.front());
    EXPECT_TRUE(check(options));
  }
}

} // namespace
