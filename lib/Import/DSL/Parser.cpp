// Recursive descent, one function a rule of the grammar; after an error it
// goes on at the next statement.
#include "Parser.h"

#include "llvm/ADT/ScopeExit.h"

using namespace dtc::dsl;
using llvm::StringRef;

namespace {
class Parser {
public:
  Parser(StringRef text, Reporter &reporter)
      : lexer(text, reporter), reporter(reporter) {
    current = lexer.next();
    following = lexer.next();
  }

  File parseFile();

private:
  /// Nesting of parentheses, lists, blocks and prefix operators.
  static constexpr unsigned maxDepth = 200;

  // Tokens.
  bool is(TokenKind kind) const { return current.kind == kind; }
  Token take();
  bool consume(TokenKind kind);
  /// Takes a token of `kind` or reports what stands there instead.
  bool expect(TokenKind kind, StringRef where);
  bool expectName(Name &name, StringRef what);
  mlir::InFlightDiagnostic unexpected(const llvm::Twine &expected);
  bool enter();

  // Rules. Those that return a pointer or bool have reported when it is null
  // or false.
  bool parseFunction(Function &function, bool isModel);
  bool parseFormals(Function &function, bool isModel);
  bool parseTrain(Train &train);
  void parseBody(std::vector<Statement> &body, Position opening);
  bool parseStatement(std::vector<Statement> &body);
  bool parseAssignment(Statement &statement);
  bool parseParameter(Statement &statement);
  bool parseRepeat(Statement &statement);
  bool parseType(TypeExpr &type, bool withDefaults = false);
  const Expr *parseExpression();
  const Expr *parseSum();
  const Expr *parseProduct();
  const Expr *parseUnary();
  const Expr *parsePower();
  const Expr *parsePrimary();
  const Expr *parseList();
  const Expr *parseNameOrCall();
  const Expr *parseCall(Name callee);
  bool parseLayerName(LayerName &layer);
  using Rule = const Expr *(Parser::*)();
  const Expr *parseChain(Rule operand, TokenKind first, TokenKind second);
  template <typename Node>
  const Expr *make(Position position, Node node) {
    return &file.expressions.emplace_back(Expr{position, std::move(node)});
  }

  // Recovery.
  void skipToStatement();
  void skipToDefinition();
  bool atStatement() const;
  bool atDefinition() const;

  Lexer lexer;
  Reporter &reporter;
  Token current, following;
  File file;
  unsigned depth = 0;
};
} // namespace

//===----------------------------------------------------------------------===//
// Tokens
//===----------------------------------------------------------------------===//

Token Parser::take() {
  Token token = current;
  current = following;
  following = lexer.next();
  return token;
}

bool Parser::consume(TokenKind kind) {
  if (!is(kind))
    return false;
  take();
  return true;
}

mlir::InFlightDiagnostic Parser::unexpected(const llvm::Twine &expected) {
  if (is(TokenKind::Invalid))
    return reporter.silentError(current.position);
  mlir::InFlightDiagnostic diagnostic = reporter.error(current.position);
  diagnostic << "expected " << expected.str() << ", not ";
  if (is(TokenKind::Identifier) || is(TokenKind::Integer) || is(TokenKind::Real))
    diagnostic << "'" << current.text.take_front(64) << "'";
  else
    diagnostic << describe(current.kind);
  return diagnostic;
}

bool Parser::expect(TokenKind kind, StringRef where) {
  if (consume(kind))
    return true;
  unexpected(describe(kind) + " " + where);
  return false;
}

bool Parser::expectName(Name &name, StringRef what) {
  bool isKeyword = current.kind >= TokenKind::Model && current.kind <= TokenKind::False;
  // Before a name it most likely begins the next definition or statement.
  if (isKeyword && following.kind != TokenKind::Identifier &&
      following.kind != TokenKind::Integer) {
    reporter.error(current.position)
        << describe(current.kind) << " is a keyword and cannot be " << what;
  } else if (!is(TokenKind::Identifier)) {
    unexpected(what);
    return false;
  }
  Token token = take();
  name = {token.text, token.position};
  return true;
}

/// Goes one level deeper; beyond the limit the rest of the file is given up,
/// since every enclosing rule would only complain about its own end.
bool Parser::enter() {
  if (++depth <= maxDepth)
    return true;
  reporter.error(current.position)
      << "this is nested more than " << maxDepth << " levels deep";
  current = following = {TokenKind::End, {}, current.position};
  lexer.stop();
  return false;
}

