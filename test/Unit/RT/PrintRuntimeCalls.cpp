// Writes, from the declarations of runtime calls, a program that compiles only if the library's headers say the same: that there is such a call,
// which takes so many tensors and such options in this order, with these defaults.
#include "dialects/RT/RuntimeCalls.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <set>

using namespace dtc::rt;
using llvm::StringRef;
using Kind = RuntimeOption::Kind;
using Form = RuntimeCall::Form;

/// A value that no default is, as an initializer.
static std::string other(const RuntimeOption &option) {
  switch (option.kind) {
  case Kind::Buffer:
    return "{}";
  case Kind::Integer:
    return "7";
  case Kind::Real:
    return "0.5f";
  case Kind::Flag:
    return "true";
  case Kind::Word:
    return "Activation::relu";
  case Kind::Text:
    return "\"data\"";
  case Kind::List:
    return "{7, 7}";
  case Kind::Argument:
    return "0.5f";
  }
  return "";
}

/// `options.groups == 1`: what a member is where nobody says anything.
static std::string defaultOf(const RuntimeOption &option) {
  std::string member = ("options." + option.name).str(), text;
  llvm::raw_string_ostream os(text);
  switch (option.kind) {
  case Kind::Buffer:
    os << "sizeof(" << member << ") > 0";
    break;
  case Kind::Integer:
    os << member << " == " << static_cast<int64_t>(option.number) + 1 << " - 1"; // the least number has no literal
    break;
  case Kind::Real:
    os << member << " == static_cast<decltype(" << member << ")>(" << llvm::format("%.17g", option.number) << ")";
    break;
  case Kind::Flag:
    os << "!" << member;
    break;
  case Kind::Word:
    os << member << " == Activation::" << option.word;
    break;
  case Kind::Text:
    os << "*" << member << " == 0";
    break;
  case Kind::List:
    os << member << ".empty()";
    break;
  case Kind::Argument:
    break;
  }
  return text;
}

/// Most tensors may be f32; these are not.
static std::string elementOf(StringRef callee, unsigned number) {
  if (number == 1 && (callee == "softmax_cross_entropy" || callee == "count_correct"))
    return "i64"; // class ids
  if (number == 1 && (callee == "gather" || callee == "gather_gradient"))
    return "i64"; // rows
  if (number == 1 && callee == "dropout")
    return "i64"; // the step
  if ((callee == "max_pool" && number == 2) || (callee == "max_pool_gradient" && number == 1))
    return "u8"; // positions in windows
  return callee == "cast" && number == 1 ? "bf16" : "f32";
}

/// Tuples one by one, and in a list.
static void printList(const RuntimeCall &call, llvm::raw_ostream &os) {
  llvm::SmallVector<std::string> tensors;
  for (unsigned i = 0; i < call.inputs; ++i)
    tensors.push_back("Tensor<" + elementOf(call.callee, i) + ">()");
  std::string tuple = "{" + llvm::join(tensors, ", ") + "}";
  os << "  " << call.callee << "(ctx, {" << tuple << ", " << tuple << "}" << (call.optionsType.empty() ? "" : ", ") << call.optionsType
     << (call.optionsType.empty() ? "" : "()") << ");\n";
}

static void print(const RuntimeCall &call, unsigned outputs, llvm::raw_ostream &os) {
  llvm::SmallVector<std::string> arguments = {"ctx"};
  auto tensor = [&](unsigned number) { return "Tensor<" + elementOf(call.callee, number) + ">()"; };
  unsigned tensors = 0;
  if (call.form == Form::List) {
    arguments.push_back("{Tensor<f32>(), Tensor<f32>()}");
  } else {
    for (unsigned i = 0; i < call.inputs; ++i)
      arguments.push_back(tensor(tensors++));
  }
  for (unsigned i = 0; i < outputs; ++i)
    arguments.push_back(tensor(tensors++));
  for (const RuntimeOption &option : call.options)
    if (option.kind == Kind::Argument)
      arguments.push_back(other(option));
  if (!call.optionsType.empty())
    arguments.push_back((call.optionsType + "()").str());
  os << "  " << call.callee << "(" << llvm::join(arguments, ", ") << ");\n";
}

int main() {
  llvm::raw_ostream &os = llvm::outs();
  os << "// Made by test/Unit/RT/PrintRuntimeCalls.cpp. Compiled, never run.\n";
  std::set<StringRef> headers;
  for (const RuntimeCall &call : runtimeCalls())
    headers.insert(call.header);
  for (StringRef header : headers)
    os << "#include <dtcrt/" << header << ">\n";
  os << "\nusing namespace dtcrt;\n\n";
  for (const RuntimeCall &call : runtimeCalls()) {
    os << "namespace of_" << call.callee << " {\n";
    if (!call.optionsType.empty()) {
      os << "constexpr " << call.optionsType << " options{};\n";
      for (const RuntimeOption &option : call.options)
        if (option.kind != Kind::Argument)
          os << "static_assert(" << defaultOf(option) << ");\n";
      os << "inline const " << call.optionsType << " all_options{";
      llvm::SmallVector<std::string> members;
      for (const RuntimeOption &option : call.options)
        if (option.kind != Kind::Argument)
          members.push_back(("." + option.name + " = " + other(option)).str());
      os << llvm::join(members, ", ") << "};\n";
    }
    os << "}\n";
  }
  os << "\n// Never called.\nvoid call_all(Context &ctx) {\n";
  for (const RuntimeCall &call : runtimeCalls()) {
    if (call.form == Form::Tuples)
      printList(call, os);
    if (call.form != Form::OfFormula)
      for (unsigned outputs = call.outputs - call.optionalOutputs; outputs <= call.outputs; ++outputs)
        print(call, outputs, os);
  }
  os << "}\n";
  return 0;
}
