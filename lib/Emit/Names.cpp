// Identifiers and literals from names that nobody has checked.
#include "Names.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::emit;

/// What a member must not be called: keywords of C++20 and CUDA, and macros
/// and names that the emitted file uses itself.
static bool isReserved(StringRef name) {
  static const llvm::StringSet<> reserved = {
      "alignas", "alignof", "and", "and_eq", "asm", "auto", "bitand", "bitor",
      "bool", "break", "case", "catch", "char", "char8_t", "char16_t",
      "char32_t", "class", "compl", "concept", "const", "consteval",
      "constexpr", "constinit", "const_cast", "continue", "co_await",
      "co_return", "co_yield", "decltype", "default", "delete", "do", "double",
      "dynamic_cast", "else", "enum", "explicit", "export", "extern", "false",
      "float", "for", "friend", "goto", "if", "inline", "int", "long",
      "mutable", "namespace", "new", "noexcept", "not", "not_eq", "nullptr",
      "operator", "or", "or_eq", "private", "protected", "public", "register",
      "reinterpret_cast", "requires", "return", "short", "signed", "sizeof",
      "static", "static_assert", "static_cast", "struct", "switch", "template",
      "this", "thread_local", "throw", "true", "try", "typedef", "typeid",
      "typename", "union", "unsigned", "using", "virtual", "void", "volatile",
      "wchar_t", "while", "xor", "xor_eq", "arena", "Arena", "Tensor", "Buffers",
      "NULL", "EOF", "NAN", "INFINITY", "HUGE_VAL", "errno", "assert", "stdin",
      "stdout", "stderr", "linux", "unix", "M_PI", "M_E", "I"};
  return reserved.contains(name);
}

std::string dtc::emit::makeIdentifier(StringRef name) {
  constexpr size_t longest = 64;
  std::string identifier;
  for (char c : name.take_front(longest)) {
    if (llvm::isAlnum(c))
      identifier += c;
    else if (!identifier.empty() && identifier.back() != '_')
      identifier += '_';
  }
  while (!identifier.empty() && identifier.back() == '_')
    identifier.pop_back();
  if (identifier.empty())
    return "unnamed";
  // Names of the runtime and of macros begin with capitals or are reserved.
  if (llvm::isDigit(identifier.front()) || isReserved(identifier) ||
      StringRef(identifier).starts_with("MPI") ||
      StringRef(identifier).starts_with("DTC"))
    identifier = "t_" + identifier;
  return identifier;
}

static StringRef rawName(Operation *op) {
  return op->getAttrOfType<StringAttr>("name").getValue();
}

Names::Names(rt::ProgramOp program) {
  llvm::StringSet<> taken;
  for (Operation &op : program.getBody().front()) {
    if (!isa<rt::BufferOp, rt::ViewOp, rt::ConstantOp>(op))
      continue;
    std::string base = makeIdentifier(rawName(&op)), identifier = base;
    for (int i = 2; !taken.insert(identifier).second; ++i)
      identifier = base + "_" + std::to_string(i);
    identifiers[op.getResult(0)] = identifier;
  }
}

StringRef Names::of(Value memory) const {
  return identifiers.find(memory)->second;
}

static bool isPlain(char c) {
  return llvm::isAlnum(c) || StringRef("._/-: ").contains(c);
}

std::string dtc::emit::quote(StringRef text) {
  std::string literal = "\"";
  for (unsigned char c : text) {
    if (isPlain(c)) {
      literal += c;
      continue;
    }
    literal += '\\';
    for (int shift : {6, 3, 0})
      literal += static_cast<char>('0' + ((c >> shift) & 7));
  }
  return literal + "\"";
}

std::string dtc::emit::forComment(StringRef text) {
  std::string comment;
  for (char c : text.take_front(80))
    comment += isPlain(c) || c == ',' ? c : '_';
  return comment;
}
