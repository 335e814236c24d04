// The shape of the syntax tree, and positions in it.
#include "Messages.h"
#include "Parser.h"

#include <gtest/gtest.h>

using namespace dtc::dsl;

namespace {
class ParserTest : public testing::Test {
protected:
  File parseText(llvm::StringRef text) {
    Reporter reporter(context, "test.dt");
    return parse(text, reporter);
  }
  /// The value of the last assignment of `model m() -> y { y = TEXT }`.
  const Expr &parseValue(llvm::StringRef text) {
    source = ("model m() -> y { y = " + text + " }").str();
    file = parseText(source);
    const Statement &last = file.models.at(0).body.at(0);
    return *std::get<Assignment>(last.node).value;
  }

  mlir::MLIRContext context;
  Messages messages{context};
  std::string source;
  File file;
};

/// Writes an expression with all its parentheses.
struct Print {
  std::string operator()(const IntegerExpr &e) { return std::to_string(e.value); }
  std::string operator()(const RealExpr &e) { return std::to_string(e.value); }
  std::string operator()(const BooleanExpr &e) { return e.value ? "true" : "false"; }
  std::string operator()(const ListExpr &e) {
    return ("[" + llvm::Twine(e.elements.size()) + "]").str();
  }
  std::string operator()(const NameExpr &e) {
    std::string text;
    for (const Name &name : e.path) {
      text += text.empty() ? "" : ".";
      text += name.text;
    }
    return text;
  }
  std::string operator()(const NegateExpr &e) {
    return ("(-" + llvm::Twine(print(*e.operand)) + ")").str();
  }
  std::string operator()(const ChainExpr &e) {
    std::string text = print(*e.first);
    for (const ChainExpr::Link &link : e.links)
      text = ("(" + llvm::Twine(text) + link.op.text + print(*link.operand) + ")").str();
    return text;
  }
  std::string operator()(const PipeExpr &e) {
    std::string text = print(*e.head);
    for (const Expr *call : e.calls)
      text += "|>" + print(*call);
    return text;
  }
  std::string operator()(const CallExpr &e) {
    std::string text = e.callee.text.str() + "(";
    for (const Argument &argument : e.arguments)
      text += (llvm::Twine(argument.name ? argument.name->text : "") +
               (argument.name ? ":" : "") + print(*argument.value) + ",")
                  .str();
    return text + (e.layer ? ")as " : ")") +
           (e.layer ? e.layer->name.text.str() : "");
  }
  static std::string print(const Expr &expr) {
    return std::visit(Print(), expr.node);
  }
};
} // namespace

TEST_F(ParserTest, Precedence) {
  EXPECT_EQ(Print::print(parseValue("a + b * c - d")), "((a+(b*c))-d)");
  EXPECT_EQ(Print::print(parseValue("-a ** 2 ** b")), "(-(a**(2**b)))");
  EXPECT_EQ(Print::print(parseValue("a ** -b / c")), "((a**(-b))/c)");
  EXPECT_EQ(Print::print(parseValue("a - b |> f |> g(1, k: [1, 2])")),
            "(a-b)|>f()|>g(1,k:[2],)");
  EXPECT_EQ(Print::print(parseValue("(a |> f as n) + g(b) as l")),
            "(a|>f()as n+g(b,)as l)");
  EXPECT_EQ(Print::print(parseValue("stage.0.conv.weight * true")),
            "(stage.0.conv.weight*true)");
}

TEST_F(ParserTest, CallsStandAtTheirNames) {
  const auto &pipe = std::get<PipeExpr>(parseValue("x\n  |> f(\n  3) as g").node);
  EXPECT_EQ(pipe.head->position, (Position{1, 22}));
  EXPECT_EQ(pipe.calls[0]->position, (Position{2, 6}));
  const auto &call = std::get<CallExpr>(pipe.calls[0]->node);
  EXPECT_EQ(call.arguments[0].value->position, (Position{3, 3}));
  EXPECT_EQ(call.layer->name.position, (Position{3, 9}));
}

TEST_F(ParserTest, LineBreaksMeanNothing) {
  File file = parseText("block b(x) -> y, z { y = x z = x }\n"
                        "train m { loss: mse optimizer: sgd(lr: 1) batch: 2 }\n"
                        "model m(x: f32[N, 2 * 3]) -> y { param w: f32[] = ones\n"
                        "repeat 3 as r { x = x } y = x }");
  EXPECT_TRUE(messages.lines.empty());
  EXPECT_EQ(file.blocks.at(0).results.size(), 2u);
  EXPECT_EQ(file.blocks.at(0).body.size(), 2u);
  EXPECT_EQ(file.trains.at(0).entries.size(), 3u);
  EXPECT_EQ(file.models.at(0).body.size(), 3u);
  EXPECT_TRUE(std::holds_alternative<Repeat>(file.models[0].body[1].node));
}

TEST_F(ParserTest, GoesOnAtTheNextStatement) {
  File file = parseText("model m() -> y {\n a = (\n b = 1\n c = * 2\n d = 2 }\n"
                        "oops\ntrain m { batch: 1 }");
  EXPECT_EQ(messages.lines,
            (std::vector<std::string>{
                "3:4: expected ')' to close the parenthesis, not '='",
                "4:6: expected an expression, not '*'",
                "6:1: expected 'model', 'block' or 'train', not 'oops'"}));
  EXPECT_EQ(file.models.at(0).body.size(), 3u);
  EXPECT_EQ(file.trains.size(), 1u);
}

TEST_F(ParserTest, KeywordsAreNoNames) {
  parseText("model model() -> y { }");
  EXPECT_EQ(messages.lines,
            (std::vector<std::string>{
                "1:7: 'model' is a keyword and cannot be the model's name"}));
}
