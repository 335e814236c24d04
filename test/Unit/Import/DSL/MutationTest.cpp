// Broken model files: whatever is read, the importer reports or succeeds.
#include "Messages.h"

#include "dtc/Import/DSL.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"
#include "llvm/Support/MemoryBuffer.h"
#include <chrono>
#include <gtest/gtest.h>
#include <random>

namespace {
class MutationTest : public testing::Test {
protected:
  /// Without an error there is a valid module; without a module, an error.
  void import(llvm::StringRef text) {
    Messages messages(context);
    auto module = dtc::importDSLText(text, "test.dt", {}, context);
    if (module)
      EXPECT_TRUE(mlir::succeeded(mlir::verify(*module))) << text.str();
    else
      EXPECT_FALSE(messages.lines.empty()) << text.str();
  }
  /// A test file without its comments, which hold most of its bytes.
  std::string read(llvm::StringRef name) {
    auto buffer = llvm::MemoryBuffer::getFile(
        (llvm::StringRef(DTC_TEST_MODELS) + "/" + name).str());
    if (!buffer)
      return "";
    llvm::SmallVector<llvm::StringRef> lines;
    (*buffer)->getBuffer().split(lines, '\n');
    std::string text;
    for (llvm::StringRef line : lines)
      if (!line.trim().starts_with("//"))
        text += line.str() + "\n";
    return text;
  }
  bool hasTime() const {
    return std::chrono::steady_clock::now() - start < std::chrono::seconds(4);
  }

  std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
  mlir::MLIRContext context{mlir::MLIRContext::Threading::DISABLED};
};
} // namespace

TEST_F(MutationTest, EveryPrefix) {
  for (llvm::StringRef name : {"names.dt", "arithmetic.dt", "layers.dt"}) {
    std::string text = read(name);
    ASSERT_FALSE(text.empty());
    for (size_t length = 0; length <= text.size() && hasTime(); ++length)
      import(llvm::StringRef(text).take_front(length));
  }
}

TEST_F(MutationTest, RandomBytes) {
  std::mt19937 random(1);
  std::string text = read("names.dt") ;
  ASSERT_FALSE(text.empty());
  for (int round = 0; round < 3000 && hasTime(); ++round) {
    std::string mutated = text;
    for (unsigned i = 0; i <= random() % 4; ++i)
      mutated[random() % mutated.size()] = static_cast<char>(random());
    import(mutated);
  }
}

TEST_F(MutationTest, RandomTokens) {
  // Pieces of the language in the wrong places reach deeper than bytes do.
  static constexpr llvm::StringLiteral pieces[] = {
      "(", ")", "{", "}", "[", "]", ",", ":", "=", "->", "|>", "**", "-", "/",
      "x", "0", "-1", "2147483647", "9223372036854775807", "1e308", "N", "same",
      "repeat 3 ", "param ", "relu", "conv2d(", "concat(", "reshape(", "as ",
      "true", "/*", "model ", "train "};
  std::mt19937 random(2);
  std::string text = read("layers.dt");
  ASSERT_FALSE(text.empty());
  for (int round = 0; round < 3000 && hasTime(); ++round) {
    std::string mutated = text;
    for (unsigned i = 0; i <= random() % 3; ++i)
      mutated.replace(random() % mutated.size(), random() % 4,
                      pieces[random() % std::size(pieces)].str());
    import(mutated);
  }
}
