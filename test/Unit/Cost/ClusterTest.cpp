// Cluster files: what they mean, that they come back as they went, and every refusal to the word.
#include "dtc/Cost/Cluster.h"

#include "gtest/gtest.h"

using namespace dtc;

namespace {

std::string errorOf(llvm::StringRef text) {
  llvm::Expected<Cluster> cluster = parseCluster(text, "cluster.yaml");
  return cluster ? "no error" : llvm::toString(cluster.takeError());
}

const Rate &rateOf(const Device &device, OpFamily family) {
  return device.families[*ratePosition(family)];
}

TEST(Cluster, ReadsYAML) {
  llvm::Expected<Cluster> cluster = parseCluster(R"(# two fast, one slow
devices:
  - count: 2
    flops: 5e10
    bandwidth: 1e10
    memory: 8589934592
    overhead: 2e-6
    families:
      matmul: {flops: 7e10}
      pooling: {efficiency: 0.2, bandwidth: 5e9, overhead: 1e-6}
  - {flops: 1e10, bandwidth: 2e9, memory: 1e9, speed: 0.5}
link: {latency: 3e-6, bandwidth: 4e9}
links:
  - {between: [2, 0], latency: 0, bandwidth: 1e9}
)",
                                                 "cluster.yaml");
  ASSERT_TRUE(bool(cluster)) << llvm::toString(cluster.takeError());
  ASSERT_EQ(cluster->devices.size(), 3u);
  EXPECT_EQ(cluster->devices[0], cluster->devices[1]);
  const Device &fast = cluster->deviceOf(1), &slow = cluster->deviceOf(2);
  EXPECT_EQ(fast.memoryBytes, 8589934592);
  EXPECT_EQ(rateOf(fast, OpFamily::Matmul), (Rate{7e10, 1e10, 2e-6}));
  EXPECT_EQ(rateOf(fast, OpFamily::Pooling), (Rate{1e10, 5e9, 1e-6}));
  EXPECT_EQ(rateOf(fast, OpFamily::Optimizer), (Rate{5e10, 1e10, 2e-6}));
  EXPECT_EQ(slow.speed, 0.5);
  EXPECT_EQ(rateOf(slow, OpFamily::Convolution), (Rate{1e10, 2e9, 0}));
  EXPECT_EQ(cluster->linkBetween(0, 1), (Link{3e-6, 4e9}));
  EXPECT_EQ(cluster->linkBetween(0, 2), (Link{0, 1e9}));
  EXPECT_EQ(cluster->linkBetween(2, 0), (Link{0, 1e9}));
}

TEST(Cluster, ReadsJSONWithKeysInAnyOrder) {
  llvm::Expected<Cluster> cluster = parseCluster(
      R"({"link": {"bandwidth": 4e9, "latency": 1e-6},
          "devices": [{"families": {"loss": {"efficiency": 0.5}},
                       "bandwidth": 1e10, "flops": 4e10, "memory": 1024}]})",
      "cluster.json");
  ASSERT_TRUE(bool(cluster)) << llvm::toString(cluster.takeError());
  EXPECT_EQ(rateOf(cluster->deviceOf(7), OpFamily::Loss), (Rate{2e10, 1e10, 0}));
}

TEST(Cluster, ReadsWhatItWrites) {
  Cluster cluster = Cluster::defaultCPU();
  cluster.devices.resize(3, cluster.devices.front());
  cluster.devices[2].speed = 1.0 / 3;
  cluster.devices[2].families[0].overheadSeconds = 0.1;
  cluster.pairs.push_back({0, 2, {1e-7, 123456789.125}});
  cluster.cores = 3;
  cluster.devices[2].measured.set("nn.relu {a = \"b\\c\"} (tensor<8xf32>) -> (tensor<8xf32>)", 1.0 / 7);
  cluster.devices[2].measured.set(std::string(5000, 'x'), 0);
  std::string text;
  llvm::raw_string_ostream os(text);
  writeCluster(cluster, os);
  llvm::Expected<Cluster> again = parseCluster(text, "written");
  ASSERT_TRUE(bool(again)) << llvm::toString(again.takeError()) << "\n" << text;
  EXPECT_EQ(*again, cluster) << text;
}

TEST(Cluster, DefaultIsOneEntryForAllDevices) {
  Cluster cluster = Cluster::defaultCPU();
  EXPECT_FALSE(bool(cluster.checkDeviceCount(64)));
  for (const Rate &rate : cluster.devices.front().families) {
    EXPECT_GT(rate.flopsPerSecond, 0);
    EXPECT_GT(rate.bytesPerSecond, 0);
  }
}

TEST(Cluster, CountsItsDevices) {
  Cluster cluster = Cluster::defaultCPU();
  cluster.devices.resize(2, cluster.devices.front());
  EXPECT_FALSE(bool(cluster.checkDeviceCount(2)));
  EXPECT_EQ(llvm::toString(cluster.checkDeviceCount(4)),
            "the cluster describes 2 devices, the program needs 4: give one entry that all share, "
            "or one a device");
}

/// A cluster with one line in the place of `memory: 1024`, and one more at the end.
std::string with(llvm::StringRef memory, llvm::StringRef more = "") {
  return ("devices:\n  - flops: 1\n    bandwidth: 1\n    " + memory +
          "\nlink: {latency: 0, bandwidth: 1}\n" + more)
      .str();
}

