// Statements and expressions, evaluated in order: tensors grow the graph,
// numbers are computed at once, blocks are built anew at every call.
#include "Evaluator.h"

#include "Operators.h"
#include "Recipe.h"
#include "Scope.h"

#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/ScopeExit.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::dsl;

namespace {
class Evaluator {
public:
  Evaluator(const File &file, const ImportOptions &options, int64_t batch, Reporter &reporter, Graph &graph)
      : reporter(reporter), graph(graph), options(options), batch(batch), layers(&model) {
    for (const Function &block : file.blocks)
      blocks.try_emplace(block.name.text, &block);
  }

  /// Inputs, body and outputs of the model; false after an error.
  bool buildModel(const Function &function);
  int64_t getBatch() const { return batch; }

  SmallVector<std::pair<StringRef, Value>> outputs;

private:
  /// Blocks in blocks; keeps evaluation far from the end of the stack.
  static constexpr unsigned maxCalls = 64;
  /// Statements, repeated ones counted every time.
  static constexpr unsigned maxStatements = 1'000'000;

  void addInput(const Formal &formal);
  void bindDimensions(const Formal &input);
  void checkDimensionsAreUsed(const Function &function);
  Type elementType(const TypeExpr &type);
  RankedTensorType evaluateType(const TypeExpr &type, Location location);
  Location place(Position position) const;
  Frame makeFrame() const;

  void run(ArrayRef<Statement> body);
  void run(const Assignment &assignment);
  void run(const Parameter &parameter);
  void run(const Repeat &repeat);
  void assign(Name name, Datum value);

  Datum evaluate(const Expr &expr);
  Datum evaluate(const Expr &, const IntegerExpr &node) { return node.value; }
  Datum evaluate(const Expr &, const RealExpr &node) { return node.value; }
  Datum evaluate(const Expr &, const BooleanExpr &node) { return node.value; }
  Datum evaluate(const Expr &expr, const ListExpr &node);
  Datum evaluate(const Expr &expr, const NameExpr &node);
  Datum evaluate(const Expr &expr, const NegateExpr &node);
  Datum evaluate(const Expr &expr, const ChainExpr &node);
  Datum evaluate(const Expr &expr, const PipeExpr &node);
  Datum evaluate(const Expr &expr, const CallExpr &node);
  Datum findParameter(const NameExpr &node);
  Datum initialValue(const Expr &expr);
  Datum apply(const Token &op, const Datum &a, const Datum &b);
  Datum call(const CallExpr &node, std::optional<GivenArgument> piped,
             std::optional<int64_t> number = {});
  Datum callRow(const CallExpr &node, GivenArgument piped);
  Datum callBlock(const Function &block, const CallExpr &node,
                  ArrayRef<GivenArgument> given, std::optional<std::string> path);
  void bindExtents(const Function &block, const Formal &formal, const Datum &given);
  bool checkShape(const Function &block, const Formal &formal, const Datum &given, Position position);
  std::optional<int64_t> layerNumber(const Expr &expr);
  std::optional<std::string> nameLayer(const CallExpr &node, std::optional<int64_t> number);
  bool countStatement(Position position);

  Reporter &reporter;
  Graph &graph;
  const ImportOptions &options;
  llvm::StringSet<> usedDimensions; ///< of the options'
  int64_t batch;
  llvm::StringMap<const Function *> blocks;
  LayerScope model{""};
  LayerScope *layers;
  Frame frame;
  SmallVector<const Function *> callStack;
  unsigned statements = 0;
};
} // namespace

//===----------------------------------------------------------------------===//
// The model
//===----------------------------------------------------------------------===//

Location Evaluator::place(Position position) const {
  Location here = reporter.at(position);
  return frame.caller ? Location(CallSiteLoc::get(here, *frame.caller)) : here;
}

Frame Evaluator::makeFrame() const {
  Frame result;
  result.variables["same"] = Symbol{"same"};
  if (batch > 0)
    result.variables["N"] = batch;
  return result;
}

Type Evaluator::elementType(const TypeExpr &type) {
  Builder &builder = graph.getBuilder();
  return llvm::StringSwitch<Type>(type.element)
      .Case("i64", builder.getI64Type())
      .Case("i32", builder.getI32Type())
      .Case("bool", builder.getI1Type())
      .Default(builder.getF32Type());
}