//===----------------------------------------------------------------------===//
// Recovery
//===----------------------------------------------------------------------===//

bool Parser::atDefinition() const {
  return is(TokenKind::Model) || is(TokenKind::Block) || is(TokenKind::Train);
}

bool Parser::atStatement() const {
  return is(TokenKind::Param) || is(TokenKind::Repeat) ||
         (is(TokenKind::Identifier) && following.kind == TokenKind::Equal);
}

void Parser::skipToStatement() {
  for (unsigned braces = 0; !is(TokenKind::End) && !atDefinition(); take()) {
    if (is(TokenKind::LeftBrace))
      ++braces;
    else if (is(TokenKind::RightBrace) && braces-- == 0)
      return;
    else if (braces == 0 && atStatement())
      return;
  }
}

void Parser::skipToDefinition() {
  while (!is(TokenKind::End) && !atDefinition())
    take();
}

//===----------------------------------------------------------------------===//
// Definitions
//===----------------------------------------------------------------------===//

File Parser::parseFile() {
  while (!is(TokenKind::End) && !reporter.isFull()) {
    bool parsed = true;
    if (is(TokenKind::Model) || is(TokenKind::Block)) {
      bool isModel = take().kind == TokenKind::Model;
      Function function;
      parsed = parseFunction(function, isModel);
      (isModel ? file.models : file.blocks).push_back(std::move(function));
    } else if (is(TokenKind::Train)) {
      Train train;
      parsed = parseTrain(train);
      file.trains.push_back(std::move(train));
    } else {
      unexpected("'model', 'block' or 'train'");
      parsed = false;
    }
    if (!parsed)
      skipToDefinition();
  }
  return std::move(file);
}

bool Parser::parseFunction(Function &function, bool isModel) {
  StringRef kind = isModel ? "the model's name" : "the block's name";
  if (!expectName(function.name, kind) || !parseFormals(function, isModel) ||
      !expect(TokenKind::Arrow, "and the names of the results"))
    return false;
  do {
    if (!expectName(function.results.emplace_back(), "the name of a result"))
      return false;
  } while (consume(TokenKind::Comma));
  Position opening = current.position;
  if (!expect(TokenKind::LeftBrace, "before the body"))
    return false;
  parseBody(function.body, opening);
  function.isComplete = true;
  return true;
}

bool Parser::parseFormals(Function &function, bool isModel) {
  if (!expect(TokenKind::LeftParen, "after the name"))
    return false;
  if (consume(TokenKind::RightParen))
    return true;
  do {
    Formal &formal = function.formals.emplace_back();
    if (!expectName(formal.name, isModel ? "the name of an input"
                                         : "the name of an argument"))
      return false;
    if (isModel) {
      if (!expect(TokenKind::Colon, "and the input's type") ||
          !parseType(formal.type.emplace(), /*withDefaults=*/true))
        return false;
      continue;
    }
    if (consume(TokenKind::Colon) && !parseType(formal.type.emplace()))
      return false;
    if (consume(TokenKind::Equal) && !(formal.byDefault = parseSum()))
      return false;
  } while (consume(TokenKind::Comma));
  return expect(TokenKind::RightParen, "after the last one");
}

bool Parser::parseTrain(Train &train) {
  train.position = take().position;
  if (!expectName(train.model, "the name of the model to train") ||
      !expect(TokenKind::LeftBrace, "before the recipe"))
    return false;
  while (!is(TokenKind::RightBrace)) {
    Train::Entry entry;
    if (!expectName(entry.key, "'loss', 'optimizer', 'batch' or '}'") ||
        !expect(TokenKind::Colon, "after the entry's name"))
      return false;
    entry.value = parseExpression();
    if (!entry.value)
      return false;
    train.entries.push_back(entry);
  }
  take();
  return true;
}

bool Parser::parseType(TypeExpr &type, bool withDefaults) {
  type.position = current.position;
  if (!is(TokenKind::Identifier) || !llvm::is_contained(TypeExpr::elements, current.text)) {
    unexpected("the type f32[...], i64[...], i32[...] or bool[...]");
    return false;
  }
  type.element = take().text;
  if (!expect(TokenKind::LeftBracket, "before the shape"))
    return false;
  if (consume(TokenKind::RightBracket))
    return true;
  do {
    if (!type.extents.emplace_back(parseSum()))
      return false;
    const Expr *&byDefault = type.defaults.emplace_back(nullptr);
    if (withDefaults && consume(TokenKind::Equal) && !(byDefault = parseSum()))
      return false;
  } while (consume(TokenKind::Comma));
  return expect(TokenKind::RightBracket, "after the shape");
}