TEST(ClusterErrors, NameLineKeyAndRule) {
  EXPECT_EQ(errorOf(with("memory: 1024")), "no error");
  EXPECT_EQ(errorOf(with("memory: 1024\n    color: red")),
            "cluster.yaml:5: color: not a key of devices; known are count, speed, flops, "
            "bandwidth, memory, overhead, families, measured");
  EXPECT_EQ(errorOf(with("overhead: 0")), "cluster.yaml:2: memory: missing in devices");
  EXPECT_EQ(errorOf(with("memory: 1024\n    flops: 2")), "cluster.yaml:5: flops: given twice");
  for (const char *number : {"-1", "inf", "nan", ".inf", "many", "'5'", "1e999", "0"})
    EXPECT_EQ(errorOf(with(std::string("memory: 1024\n    speed: ") + number)),
              std::string("cluster.yaml:5: speed: ") + number + " is not a finite number above 0");
  EXPECT_EQ(errorOf(with("memory: 1024\n    overhead: -1e-6")),
            "cluster.yaml:5: overhead: -1e-6 is not a finite number of at least 0");
  EXPECT_EQ(errorOf(with("memory: 1.5")),
            "cluster.yaml:4: memory: must be a whole number from 1 to 9007199254740992");
  EXPECT_EQ(errorOf(with("memory: 1024\n    count: 1e9")),
            "cluster.yaml:5: count: must be a whole number from 1 to 65536");
  EXPECT_EQ(errorOf(with("memory: [1, 2]")),
            "cluster.yaml:4: memory: a number is expected");
  EXPECT_EQ(errorOf(with("memory: 1024\n    families: {magic: {flops: 1}}")).substr(0, 61),
            "cluster.yaml:5: magic: not a key of families; known are convo");
  EXPECT_EQ(errorOf(with("memory: 1024\n    families: {loss: {efficiency: 1.5}}")),
            "cluster.yaml:5: efficiency: is a share of the device's flops, at most 1");
  EXPECT_EQ(errorOf(with("memory: 1024\n    families: {loss: {efficiency: 1, flops: 1}}")),
            "cluster.yaml:5: loss: give flops or efficiency, not both");
  EXPECT_EQ(errorOf(with("memory: 1024", "links: [{between: [0, 0], latency: 0, bandwidth: 1}]")),
            "cluster.yaml:6: between: two different devices are expected, as in [0, 1]");
  EXPECT_EQ(errorOf(with("memory: 1024\n    count: 2",
                         "links: [{between: [0, 2], latency: 0, bandwidth: 1}]")),
            "cluster.yaml:7: between: there is no device 2, only 0 to 1");
  auto measured = [](llvm::StringRef entries) {
    return errorOf(with(("memory: 1024\n    measured: " + entries).str()));
  };
  EXPECT_EQ(measured("[{seconds: 0, op: x}, {op: y, seconds: 1e-5}]"), "no error");
  EXPECT_EQ(measured("[{seconds: 1, op: x}, {seconds: 2, op: x}]"),
            "cluster.yaml:5: op: measured twice: x");
  EXPECT_EQ(measured("[{seconds: -1, op: x}]"),
            "cluster.yaml:5: seconds: -1 is not a finite number of at least 0");
  EXPECT_EQ(measured("[{seconds: 1}]"), "cluster.yaml:5: op: missing in measured");
  EXPECT_EQ(measured("[{seconds: 1, op: ''}]"), "cluster.yaml:5: op: a signature is expected");
  EXPECT_EQ(measured("[{seconds: 1, op: [x]}]"), "cluster.yaml:5: op: a signature is expected");
  EXPECT_EQ(measured("{x: 1}"), "cluster.yaml:5: measured: a list is expected");
  EXPECT_EQ(errorOf(with("memory: 1024", "cores: 0\n")),
            "cluster.yaml:6: cores: must be a whole number from 1 to 65536");
  EXPECT_EQ(errorOf("devices: []\nlink: {latency: 0, bandwidth: 1}\n"),
            "cluster.yaml:1: devices: at least one is expected");
  EXPECT_EQ(errorOf("devices: 4\n"), "cluster.yaml:1: devices: a list is expected");
  EXPECT_EQ(errorOf(with("memory: 1024", "---\nmore: 1\n")),
            "cluster.yaml: one document is expected, and more follow");
}

TEST(ClusterErrors, RefuseWhatIsNoDocument) {
  EXPECT_EQ(errorOf(""), "cluster.yaml:1: the cluster: a mapping of keys to values is expected");
  EXPECT_EQ(errorOf("[1, 2]"),
            "cluster.yaml:1: the cluster: a mapping of keys to values is expected");
  for (const char *text : {"{", "devices: [", "\"", "a: b: c", "\x80\xff", "- {", "%TAG", "? ", "*a", "&a"})
    EXPECT_NE(errorOf(text), "no error") << text;
  // Deep nesting is not followed.
  EXPECT_NE(errorOf(std::string(1 << 20, '[')), "no error");
  EXPECT_NE(errorOf("devices: " + std::string(1 << 20, '[')), "no error");
  EXPECT_NE(errorOf("devices: " + std::string(1 << 20, '{')), "no error");
  std::string dashes;
  for (int i = 0; i < 1 << 18; ++i)
    dashes += "- ";
  EXPECT_NE(errorOf(dashes), "no error");
  EXPECT_NE(errorOf("devices: {? " + dashes), "no error");
}

TEST(ClusterErrors, NameTheFile) {
  llvm::Expected<Cluster> cluster = readCluster("/nowhere/cluster.yaml");
  ASSERT_FALSE(bool(cluster));
  EXPECT_EQ(llvm::toString(cluster.takeError()),
            "/nowhere/cluster.yaml: No such file or directory");
}

} // namespace
