// Keywords, macros, and the emitter's own words. test/Emit/reserved-names.test compares them with the headers.
#include "Reserved.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

using llvm::StringLiteral;
using llvm::StringRef;

/// C++20, its alternative tokens, and what compilers add where they are not told to be strict.
static bool isKeyword(StringRef word) {
  static const llvm::StringSet<> keywords = {
      "alignas", "alignof", "and", "and_eq", "asm", "auto", "bitand", "bitor", "bool", "break", "case", "catch",
      "char", "char8_t", "char16_t", "char32_t", "class", "compl", "concept", "const", "consteval", "constexpr",
      "constinit", "const_cast", "continue", "co_await", "co_return", "co_yield", "decltype", "default", "delete",
      "do", "double", "dynamic_cast", "else", "enum", "explicit", "export", "extern", "false", "float", "for",
      "friend", "goto", "if", "inline", "int", "long", "mutable", "namespace", "new", "noexcept", "not", "not_eq",
      "nullptr", "operator", "or", "or_eq", "private", "protected", "public", "register", "reinterpret_cast",
      "requires", "return", "short", "signed", "sizeof", "static", "static_assert", "static_cast", "struct", "switch",
      "template", "this", "thread_local", "throw", "true", "try", "typedef", "typeid", "typename", "typeof", "union",
      "unsigned", "using", "virtual", "void", "volatile", "wchar_t", "while", "xor", "xor_eq"};
  return keywords.contains(word);
}

/// Object-like macros that do not look like macros: of the C library and POSIX, of compilers that are not strict, of
/// CUDA; also those of headers that only an edited program includes. (The name of a function-like one is no harm: no
/// bracket ever follows an identifier of ours.)
static bool isUnlikelyMacro(StringRef word) {
  static const llvm::StringSet<> macros = {
      "I", "L_ctermid", "L_cuserid", "L_tmpnam", "La_x32_regs", "La_x32_retval", "P_tmpdir", "basename", "d_fileno",
      "errno", "h_addr", "h_errno", "i386", "linux", "math_errhandling", "mips", "msg_cbytes", "pixel",
      "sched_priority", "sigev_notify_attributes", "sigev_notify_function", "sparc", "stderr", "stdin", "stdout",
      "sun", "unix", "vector"};
  if (macros.contains(word))
    return true;
  // Members of the system's structs that are others under another name: st_atime, si_pid, s6_addr32.
  constexpr StringLiteral families[] = {"ifa_", "ifc_", "ifr_", "s6_addr", "sa_", "si_", "st_"};
  if (llvm::any_of(families, [&](StringRef family) { return word.starts_with(family); }))
    return true;
  return word.starts_with("cuda") && word.size() > 4 && llvm::isUpper(word[4]);
}

/// `EOF`, `B0`; `SYS_accept`, `PRId64`; `M_PIl`. One capital is none: models call their tensors X and W.
static bool looksLikeMacro(StringRef word) {
  if (word.size() < 2 || !llvm::isUpper(word[0]))
    return false;
  if (llvm::none_of(word, llvm::isLower))
    return true;
  return llvm::isUpper(word[1]) || (word[1] == '_' && !llvm::isLower(word[2]));
}

bool dtc::emit::isReservedWord(StringRef identifier) {
  return looksLikeMacro(identifier) || isKeyword(identifier) || isUnlikelyMacro(identifier);
}

llvm::ArrayRef<StringLiteral> dtc::emit::wordsOfBuffers() {
  static constexpr StringLiteral words[] = {"Arena", "Array", "Buffers", "Slots", "Tensor", "arena", "bf16", "channels_last",
                                            "constants", "device", "f32", "f64", "i32", "i64", "row_major", "u8"};
  return words;
}

llvm::ArrayRef<StringLiteral> dtc::emit::wordsOfFile() {
  static constexpr StringLiteral words[] = {
      // Declared beside kernels and fragments.
      "Buffers", "bind", "constants", "evaluate", "main", "plan", "predict", "step",
      // Types.
      "Array", "Binding", "Context", "Init", "Pending", "Plan", "Precision", "Read", "Reduction", "Span", "Tensor", "Write",
      "bf16", "f32", "f64", "i32", "i64", "index", "std", "u8",
      // Functions.
      "all_gather", "all_gather_start", "all_reduce", "all_reduce_start", "all_to_all", "all_to_all_start", "broadcast",
      "broadcast_start", "convert", "device", "dtcrt", "grid", "integer_power", "launch", "less_or_greater", "maximum", "measure", "minimum",
      "quotient", "recv_start", "reduce_scatter", "reduce_scatter_start", "rest", "role", "run", "select", "send_start", "unordered",
      "wrapping_add", "wrapping_mul", "wrapping_sub",
      // Parameters and variables.
      "argc", "argv", "b", "binding", "ctx", "i", "lanes", "microbatch", "span", "tensors",
      // Of the C library, in kernels (Expressions.cpp).
      "acos", "acosf", "acosh", "acoshf", "asin", "asinf", "asinh", "asinhf", "atan", "atanf", "atanh", "atanhf",
      "ceil", "ceilf", "cos", "cosf", "cosh", "coshf", "erf", "erff", "exp", "expf", "expm1", "expm1f", "fabs",
      "fabsf", "floor", "floorf", "fmod", "fmodf", "log", "log1p", "log1pf", "logf", "pow", "powf", "rint", "rintf",
      "sin", "sinf", "sinh", "sinhf", "sqrt", "sqrtf", "tan", "tanf", "tanh", "tanhf"};
  return words;
}
