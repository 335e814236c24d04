// What measuring programs write, and what comes of it; the programs themselves as text.
#include "dtc/Calibrate/Measurement.h"
#include "dialects/RT/RT.h"
#include "dtc/Pipelines/Registration.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace dtc;

namespace {

std::string errorOf(llvm::StringRef text) {
  llvm::Expected<Measurement> measurement = parseMeasurement(text, "result.json");
  return measurement ? "no error" : llvm::toString(measurement.takeError());
}

constexpr const char *result = R"json({"format": "dtc-measurement", "version": 1, "cores": 2,
  "memory": 1024, "ranks": 2, "threads": 1,
  "fragments": [{"role": "a", "name": "op0", "seconds": 2, "runs": 1},
                {"role": "a", "name": "op1", "seconds": 3, "runs": 1},
                {"role": "b", "name": "op0", "seconds": 5, "runs": 1}],
  "messages": [{"bytes": 64, "seconds": 1e-6}]})json";

TEST(Measurement, GivesEachSignatureItsMean) {
  llvm::Expected<Measurement> measurement = parseMeasurement(result, "result.json");
  ASSERT_TRUE(bool(measurement)) << llvm::toString(measurement.takeError());
  EXPECT_EQ(measurement->cores, 2);
  EXPECT_EQ(measurement->messages.size(), 1u);
  std::map<std::string, OpWork, std::less<>> ops = {{"x", {}}, {"view", {OpFamily::View, 0, 0}}};
  auto seconds = secondsBySignature(
      *measurement, {{"a", "op0", "x"}, {"a", "op1", "y"}, {"b", "op0", "x"}}, ops);
  ASSERT_TRUE(bool(seconds)) << llvm::toString(seconds.takeError());
  // An op that became no call takes no time.
  std::map<std::string, double, std::less<>> expected = {{"x", 3.5}, {"y", 3}, {"view", 0}};
  EXPECT_EQ(*seconds, expected);
  auto missing = secondsBySignature(*measurement, {{"a", "op0", "x"}, {"b", "op1", "y"}}, ops);
  ASSERT_FALSE(bool(missing));
  EXPECT_EQ(llvm::toString(missing.takeError()), "the measuring program did not time 'op1' of b");
}

TEST(Measurement, IsRefusedUnlessWhole) {
  EXPECT_EQ(errorOf("{}"),
            "result.json: is no measurement: \"format\" is not dtc-measurement, version 1");
  EXPECT_EQ(errorOf(R"({"format": "dtc-measurement", "version": 1})"),
            "result.json: is no measurement: cores, memory, ranks, fragments or messages are missing");
  std::string text = result;
  text.replace(text.find("\"seconds\": 3"), 12, "\"seconds\":-3");
  EXPECT_EQ(errorOf(text), "result.json: is no measurement: a fragment needs role, name and "
                           "seconds of at least 0");
  EXPECT_NE(errorOf("["), "no error");
}

TEST(MeasureProgram, SplitsFragmentsAndIsSilent) {
  DialectRegistry registry;
  registerDialects(registry);
  MLIRContext context(registry);
  context.loadAllAvailableDialects();
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(R"mlir(
rt.program @stage1 attributes {model = "m", recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 8>, batch = 8 : i64, local_batch = 8 : i64, axes = ["pipe"], mesh = array<i64: 2>, at = {pipe = 1 : i64}} {
  %x = rt.buffer temporary "x" slots 2 : memref<4x8xf32>
  %y = rt.buffer temporary "y" slots 2 : memref<4x8xf32>
  rt.fragment @stage1_forward flops 0.0 bytes 0 {
    rt.call "copy"(%x) -> (%y) {rt.op = [0, "nn.pad"]} : (memref<4x8xf32>) -> memref<4x8xf32>
    rt.call "broadcast"(%x) -> (%y) {rt.op = [0, "nn.pad"]} : (memref<4x8xf32>) -> memref<4x8xf32>
    rt.call "softmax"(%y) -> (%x) {rt.op = [2, "nn.pad"]} : (memref<4x8xf32>) -> memref<4x8xf32>
    rt.all_reduce "sum" %x over "pipe" name "x" : memref<4x8xf32>
  }
  rt.fragment @stage1_evaluate_forward flops 0.0 bytes 0 {
    rt.call "copy"(%x) -> (%y) {rt.op = [0, "nn.pad"]} : (memref<4x8xf32>) -> memref<4x8xf32>
  }
  rt.timeline @step phase "train" {
    %p = rt.recv_start %x "x" from 0 over "pipe" microbatch 1 : memref<4x8xf32>
    rt.wait %p
    rt.run @stage1_forward microbatch 1
    %s = rt.send_start %y "y" to 0 over "pipe" microbatch 1 : memref<4x8xf32>
    rt.wait %s
  }
  rt.timeline @evaluate phase "evaluate" {
    rt.run @stage1_evaluate_forward microbatch 0
  }
}
)mlir",
                                                              &context);
  ASSERT_TRUE(module);
  std::vector<TimedFragment> fragments = makeMeasureProgram(*module);
  ASSERT_TRUE(succeeded(verify(*module)));
  // The two calls of the first op are one; an op like it is another.
  ASSERT_EQ(fragments.size(), 2u);
  for (const TimedFragment &fragment : fragments) {
    EXPECT_EQ(fragment.role, "stage1");
    EXPECT_EQ(fragment.signature, "nn.pad");
  }
  std::string text;
  module->walk([&](Operation *op) {
    if (auto call = dyn_cast<rt::CallOp>(op))
      text += call.getCallee().str() + " ";
    else if (auto run = dyn_cast<rt::RunOp>(op))
      text += "run " + run.getFragment().str() + " " + std::to_string(*run.getMicrobatch()) + " ";
    else if (isa<rt::WaitOp, rt::SendStartOp, rt::RecvStartOp, rt::AllReduceOp>(op))
      text += "communication ";
  });
  EXPECT_EQ(text, "copy broadcast softmax receive_made_up run op0 1 run op1 1 ");
}

} // namespace
