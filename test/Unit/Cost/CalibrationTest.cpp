// Calibration finds the rates that made the times, and takes noise.
#include "dtc/Cost/Calibration.h"
#include "dtc/Cost/Time.h"

#include "gtest/gtest.h"

#include <cmath>
#include <random>

using namespace dtc;

namespace {

const Rate &rateOf(const Device &device, OpFamily family) {
  return device.families[*ratePosition(family)];
}

/// Matrix products and elementwise maps of growing size, some bound by FLOPs, some by
/// bytes, as `device` runs them.
std::vector<MeasuredCall> callsOn(const Device &device) {
  std::vector<MeasuredCall> calls;
  for (double size : {4, 16, 64, 256, 1024, 4096}) {
    for (double inner : {1, 16, 256})
      calls.push_back({OpFamily::Matmul, 2 * size * size * inner,
                       4 * (size * size + 2 * size * inner), 0});
    calls.push_back({OpFamily::Elementwise, size * size, 12 * size * size, 0});
  }
  for (MeasuredCall &call : calls)
    call.seconds = secondsOf(device, call.family, call.flops, call.bytes);
  return calls;
}

Device someDevice() {
  Device device = Cluster::defaultCPU().devices.front();
  device.families[*ratePosition(OpFamily::Matmul)] = {9e10, 1.5e10, 4e-6};
  device.families[*ratePosition(OpFamily::Elementwise)] = {7e10, 2e10, 1e-6};
  return device;
}

void expectNear(const Rate &got, const Rate &want, double share) {
  EXPECT_NEAR(got.flopsPerSecond, want.flopsPerSecond, share * want.flopsPerSecond);
  EXPECT_NEAR(got.bytesPerSecond, want.bytesPerSecond, share * want.bytesPerSecond);
  EXPECT_NEAR(got.overheadSeconds, want.overheadSeconds, share * want.overheadSeconds);
}

TEST(Calibration, FindsTheRatesThatMadeTheTimes) {
  Device device = someDevice();
  std::vector<MeasuredCall> calls = callsOn(device);
  Device start = Cluster::defaultCPU().devices.front();
  llvm::Expected<Device> found = calibrate(start, calls);
  ASSERT_TRUE(bool(found)) << llvm::toString(found.takeError());
  expectNear(rateOf(*found, OpFamily::Matmul), rateOf(device, OpFamily::Matmul), 1e-6);
  // Elementwise calls are never bound by FLOPs; bytes and overhead are seen.
  Rate elementwise = rateOf(*found, OpFamily::Elementwise);
  EXPECT_NEAR(elementwise.bytesPerSecond, 2e10, 2e4);
  EXPECT_NEAR(elementwise.overheadSeconds, 1e-6, 1e-12);
  EXPECT_LT(meanError(*found, calls), 1e-6);
  // Families without calls stay.
  EXPECT_EQ(rateOf(*found, OpFamily::Pooling), rateOf(start, OpFamily::Pooling));
}

TEST(Calibration, TakesNoise) {
  Device device = someDevice();
  std::mt19937 engine(1);
  std::vector<MeasuredCall> calls;
  for (unsigned repeat = 0; repeat < 5; ++repeat)
    for (MeasuredCall call : callsOn(device)) {
      call.seconds *= std::exp(0.1 * std::normal_distribution<double>()(engine));
      calls.push_back(call);
    }
  llvm::Expected<Device> found = calibrate(Cluster::defaultCPU().devices.front(), calls);
  ASSERT_TRUE(bool(found)) << llvm::toString(found.takeError());
  expectNear(rateOf(*found, OpFamily::Matmul), rateOf(device, OpFamily::Matmul), 0.15);
  EXPECT_LT(meanError(*found, calls), 0.1);
}

TEST(Calibration, KeepsWhatCallsDoNotShow) {
  // Copies have no FLOPs.
  std::vector<MeasuredCall> calls = {{OpFamily::Movement, 0, 1e3, 1e-6 + 1e-6},
                                     {OpFamily::Movement, 0, 1e6, 1e-6 + 1e-3}};
  Device start = Cluster::defaultCPU().devices.front();
  llvm::Expected<Device> found = calibrate(start, calls);
  ASSERT_TRUE(bool(found));
  expectNear(rateOf(*found, OpFamily::Movement),
             {rateOf(start, OpFamily::Movement).flopsPerSecond, 1e9, 1e-6}, 1e-6);
}

TEST(Calibration, OfLinks) {
  std::vector<MeasuredMessage> messages;
  for (double bytes : {0., 4., 1e3, 1e5, 1e7})
    messages.push_back({bytes, 3e-6 + bytes / 4e9});
  llvm::Expected<Link> link = calibrateLink(messages);
  ASSERT_TRUE(bool(link)) << llvm::toString(link.takeError());
  EXPECT_NEAR(link->latencySeconds, 3e-6, 1e-12);
  EXPECT_NEAR(link->bytesPerSecond, 4e9, 4e3);
}

TEST(Calibration, RefusesWhatSaysNothing) {
  Device start = Cluster::defaultCPU().devices.front();
  auto errorOf = [](auto expected) {
    return expected ? "no error" : llvm::toString(expected.takeError());
  };
  EXPECT_EQ(errorOf(calibrate(start, {{OpFamily::Loss, 10, 10, 0}})),
            "a measured time of loss is not a finite number above 0");
  EXPECT_EQ(errorOf(calibrate(start, {{OpFamily::Loss, 10, 10, 1}, {OpFamily::Loss, 1000, 1000, 0.5}})),
            "the times of loss do not grow with its work: measure larger calls");
  EXPECT_EQ(errorOf(calibrate(start, {{OpFamily::View, 10, 10, 1}})),
            "a call was measured that takes no time on a device");
  EXPECT_EQ(errorOf(calibrateLink({{64, 1e-6}, {64, 2e-6}})),
            "messages of one size do not tell latency from bandwidth: measure two sizes");
  EXPECT_EQ(errorOf(calibrateLink({})),
            "messages of one size do not tell latency from bandwidth: measure two sizes");
}

} // namespace
