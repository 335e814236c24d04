// Identifiers and literals from names that nobody has checked.
#include "Names.h"
#include "Reserved.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::emit;

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
  if (llvm::isDigit(identifier.front()) || isReservedWord(identifier))
    identifier = "t_" + identifier;
  return identifier;
}

std::string dtc::emit::roleIdentifier(rt::ProgramOp program) {
  std::string identifier = makeIdentifier(program.getSymName());
  return llvm::is_contained(wordsOfFile(), identifier) ? identifier + "_role" : identifier;
}

StringRef dtc::emit::nameOf(Value memory) { return memory.getDefiningOp()->getAttrOfType<StringAttr>("name").getValue(); }

std::string Names::claim(std::string wanted, Scope &scope) {
  if (scope.try_emplace(wanted, 2).second)
    return wanted;
  // The number makes `B` what may be a macro.
  if (isReservedWord(wanted + "_2"))
    wanted = "t_" + wanted;
  int &next = scope.try_emplace(wanted, 2).first->second;
  for (;;)
    if (std::string identifier = wanted + "_" + std::to_string(next++); scope.try_emplace(identifier, 2).second)
      return identifier;
}

/// What fragments and timelines call of the runtime, and the words that calls get as options: `relu` in
/// `{.activation = relu}`.
void Names::takeWordsOfCalls(rt::ProgramOp program) {
  program.walk([&](rt::CallOp call) {
    take(call.getCallee(), ofFile);
    for (Attribute value : call.getOptionValues())
      if (auto word = dyn_cast<StringAttr>(value))
        take(word.getValue(), ofFile);
  });
}

Names::Names(rt::ProgramOp program) {
  Scope ofBuffers;
  for (StringRef word : wordsOfBuffers())
    take(word, ofBuffers);
  for (StringRef word : wordsOfFile())
    take(word, ofFile);
  takeWordsOfCalls(program);
  for (auto array : program.getOps<rt::ArrayOp>())
    if (!array.getListed())
      for (auto [i, member] : llvm::enumerate(array.getMembers()))
        places[member] = {array, i};
  for (Operation &op : program.getBody().front()) {
    if (isa<rt::BufferOp, rt::ViewOp, rt::ConstantOp, rt::ArrayOp>(op)) {
      if (places.contains(op.getResult(0)))
        continue;
      std::string identifier = makeIdentifier(nameOf(op.getResult(0)));
      if (llvm::is_contained(wordsOfBuffers(), identifier))
        identifier = "t_" + identifier;
      members[op.getResult(0)] = claim(identifier, ofBuffers);
    } else if (isa<rt::KernelOp, rt::FormulaOp, rt::FragmentOp>(op)) {
      std::string identifier = makeIdentifier(SymbolTable::getSymbolName(&op));
      if (!isa<rt::FragmentOp>(op) && ofFile.contains(identifier))
        identifier += isa<rt::KernelOp>(op) ? "_kernel" : "_formula";
      symbols[&op] = claim(identifier, ofFile);
    }
  }
  for (auto &[member, place] : places)
    members[member] = members.lookup(place.first.getArray()) + "[" + std::to_string(place.second) + "]";
}

StringRef Names::of(Value memory) const { return members.find(memory)->second; }
StringRef Names::of(Operation *symbol) const { return symbols.find(symbol)->second; }

static bool isPlain(char c) {
  return llvm::isAlnum(c) || StringRef("._/-: ").contains(c);
}

/// The inside of a literal: what is not plain as `\\042`.
static std::string escapeOctal(StringRef text) {
  std::string inside;
  for (unsigned char c : text) {
    if (isPlain(c)) {
      inside += c;
      continue;
    }
    inside += '\\';
    for (int shift : {6, 3, 0})
      inside += static_cast<char>('0' + ((c >> shift) & 7));
  }
  return inside;
}

std::string dtc::emit::quote(StringRef text) {
  std::string inside;
  for (StringRef rest = text;;) {
    auto [before, behind] = rest.split('\0');
    inside += escapeOctal(before);
    if (before.size() == rest.size())
      return "\"" + inside + "\"";
    inside += escapeOctal("\\x00");
    rest = behind;
  }
}

std::string dtc::emit::quoteWhole(StringRef text) {
  if (!text.contains('\0'))
    return quote(text);
  return "std::string(\"" + escapeOctal(text) + "\", " + std::to_string(text.size()) + ")";
}

std::string dtc::emit::forComment(StringRef text) {
  std::string comment;
  for (char c : text.take_front(80))
    comment += isPlain(c) || c == ',' ? c : '_';
  return comment;
}