RankedTensorType Evaluator::evaluateType(const TypeExpr &type,
                                         Location location) {
  SmallVector<int64_t> shape;
  bool valid = true;
  for (const Expr *extent : type.extents) {
    Datum value = evaluate(*extent);
    if (auto *integer = std::get_if<int64_t>(&value)) {
      shape.push_back(*integer);
      continue;
    }
    valid = false;
    if (!isInvalid(value))
      reporter.error(extent->position)
          << "an extent must be an integer, not " << describe(value);
  }
  return valid ? graph.makeType(shape, location, elementType(type)) : RankedTensorType();
}

/// A bare name in an input's type is a dimension: --bind gives its size, or what stands behind it. Blocks do not see it.
void Evaluator::bindDimensions(const Formal &input) {
  for (auto [extent, byDefault] : llvm::zip_equal(input.type->extents, input.type->defaults)) {
    auto *path = std::get_if<NameExpr>(&extent->node);
    if (!path || path->path.size() != 1 || frame.variables.count(path->path.front().text)) {
      if (byDefault)
        reporter.error(byDefault->position) << "only the first use of a dimension's name takes a size";
      continue;
    }
    StringRef name = path->path.front().text;
    auto bound = llvm::find_if(options.dimensions, [&](const auto &dimension) { return dimension.first == name; });
    if (bound != options.dimensions.end()) {
      usedDimensions.insert(name);
      frame.variables[name] = bound->second;
    } else if (byDefault) {
      frame.variables[name] = evaluate(*byDefault);
    } else if (name != "N") { // what the batch lacks is said where it is used
      reporter.error(extent->position) << "dimension '" << name << "' of input '" << input.name.text
                                       << "' has no size: give it with --bind=" << name << "=… or as '" << name << " = …'";
      frame.variables[name] = Invalid();
    }
  }
}

void Evaluator::checkDimensionsAreUsed(const Function &function) {
  for (const auto &[name, size] : options.dimensions)
    if (!usedDimensions.contains(name) && !reporter.hasErrors())
      reporter.error(function.name.position) << "no input has a dimension '" << name << "' without a size of its own, as --bind=" << name << "="
                                             << size << " wants it";
}

void Evaluator::addInput(const Formal &formal) {
  Location location = reporter.at(formal.name.position);
  if (frame.variables.count(formal.name.text)) {
    reporter.error(location) << "the name '" << formal.name.text << "' is taken";
    return;
  }
  Datum &variable = frame.variables[formal.name.text];
  if (!formal.type)
    return;
  bindDimensions(formal);
  RankedTensorType type =
      evaluateType(*formal.type, reporter.at(formal.type->position));
  if (!type)
    return;
  if (type.getRank() == 0) {
    reporter.error(formal.type->position)
        << "an input needs a first dimension, the batch";
    return;
  }
  if (batch == 0)
    batch = type.getDimSize(0);
  if (type.getDimSize(0) != batch) {
    reporter.error(formal.type->extents.front()->position)
        << "the first dimension of input '" << formal.name.text << "' is "
        << type.getDimSize(0) << " but the batch is " << batch;
    return;
  }
  StringRef name = formal.name.text;
  variable = graph.addInput(
      name, type,
      NameLoc::get(graph.getBuilder().getStringAttr(name), location));
}

bool Evaluator::buildModel(const Function &function) {
  frame = makeFrame();
  for (const Formal &formal : function.formals)
    addInput(formal);
  checkDimensionsAreUsed(function);
  run(function.body);
  for (Name name : function.results) {
    auto it = frame.variables.find(name.text);
    if (it == frame.variables.end()) {
      reporter.error(name.position)
          << "'" << name.text << "' is a result but is never assigned";
    } else if (auto *value = std::get_if<Value>(&it->second)) {
      outputs.push_back({name.text, *value});
    } else if (!isInvalid(it->second)) {
      reporter.error(name.position)
          << "result '" << name.text << "' must be a tensor, not "
          << describe(it->second);
    }
  }
  return !reporter.hasErrors();
}