//===----------------------------------------------------------------------===//
// Statements
//===----------------------------------------------------------------------===//

void Parser::parseBody(std::vector<Statement> &body, Position opening) {
  while (!reporter.isFull()) {
    if (consume(TokenKind::RightBrace))
      return;
    if (is(TokenKind::End) || atDefinition()) {
      unexpected("a statement or '}'").attachNote(reporter.at(opening))
          << "the body begins here";
      return;
    }
    if (!parseStatement(body))
      skipToStatement();
  }
}

bool Parser::parseStatement(std::vector<Statement> &body) {
  Statement statement;
  bool parsed = is(TokenKind::Param)    ? parseParameter(statement)
                : is(TokenKind::Repeat) ? parseRepeat(statement)
                                        : parseAssignment(statement);
  // What an unreadable statement would have assigned is known, but unusable.
  auto *assignment = std::get_if<Assignment>(&statement.node);
  if (parsed || (assignment && !assignment->targets.empty()))
    body.push_back(std::move(statement));
  return parsed;
}

bool Parser::parseAssignment(Statement &statement) {
  auto &assignment = statement.node.emplace<Assignment>();
  do {
    Name target;
    if (!expectName(target, "a statement ('NAME = …', 'param' or 'repeat')"))
      return false;
    assignment.targets.push_back(target);
  } while (consume(TokenKind::Comma));
  if (!expect(TokenKind::Equal, "after the name"))
    return false;
  assignment.value = parseExpression();
  return assignment.value;
}

bool Parser::parseParameter(Statement &statement) {
  take();
  Parameter parameter;
  if (!expectName(parameter.name, "the parameter's name"))
    return false;
  statement.node = Assignment{{parameter.name}, nullptr};
  if (!expect(TokenKind::Colon, "and the parameter's type") ||
      !parseType(parameter.type) ||
      !expect(TokenKind::Equal, "and the parameter's initial value"))
    return false;
  Name init;
  if (!expectName(init, "an initial value (uniform, normal, zeros, ones, constant)"))
    return false;
  parameter.init = parseCall(init);
  if (!parameter.init)
    return false;
  statement.node = std::move(parameter);
  return true;
}

bool Parser::parseRepeat(Statement &statement) {
  Repeat repeat;
  repeat.position = take().position;
  repeat.count = parseSum();
  if (!repeat.count)
    return false;
  if (consume(TokenKind::As) &&
      !expectName(repeat.name.emplace(), "the name of the repeated layers"))
    return false;
  Position opening = current.position;
  if (!expect(TokenKind::LeftBrace, "before the repeated statements"))
    return false;
  llvm::scope_exit leave([&] { --depth; });
  if (!enter())
    return false;
  parseBody(repeat.body, opening);
  statement.node = std::move(repeat);
  return true;
}

//===----------------------------------------------------------------------===//
// Expressions
//===----------------------------------------------------------------------===//

const Expr *Parser::parseExpression() {
  llvm::scope_exit leave([&] { --depth; });
  if (!enter())
    return nullptr;
  const Expr *head = parseSum();
  if (!head || !is(TokenKind::Pipe))
    return head;
  PipeExpr pipe{head, {}};
  while (consume(TokenKind::Pipe)) {
    Name callee;
    if (!expectName(callee, "the layer that the value is piped into"))
      return nullptr;
    if (!pipe.calls.emplace_back(parseCall(callee)))
      return nullptr;
  }
  if (is(TokenKind::Plus) || is(TokenKind::Minus) || is(TokenKind::Star) ||
      is(TokenKind::Slash) || is(TokenKind::Power)) {
    reporter.error(current.position)
        << describe(current.kind)
        << " cannot follow a pipe; put the pipe in parentheses";
    return nullptr;
  }
  return make(head->position, std::move(pipe));
}

const Expr *Parser::parseChain(Rule operand, TokenKind a, TokenKind b) {
  const Expr *first = (this->*operand)();
  if (!first || !(is(a) || is(b)))
    return first;
  ChainExpr chain{first, {}};
  while (is(a) || is(b)) {
    Token op = take();
    const Expr *next = (this->*operand)();
    if (!next)
      return nullptr;
    chain.links.push_back({op, next});
  }
  return make(first->position, std::move(chain));
}

