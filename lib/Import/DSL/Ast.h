// The syntax tree of a model file.
//
// Expressions live in an arena and point at each other, chains of operators
// and pipes are flat lists: so neither destruction nor evaluation recurses
// deeper than the parser's nesting limit.
#ifndef DTC_LIB_IMPORT_DSL_AST_H
#define DTC_LIB_IMPORT_DSL_AST_H

#include "Lexer.h"

#include <deque>
#include <optional>
#include <variant>
#include <vector>

namespace dtc::dsl {

struct Name {
  llvm::StringRef text;
  Position position;
};

struct Expr;

struct IntegerExpr { int64_t value; };
struct RealExpr { double value; };
struct BooleanExpr { bool value; };
struct ListExpr { std::vector<const Expr *> elements; };
/// `x`, or `conv1.weight`: the parameter of a layer.
struct NameExpr { std::vector<Name> path; };
struct NegateExpr { const Expr *operand; };

struct Argument {
  std::optional<Name> name;
  const Expr *value;
};

/// `as NAME`, `as NAME[first]`, or `as NAME[first:end]`, whose `first` may be absent and is 0 then.
struct LayerName {
  Name name;
  const Expr *first = nullptr, *end = nullptr;
  bool isRange() const { return end; }
  bool isIndexed() const { return first && !end; }
};

struct CallExpr {
  Name callee;
  std::vector<Argument> arguments;
  std::optional<LayerName> layer;
};

/// first op operand op operand …, from left to right.
struct ChainExpr {
  struct Link {
    Token op;
    const Expr *operand;
  };
  const Expr *first;
  std::vector<Link> links;
};

/// head |> call |> call …
struct PipeExpr {
  const Expr *head;
  std::vector<const Expr *> calls; ///< each holds a CallExpr
};

struct Expr {
  Position position;
  std::variant<IntegerExpr, RealExpr, BooleanExpr, ListExpr, NameExpr,
               NegateExpr, CallExpr, ChainExpr, PipeExpr>
      node;
};

/// `f32[N, 1, 28, 28]`
struct TypeExpr {
  Position position;
  static constexpr llvm::StringLiteral elements[] = {"f32", "i64", "i32", "bool"};
  llvm::StringRef element; ///< one of these
  std::vector<const Expr *> extents;
  /// Of each extent: the `= value` of an input's dimension; null without one.
  std::vector<const Expr *> defaults;
};

struct Statement;

/// `a, b = value`; the value is null where it could not be parsed.
struct Assignment {
  std::vector<Name> targets;
  const Expr *value = nullptr;
};

/// `param name: type = init`
struct Parameter {
  Name name;
  TypeExpr type;
  const Expr *init;
};

/// `repeat count as name { body }`
struct Repeat {
  Position position;
  const Expr *count;
  std::optional<Name> name;
  std::vector<Statement> body;
};

struct Statement {
  std::variant<Assignment, Parameter, Repeat> node;
};

/// An input of a model (with a type), or an argument of a block.
struct Formal {
  Name name;
  std::optional<TypeExpr> type;
  const Expr *byDefault = nullptr; ///< of a block's argument that need not be given
};

/// A model or a block.
struct Function {
  Name name;
  std::vector<Formal> formals;
  std::vector<Name> results;
  std::vector<Statement> body;
  bool isComplete = false; ///< false where the head could not be parsed
};

/// `train model { loss: …  optimizer: …  batch: … }`
struct Train {
  struct Entry {
    Name key;
    const Expr *value;
  };
  Position position;
  Name model;
  std::vector<Entry> entries;
};

struct File {
  std::deque<Expr> expressions; ///< owns every Expr
  std::vector<Function> models, blocks;
  std::vector<Train> trains;
};

} // namespace dtc::dsl

#endif // DTC_LIB_IMPORT_DSL_AST_H