//===----------------------------------------------------------------------===//
// Statements
//===----------------------------------------------------------------------===//

void Evaluator::run(ArrayRef<Statement> body) {
  for (const Statement &statement : body) {
    if (reporter.isFull() || statements > maxStatements)
      return;
    std::visit([&](const auto &node) { run(node); }, statement.node);
  }
}

void Evaluator::assign(Name name, Datum value) {
  if (name.text == "N" || name.text == "same")
    reporter.error(name.position)
        << "'" << name.text << "' cannot be assigned: it is "
        << (name.text == "N" ? "the batch" : "a value of 'padding'");
  else
    frame.variables[name.text] = std::move(value);
}

bool Evaluator::countStatement(Position position) {
  if (++statements <= maxStatements)
    return true;
  reporter.error(position) << "the model runs more than " << maxStatements << " statements";
  return false;
}

void Evaluator::run(const Assignment &assignment) {
  if (!countStatement(assignment.targets.front().position))
    return;
  ArrayRef<Name> targets = assignment.targets;
  Datum value =
      assignment.value ? evaluate(*assignment.value) : Datum(Invalid());
  auto *tuple = std::get_if<Tuple>(&value);
  size_t count = tuple ? tuple->size() : 1;
  if (count != targets.size() && !isInvalid(value)) {
    reporter.error(targets.front().position)
        << targets.size() << (targets.size() == 1 ? " name" : " names")
        << " for " << count << (count == 1 ? " result" : " results");
    value = Invalid();
    tuple = nullptr;
  }
  for (auto [i, target] : llvm::enumerate(targets))
    assign(target, tuple ? Datum((*tuple)[i]) : value);
}

void Evaluator::run(const Parameter &parameter) {
  assign(parameter.name, Invalid());
  auto name = layers->claim(parameter.name, reporter);
  Location location = place(parameter.name.position);
  RankedTensorType type =
      evaluateType(parameter.type, reporter.at(parameter.type.position));
  Datum init = initialValue(*parameter.init);
  if (!name || !type || isInvalid(init))
    return;
  if (!type.getElementType().isF32()) {
    reporter.error(parameter.type.position) << "a parameter is trained, so its type is f32[...]";
    return;
  }
  Location named = NameLoc::get(graph.getBuilder().getStringAttr(*name), location);
  if (Value value = graph.addParameter(*name, type, std::get<InitialValue>(init).attribute, named))
    assign(parameter.name, value);
}

void Evaluator::run(const Repeat &repeat) {
  Datum count = evaluate(*repeat.count);
  auto *turns = std::get_if<int64_t>(&count);
  if (!turns || *turns < 1) {
    if (!isInvalid(count))
      reporter.error(repeat.count->position)
          << "'repeat' takes a positive integer, not " << describe(count);
    return;
  }
  std::optional<std::string> name =
      repeat.name ? layers->claim(*repeat.name, reporter)
                  : layers->claimUnnamed("repeat", repeat.position);
  if (!name)
    return;
  LayerScope *outer = layers;
  llvm::scope_exit leave([&] { layers = outer; });
  for (int64_t turn = 0; turn < *turns; ++turn) {
    // Every turn would make the same mistakes as the first.
    if (turn > 0 && reporter.hasErrors())
      return;
    if (!countStatement(repeat.position))
      return;
    LayerScope inner(*name + "." + std::to_string(turn) + ".", outer);
    layers = &inner;
    run(repeat.body);
    layers = outer;
  }
}

//===----------------------------------------------------------------------===//
// Expressions
//===----------------------------------------------------------------------===//

Datum Evaluator::evaluate(const Expr &expr) {
  return std::visit([&](const auto &node) { return evaluate(expr, node); },
                    expr.node);
}

Datum Evaluator::evaluate(const Expr &, const ListExpr &node) {
  IntegerList list;
  bool valid = true;
  for (const Expr *element : node.elements) {
    Datum value = evaluate(*element);
    if (auto *integer = std::get_if<int64_t>(&value)) {
      list.push_back(*integer);
      continue;
    }
    valid = false;
    if (!isInvalid(value))
      reporter.error(element->position)
          << "a list holds integers, not " << describe(value);
  }
  return valid ? Datum(std::move(list)) : Datum(Invalid());
}

