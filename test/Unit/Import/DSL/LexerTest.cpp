// Tokens, their values and positions.
#include "Lexer.h"
#include "Messages.h"

#include <gtest/gtest.h>

using namespace dtc::dsl;
using Kind = TokenKind;

namespace {
class LexerTest : public testing::Test {
protected:
  std::vector<Token> lex(llvm::StringRef text) {
    Reporter reporter(context, "test.dt");
    Lexer lexer(text, reporter);
    std::vector<Token> tokens;
    do
      tokens.push_back(lexer.next());
    while (tokens.back().kind != Kind::End);
    return tokens;
  }
  std::vector<Kind> kinds(llvm::StringRef text) {
    std::vector<Kind> result;
    for (const Token &token : lex(text))
      result.push_back(token.kind);
    return result;
  }

  mlir::MLIRContext context;
  Messages messages{context};
};
} // namespace

TEST_F(LexerTest, LongestPunctuationWins) {
  EXPECT_EQ(kinds("** * -> - |> = : ."),
            (std::vector{Kind::Power, Kind::Star, Kind::Arrow, Kind::Minus,
                         Kind::Pipe, Kind::Equal, Kind::Colon, Kind::Dot,
                         Kind::End}));
}

TEST_F(LexerTest, KeywordsAreWholeWords) {
  EXPECT_EQ(kinds("model models repeat as assign"),
            (std::vector{Kind::Model, Kind::Identifier, Kind::Repeat, Kind::As,
                         Kind::Identifier, Kind::End}));
}

TEST_F(LexerTest, Numbers) {
  std::vector<Token> tokens = lex("0 42 1e-3 2.5E+2 9223372036854775807");
  EXPECT_EQ(tokens[0].integer, 0);
  EXPECT_EQ(tokens[1].integer, 42);
  EXPECT_EQ(tokens[2].real, 1e-3);
  EXPECT_EQ(tokens[3].real, 250);
  EXPECT_EQ(tokens[4].integer, INT64_MAX);
  EXPECT_TRUE(messages.lines.empty());
}

TEST_F(LexerTest, DotAfterIntegerIsAPath) {
  EXPECT_EQ(kinds("stage.0.conv 1.5"),
            (std::vector{Kind::Identifier, Kind::Dot, Kind::Integer, Kind::Dot,
                         Kind::Identifier, Kind::Real, Kind::End}));
}

TEST_F(LexerTest, PositionsCountLinesAndBytes) {
  std::vector<Token> tokens = lex("a // é\n  b /* \n */ c");
  EXPECT_EQ(tokens[0].position, (Position{1, 1}));
  EXPECT_EQ(tokens[1].position, (Position{2, 3}));
  EXPECT_EQ(tokens[2].position, (Position{3, 5}));
  EXPECT_EQ(tokens[3].position, (Position{3, 6}));
}

TEST_F(LexerTest, EndAfterBlankLines) {
  EXPECT_EQ(lex("a\n\n").back().position, (Position{3, 1}));
}

TEST_F(LexerTest, ErrorsKeepTheirPlaces) {
  EXPECT_EQ(kinds("x @@ 3x\n 99999999999999999999 1e999"),
            (std::vector{Kind::Identifier, Kind::Invalid, Kind::Invalid,
                         Kind::Integer, Kind::Real, Kind::End}));
  EXPECT_EQ(messages.lines,
            (std::vector<std::string>{
                "1:3: '@@' begins no token",
                "1:6: '3x' is neither a number nor a name",
                "2:2: the integer does not fit in 64 bits (at most "
                "9223372036854775807)",
                "2:23: the number is too large for a double"}));
}

TEST_F(LexerTest, ReportsAtMostTwentyErrors) {
  lex(std::string(200, '@') + "\n" + [] {
    std::string text;
    for (int i = 0; i < 100; ++i)
      text += "@ ";
    return text;
  }());
  EXPECT_EQ(messages.lines.size(), Reporter::limit);
}