const Expr *Parser::parseSum() {
  return parseChain(&Parser::parseProduct, TokenKind::Plus, TokenKind::Minus);
}

const Expr *Parser::parseProduct() {
  return parseChain(&Parser::parseUnary, TokenKind::Star, TokenKind::Slash);
}

const Expr *Parser::parseUnary() {
  if (!is(TokenKind::Minus))
    return parsePower();
  llvm::scope_exit leave([&] { --depth; });
  if (!enter())
    return nullptr;
  Position position = take().position;
  const Expr *operand = parseUnary();
  return operand ? make(position, NegateExpr{operand}) : nullptr;
}

/// Binds tighter than a minus on its left, to the right: -x ** 2 is -(x ** 2).
const Expr *Parser::parsePower() {
  const Expr *base = parsePrimary();
  if (!base || !is(TokenKind::Power))
    return base;
  llvm::scope_exit leave([&] { --depth; });
  if (!enter())
    return nullptr;
  Token op = take();
  const Expr *exponent = parseUnary();
  if (!exponent)
    return nullptr;
  return make(base->position, ChainExpr{base, {{op, exponent}}});
}

const Expr *Parser::parsePrimary() {
  Position position = current.position;
  switch (current.kind) {
  case TokenKind::Integer:
    return make(position, IntegerExpr{take().integer});
  case TokenKind::Real:
    return make(position, RealExpr{take().real});
  case TokenKind::True:
  case TokenKind::False:
    return make(position, BooleanExpr{take().kind == TokenKind::True});
  case TokenKind::LeftBracket:
    return parseList();
  case TokenKind::Identifier:
    return parseNameOrCall();
  case TokenKind::LeftParen: {
    take();
    const Expr *inner = parseExpression();
    if (!inner || !expect(TokenKind::RightParen, "to close the parenthesis"))
      return nullptr;
    return inner;
  }
  default:
    unexpected("an expression");
    return nullptr;
  }
}

const Expr *Parser::parseList() {
  Position position = take().position;
  ListExpr list;
  if (!consume(TokenKind::RightBracket)) {
    do {
      if (!list.elements.emplace_back(parseExpression()))
        return nullptr;
    } while (consume(TokenKind::Comma));
    if (!expect(TokenKind::RightBracket, "after the list"))
      return nullptr;
  }
  return make(position, std::move(list));
}

const Expr *Parser::parseNameOrCall() {
  Token first = take();
  Name name{first.text, first.position};
  if (is(TokenKind::LeftParen))
    return parseCall(name);
  NameExpr path{{name}};
  while (consume(TokenKind::Dot)) {
    // `repeat` numbers its layers: stage.0.conv.weight
    if (is(TokenKind::Integer)) {
      Token token = take();
      path.path.push_back({token.text, token.position});
    } else if (!expectName(path.path.emplace_back(), "a name after '.'")) {
      return nullptr;
    }
  }
  return make(name.position, std::move(path));
}

/// `callee(arguments) as layer`; both the list and the name may be absent.
const Expr *Parser::parseCall(Name callee) {
  CallExpr call{callee, {}, {}};
  if (consume(TokenKind::LeftParen) && !consume(TokenKind::RightParen)) {
    do {
      Argument argument;
      if (is(TokenKind::Identifier) && following.kind == TokenKind::Colon) {
        Token name = take();
        argument.name = {name.text, name.position};
        take();
      }
      argument.value = parseExpression();
      if (!argument.value)
        return nullptr;
      call.arguments.push_back(argument);
    } while (consume(TokenKind::Comma));
    if (!expect(TokenKind::RightParen, "after the arguments"))
      return nullptr;
  }
  if (consume(TokenKind::As) && !parseLayerName(call.layer.emplace()))
    return nullptr;
  return make(callee.position, std::move(call));
}

/// `name`, `name[2]`, `name[1:4]` or `name[:4]`
bool Parser::parseLayerName(LayerName &layer) {
  if (!expectName(layer.name, "the layer's name"))
    return false;
  if (!consume(TokenKind::LeftBracket))
    return true;
  if (!is(TokenKind::Colon) && !(layer.first = parseSum()))
    return false;
  if (consume(TokenKind::Colon) && !(layer.end = parseSum()))
    return false;
  return expect(TokenKind::RightBracket, "after the layer's number");
}

File dtc::dsl::parse(StringRef text, Reporter &reporter) {
  if (!checkEncoding(text, reporter))
    return {};
  return Parser(text, reporter).parseFile();
}