Datum Evaluator::evaluate(const Expr &expr, const NameExpr &node) {
  if (node.path.size() > 1)
    return findParameter(node);
  Name name = node.path.front();
  auto it = frame.variables.find(name.text);
  if (it != frame.variables.end())
    return it->second;
  if (builtins().initialValues.find(name.text))
    return initialValue(expr);
  // The next use of the same name is the same mistake.
  frame.variables[name.text] = Invalid();
  InFlightDiagnostic diagnostic = reporter.error(name.position);
  if (name.text == "N") {
    diagnostic << "the batch N has no value: give it with --batch or as "
                  "'batch:' in a train block";
    return Invalid();
  }
  diagnostic << "unknown name '" << name.text << "'";
  if (builtins().layers.find(name.text) || blocks.count(name.text)) {
    diagnostic << ": it is a layer, to be called as " << name.text << "(…)";
    return Invalid();
  }
  SmallVector<StringRef> known;
  for (StringRef variable : frame.variables.keys())
    if (variable != name.text)
      known.push_back(variable);
  llvm::sort(known);
  diagnostic << didYouMean(name.text, known);
  return Invalid();
}

/// `conv1.weight`: looked up here, then outside of every `repeat`.
Datum Evaluator::findParameter(const NameExpr &node) {
  std::string path;
  for (const Name &name : node.path) {
    if (!path.empty())
      path += '.';
    path += name.text;
  }
  for (const LayerScope *scope = layers; scope; scope = scope->getOuter())
    if (Value value = graph.findParameter(scope->getPrefix().str() + path))
      return value;
  SmallVector<StringRef> known = graph.parameterNames();
  llvm::sort(known);
  reporter.error(node.path.front().position)
      << "no parameter '" << path << "' stands before this"
      << didYouMean(layers->getPrefix().str() + path, known);
  return Invalid();
}

/// `normal(stddev: 0.02)`, `zeros`, or a variable that holds such.
Datum Evaluator::initialValue(const Expr &expr) {
  if (auto *bare = std::get_if<CallExpr>(&expr.node); bare && bare->arguments.empty() && !bare->layer) {
    auto it = frame.variables.find(bare->callee.text);
    if (it != frame.variables.end() && (isInvalid(it->second) || std::holds_alternative<InitialValue>(it->second)))
      return it->second;
  }
  auto argument = [this](const Expr &inner) { return evaluate(inner); };
  Attribute init = callAttribute(builtins().initialValues, "initial value", expr, argument, reporter);
  return init ? Datum(InitialValue{init}) : Datum(Invalid());
}

Datum Evaluator::evaluate(const Expr &expr, const NegateExpr &node) {
  Datum value = evaluate(*node.operand);
  if (auto *tensor = std::get_if<Value>(&value)) {
    Layer layer(graph, layers->claimUnnamed("neg", expr.position),
                place(expr.position));
    return layer.infer<nn::NegOp>(*tensor);
  }
  if (auto *real = std::get_if<double>(&value))
    return -*real;
  if (isNumber(value))
    return computeNumbers(binaryOperator(TokenKind::Minus), Datum(int64_t(0)),
                          value, expr.position, reporter);
  if (!isInvalid(value))
    reporter.error(expr.position) << "'-' cannot negate " << describe(value);
  return Invalid();
}

Datum Evaluator::evaluate(const Expr &, const ChainExpr &node) {
  Datum result = evaluate(*node.first);
  for (const ChainExpr::Link &link : node.links) {
    Datum operand = evaluate(*link.operand);
    result = apply(link.op, result, operand);
  }
  return result;
}

