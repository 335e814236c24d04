// The calls of the runtime library that rt.call makes, each declared once: the verifier checks calls by it, lowerings leave out what is a
// default, the emitter writes options by their kinds, and test/Unit/RT compares it with the library's headers.
#ifndef DTC_DIALECTS_RT_RUNTIMECALLS_H
#define DTC_DIALECTS_RT_RUNTIMECALLS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <vector>

namespace dtc::rt {

/// A member of a call's struct of options, or an argument behind its tensors.
struct RuntimeOption {
  enum class Kind {
    Buffer,  ///< a tensor; absent by default
    Integer,
    Real,
    Flag,    ///< false by default
    Word,    ///< an enumerator
    Text,    ///< a string
    List,    ///< integers
    Argument ///< a number that is no member: it stands behind the tensors, and has no default
  };
  llvm::StringRef name;
  Kind kind;
  /// The default of a number; of a list that of each element, where `isFilled`.
  double number = 0;
  llvm::StringRef word = {};
  /// Of a list: an empty one means `number` everywhere.
  bool isFilled = false;
  /// There is no default.
  bool isRequired = false;

  static RuntimeOption buffer(llvm::StringRef name) { return {name, Kind::Buffer}; }
  static RuntimeOption integer(llvm::StringRef name, int64_t byDefault) { return {name, Kind::Integer, static_cast<double>(byDefault)}; }
  static RuntimeOption real(llvm::StringRef name, double byDefault) { return {name, Kind::Real, byDefault}; }
  static RuntimeOption flag(llvm::StringRef name) { return {name, Kind::Flag}; }
  static RuntimeOption choice(llvm::StringRef name, llvm::StringRef byDefault) { return {name, Kind::Word, 0, byDefault}; }
  static RuntimeOption text(llvm::StringRef name) { return {name, Kind::Text}; }
  static RuntimeOption list(llvm::StringRef name, int64_t each) { return {name, Kind::List, static_cast<double>(each), {}, true}; }
  /// An empty one means something of its own.
  static RuntimeOption list(llvm::StringRef name) { return {name, Kind::List}; }
  static RuntimeOption requiredList(llvm::StringRef name) { return {name, Kind::List, 0, {}, false, true}; }
  static RuntimeOption argument(llvm::StringRef name) { return {name, Kind::Argument, 0, {}, false, true}; }
};

struct RuntimeCall {
  /// How inputs are passed.
  enum class Form {
    Plain,    ///< one argument each
    List,     ///< any number, as one list
    Tuples,   ///< `inputs` of them, or a list of as many tuples as one likes
    OfFormula ///< tuples as a formula says, and `inputs` behind them
  };
  llvm::StringRef callee, header;
  unsigned inputs, outputs;
  /// Of the outputs the last ones may be left out.
  unsigned optionalOutputs = 0;
  Form form = Form::Plain;
  /// The struct, for f32; empty if there is none.
  llvm::StringRef optionsType = {};
  std::vector<RuntimeOption> options = {};

  /// Null: there is none of this name.
  const RuntimeOption *option(llvm::StringRef name) const;
  bool has(llvm::StringRef name) const { return option(name) != nullptr; }
};

/// All calls, sorted by name.
llvm::ArrayRef<RuntimeCall> runtimeCalls();
/// Null: the runtime has none of this name.
const RuntimeCall *runtimeCall(llvm::StringRef callee);

} // namespace dtc::rt

#endif // DTC_DIALECTS_RT_RUNTIMECALLS_H
