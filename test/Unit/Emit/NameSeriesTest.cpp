// Names of equal layers as a person sums them up, whatever the names are.
#include "lib/Emit/NameSeries.h"

#include "llvm/ADT/SmallVector.h"

#include "gtest/gtest.h"

using namespace dtc::emit;
using Names = llvm::SmallVector<llvm::StringRef>;

namespace {

TEST(NameSeries, ASeriesIsToldByItsEnds) {
  EXPECT_EQ(describeNames(Names{"fc0", "relu_1", "fc1", "relu_2", "fc2", "relu_3", "last"}), "fc0 to fc2, relu_1 to relu_3, last");
  EXPECT_EQ(describeNames(Names{"fc11", "fc10", "fc9"}), "fc11 to fc9");
  EXPECT_EQ(describeNames(Names{"block1.conv2", "block2.conv2", "block3.conv2"}), "block1.conv2 to block3.conv2");
}

TEST(NameSeries, EachNameOnce) { EXPECT_EQ(describeNames(Names{"fc0", "fc0", "fc1", "fc0"}), "fc0, fc1"); }

TEST(NameSeries, OthersStandOneByOne) {
  EXPECT_EQ(describeNames(Names{}), "");
  EXPECT_EQ(describeNames(Names{"fc1", "fc2"}), "fc1, fc2");
  EXPECT_EQ(describeNames(Names{"fc1", "fc3", "fc5"}), "fc1, fc3, fc5");
  EXPECT_EQ(describeNames(Names{"fc1", "fc2", "fc3", "fc5"}), "fc1 to fc3, fc5");
  // Two numbers that count.
  EXPECT_EQ(describeNames(Names{"a1b1", "a2b2", "a3b3"}), "a1b1, a2b2, a3b3");
  // A leading zero is part of the text, and so is what is too large for a number.
  EXPECT_EQ(describeNames(Names{"x01", "x2", "x3"}), "x01, x2, x3");
  EXPECT_EQ(describeNames(Names{"x99999999999999999998", "x99999999999999999999", "x100000000000000000000"}),
            "x99999999999999999998, x99999999999999999999, x100000000000000000000");
}

TEST(NameSeries, NothingEndsAComment) {
  EXPECT_EQ(describeNames(Names{"a\n#include 1", "a\n#include 2", "a\n#include 3"}), "a__include 1 to a__include 3");
}

TEST(NameSeries, WithoutNumbers) {
  EXPECT_EQ(withoutNumbers("fc0.weight"), "fc.weight");
  EXPECT_EQ(withoutNumbers("relu"), withoutNumbers("relu_1"));
  EXPECT_EQ(withoutNumbers("layer1.0.conv2.weight"), "layer.conv.weight");
  EXPECT_NE(withoutNumbers("bn1.running_mean"), withoutNumbers("bn1.running_var"));
}

// What stands for a number within is no character of a name.
TEST(NameSeries, ANulIsNoNumber) {
  llvm::StringRef nul("a\0", 2), between("a\0b1", 4), other("a\0b2", 4);
  EXPECT_EQ(describeNames(Names{"a1", nul, "a2", "a3"}), "a1 to a3, a_");
  EXPECT_EQ(commonName(Names{nul, "a1", nul}), "a");
  EXPECT_EQ(commonName(Names{between, other}), llvm::StringRef("a\0b", 3));
  EXPECT_FALSE(countsDown(Names{"a2", nul, "a1"}));
}

TEST(NameSeries, AnArrayIsNamedByWhatItsMembersShare) {
  EXPECT_EQ(commonName(Names{"fc0.weight", "fc1.weight", "fc2.weight"}), "fc.weight");
  EXPECT_EQ(commonName(Names{"conv_1", "conv_2"}), "conv");
  EXPECT_EQ(commonName(Names{"layer1.conv2", "layer2.conv2"}), "layer.conv2");
  EXPECT_EQ(commonName(Names{"blocks.0.mlp", "blocks.1.mlp"}), "blocks.mlp");
  EXPECT_EQ(commonName(Names{"0.fc", "1.fc"}), "fc");
  // The most, the first one's, or what is there where nothing is left.
  EXPECT_EQ(commonName(Names{"input", "fc0", "fc1"}), "fc");
  EXPECT_EQ(commonName(Names{"input", "fc", "last"}), "input");
  EXPECT_EQ(commonName(Names{"1", "2", "3"}), "1");
}

TEST(NameSeries, CountsDownWhereMostDo) {
  EXPECT_TRUE(countsDown(Names{"fc3", "fc2", "fc1"}));
  EXPECT_TRUE(countsDown(Names{"last", "fc3", "fc2", "fc1", "first"}));
  EXPECT_FALSE(countsDown(Names{"fc1", "fc2", "fc3"}));
  EXPECT_FALSE(countsDown(Names{"b", "a"}));
  EXPECT_FALSE(countsDown(Names{"one"}));
}

} // namespace