Datum Evaluator::apply(const Token &op, const Datum &a, const Datum &b) {
  if (isInvalid(a) || isInvalid(b))
    return Invalid();
  const BinaryOperator &binary = binaryOperator(op.kind);
  if (isNumber(a) && isNumber(b))
    return computeNumbers(binary, a, b, op.position, reporter);
  for (const Datum *operand : {&a, &b}) {
    if (isNumber(*operand) || std::holds_alternative<Value>(*operand))
      continue;
    reporter.error(op.position) << "an operand of '" << op.text
                                << "' must be a tensor or a number, not "
                                << describe(*operand);
    return Invalid();
  }
  Layer layer(graph, layers->claimUnnamed(binary.name, op.position),
              place(op.position));
  auto toTensor = [&](const Datum &operand) {
    return isNumber(operand) ? graph.constant(toReal(operand), layer.location)
                             : std::get<Value>(operand);
  };
  Value x = toTensor(a), y = toTensor(b);
  return x && y ? binary.tensors(layer, x, y) : Datum(Invalid());
}

Datum Evaluator::evaluate(const Expr &, const PipeExpr &node) {
  GivenArgument piped{std::nullopt, evaluate(*node.head), node.head->position};
  for (const Expr *expr : node.calls) {
    const auto &node = std::get<CallExpr>(expr->node);
    piped.value = node.layer && node.layer->isRange() ? callRow(node, piped) : call(node, piped);
    piped.position = expr->position;
  }
  return piped.value;
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

/// The number behind a layer's name, of which there are as many as statements.
std::optional<int64_t> Evaluator::layerNumber(const Expr &expr) {
  Datum value = evaluate(expr);
  auto *number = std::get_if<int64_t>(&value);
  if (number && *number >= 0 && *number <= maxStatements)
    return *number;
  if (!isInvalid(value))
    reporter.error(expr.position) << "the number of a layer must be an integer from 0 to " << maxStatements << ", not " << describe(value);
  return std::nullopt;
}

std::optional<std::string> Evaluator::nameLayer(const CallExpr &node, std::optional<int64_t> number) {
  if (!node.layer)
    return layers->claimUnnamed(node.callee.text, node.callee.position);
  if (!number && node.layer->isIndexed() && !(number = layerNumber(*node.layer->first)))
    return std::nullopt;
  return number ? layers->claim(node.layer->name, *number, reporter) : layers->claim(node.layer->name, reporter);
}

Datum Evaluator::evaluate(const Expr &expr, const CallExpr &node) {
  StringRef callee = node.callee.text;
  if (builtins().initialValues.find(callee) && !blocks.count(callee))
    return initialValue(expr);
  if (!node.layer || !node.layer->isRange())
    return call(node, {});
  reporter.error(node.layer->name.position)
      << "a row of layers passes on what is piped into it: 'x |> " << callee << " as " << node.layer->name.text << "[…]'";
  return Invalid();
}

/// `x |> f as h[first:end]`: f as often as there are numbers, each copy on the result of the one before.
Datum Evaluator::callRow(const CallExpr &node, GivenArgument piped) {
  std::optional<int64_t> first = node.layer->first ? layerNumber(*node.layer->first) : 0;
  std::optional<int64_t> end = layerNumber(*node.layer->end);
  if (!first || !end)
    return Invalid();
  if (*first > *end) {
    reporter.error(node.layer->name.position) << "the layers '" << node.layer->name.text << "[" << *first << ":" << *end << "]' end before they begin";
    return Invalid();
  }
  for (int64_t number = *first; number < *end; ++number) {
    if (!countStatement(node.callee.position))
      return Invalid();
    piped.value = call(node, piped, number);
    if (std::holds_alternative<Tuple>(piped.value)) {
      reporter.error(node.callee.position) << "'" << node.callee.text << "' has " << describe(piped.value)
                                           << ", and what a row of layers passes on is one";
      return Invalid();
    }
    // Every copy would make the same mistakes as the first.
    if (isInvalid(piped.value) || reporter.hasErrors())
      return Invalid();
  }
  return piped.value;
}

Datum Evaluator::call(const CallExpr &node, std::optional<GivenArgument> piped,
                      std::optional<int64_t> number) {
  SmallVector<GivenArgument> given;
  if (piped)
    given.push_back(*piped);
  for (const Argument &argument : node.arguments)
    given.push_back({argument.name, evaluate(*argument.value),
                     argument.value->position});

  Name callee = node.callee;
  if (const Function *block = blocks.lookup(callee.text))
    return callBlock(*block, node, given, nameLayer(node, number));
  const LayerBuiltin *builtin = builtins().layers.find(callee.text);
  if (!builtin) {
    SmallVector<StringRef> known = builtins().layers.names();
    llvm::append_range(known, blocks.keys());
    llvm::sort(known);
    reporter.error(callee.position) << "unknown layer '" << callee.text << "'"
                                    << didYouMean(callee.text, known);
  }
  // The name is taken even if the call fails: a second use of it is wrong.
  std::optional<std::string> path = nameLayer(node, number);
  if (!builtin)
    return Invalid();
  std::optional<Arguments> arguments =
      bind(builtin->signature, given, callee.position, reporter);
  if (!arguments || !path)
    return Invalid();
  Layer layer(graph, *path, place(callee.position));
  return builtin->build(layer, *arguments);
}

/// Names in the type of an argument that the block has not for its arguments stand for the tensor's extents, each for the first.
void Evaluator::bindExtents(const Function &block, const Formal &formal, const Datum &given) {
  auto *value = std::get_if<Value>(&given);
  if (!value || tensorType(*value).getRank() != static_cast<int64_t>(formal.type->extents.size()))
    return;
  for (auto [extent, size] : llvm::zip_equal(formal.type->extents, tensorType(*value).getShape())) {
    auto *path = std::get_if<NameExpr>(&extent->node);
    if (!path || path->path.size() != 1)
      continue;
    StringRef name = path->path.front().text;
    if (llvm::none_of(block.formals, [&](const Formal &other) { return other.name.text == name; }))
      frame.variables.try_emplace(name, size);
  }
}

/// Of an argument with a type: the tensor agrees with it.
bool Evaluator::checkShape(const Function &block, const Formal &formal, const Datum &given, Position position) {
  if (isInvalid(given))
    return false;
  auto report = [&](auto &&...parts) {
    InFlightDiagnostic diagnostic = reporter.error(position);
    diagnostic << "'" << formal.name.text << "' of '" << block.name.text << "' must ";
    (diagnostic << ... << parts);
    diagnostic << ", but is " << describe(given);
    diagnostic.attachNote(reporter.at(formal.type->position)) << "as it says here";
    return false;
  };
  const std::vector<const Expr *> &extents = formal.type->extents;
  auto *value = std::get_if<Value>(&given);
  if (!value)
    return report("be a tensor");
  RankedTensorType type = tensorType(*value);
  if (type.getElementType() != elementType(*formal.type))
    return report("be of ", formal.type->element);
  if (type.getRank() != static_cast<int64_t>(extents.size()))
    return report("have ", extents.size(), extents.size() == 1 ? " dimension" : " dimensions");
  for (auto [d, extent] : llvm::enumerate(extents)) {
    auto *path = std::get_if<NameExpr>(&extent->node);
    Datum wanted = evaluate(*extent);
    if (isInvalid(wanted))
      return false;
    if (!std::holds_alternative<int64_t>(wanted)) {
      reporter.error(extent->position) << "an extent must be an integer, not " << describe(wanted);
      return false;
    }
    if (std::get<int64_t>(wanted) == type.getDimSize(d))
      continue;
    if (path)
      return report("have ", describe(wanted), ", which is ", path->path.front().text, ", as dimension ", d);
    return report("have ", describe(wanted), " as dimension ", d);
  }
  return true;
}

Datum Evaluator::callBlock(const Function &block, const CallExpr &node,
                           ArrayRef<GivenArgument> given, std::optional<std::string> path) {
  Position position = node.callee.position;
  if (!block.isComplete)
    return Invalid();
  Signature signature{block.name.text, {}};
  for (const Formal &formal : block.formals)
    signature.parameters.push_back({formal.name.text, &kinds::any, formal.byDefault ? Arity::Optional : Arity::Required});
  std::optional<Arguments> arguments =
      bind(signature, given, position, reporter);
  if (!arguments || !path)
    return Invalid();
  if (llvm::is_contained(callStack, &block)) {
    reporter.error(position) << "block '" << block.name.text
                             << "' would contain itself";
    return Invalid();
  }
  if (callStack.size() >= maxCalls) {
    reporter.error(position) << "blocks stand more than " << maxCalls
                             << " deep in blocks";
    return Invalid();
  }

  Frame inner = makeFrame();
  inner.caller = place(position);
  for (const Formal &formal : block.formals)
    if (arguments->has(formal.name.text))
      inner.variables[formal.name.text] = arguments->get(formal.name.text);
  LayerScope innerLayers(*path + ".");
  LayerScope *outerLayers = std::exchange(layers, &innerLayers);
  std::swap(frame, inner);
  callStack.push_back(&block);
  for (const Formal &formal : block.formals)
    if (formal.type && arguments->has(formal.name.text))
      bindExtents(block, formal, arguments->get(formal.name.text));
  for (const Formal &formal : block.formals)
    if (!arguments->has(formal.name.text))
      frame.variables[formal.name.text] = evaluate(*formal.byDefault);
  bool fits = true;
  for (const Formal &formal : block.formals) {
    StringRef name = formal.name.text;
    if (formal.type && !checkShape(block, formal, frame.variables[name], arguments->position(name)))
      fits = false;
  }
  if (fits)
    run(block.body);
  callStack.pop_back();
  std::swap(frame, inner);
  layers = outerLayers;
  if (!fits)
    return Invalid();

  SmallVector<Datum> results;
  for (Name name : block.results) {
    auto it = inner.variables.find(name.text);
    if (it == inner.variables.end()) {
      reporter.error(name.position)
          << "'" << name.text << "' is a result but is never assigned";
      return Invalid();
    }
    results.push_back(it->second);
  }
  if (results.size() == 1)
    return results.front();
  Tuple tuple;
  for (auto [name, result] : llvm::zip(block.results, results)) {
    auto *value = std::get_if<Value>(&result);
    if (!value) {
      if (!isInvalid(result))
        reporter.error(name.position)
            << "result '" << name.text << "' must be a tensor, not "
            << describe(result);
      return Invalid();
    }
    tuple.push_back(*value);
  }
  return tuple;
}

//===----------------------------------------------------------------------===//
// The file
//===----------------------------------------------------------------------===//

/// Names of models and blocks are unique and are not builtins'.
static void checkDefinitions(const File &file, Reporter &reporter) {
  llvm::StringMap<Position> seen;
  for (const Function &block : file.blocks) {
    Name name = block.name;
    auto [it, isNew] = seen.try_emplace(name.text, name.position);
    if (builtins().layers.find(name.text)) {
      reporter.error(name.position)
          << "block '" << name.text << "' has the name of a layer";
    } else if (!isNew) {
      InFlightDiagnostic diagnostic = reporter.error(name.position);
      diagnostic << "block '" << name.text << "' is defined twice";
      diagnostic.attachNote(reporter.at(it->second)) << "first here";
    }
    llvm::StringMap<Position> formals;
    for (const Formal &formal : block.formals)
      if (!formals.try_emplace(formal.name.text, Position()).second)
        reporter.error(formal.name.position)
            << "the name '" << formal.name.text << "' is taken";
  }
  if (file.models.empty() && !reporter.hasErrors())
    reporter.error(Position()) << "the file defines no model";
  for (const Function &model : ArrayRef(file.models).drop_front(
           std::min<size_t>(file.models.size(), 1))) {
    InFlightDiagnostic diagnostic = reporter.error(model.name.position);
    diagnostic << "a file defines one model";
    diagnostic.attachNote(reporter.at(file.models.front().name.position))
        << "which is this";
  }
}

OwningOpRef<ModuleOp> dtc::dsl::evaluate(const File &file,
                                         const ImportOptions &options,
                                         Reporter &reporter) {
  checkDefinitions(file, reporter);
  if (file.models.empty())
    return {};
  const Function &model = file.models.front();
  Recipe recipe = readRecipe(file, reporter);
  if (!model.isComplete)
    return {};
  Graph graph(reporter, model.name.text, reporter.at(model.name.position));
  Evaluator evaluator(file, options, options.batch ? options.batch : recipe.batch, reporter, graph);
  if (!evaluator.buildModel(model))
    return {};
  Attribute attribute;
  if (!file.trains.empty())
    attribute = makeRecipe(recipe, evaluator.getBatch(), reporter);
  if (reporter.hasErrors())
    return {};
  return graph.finish(evaluator.outputs, attribute);
}
