// Escapes for XML and for Graphviz.
#include "Escape.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

using llvm::StringRef;

static constexpr StringRef replacement = "\xEF\xBF\xBD";

std::string dtc::explain::escapeXML(StringRef text) {
  std::string valid = llvm::json::fixUTF8(text), clean;
  for (size_t i = 0; i < valid.size(); ++i) {
    StringRef rest = StringRef(valid).substr(i);
    if (static_cast<unsigned char>(valid[i]) < 0x20 && !StringRef("\t\n\r").contains(valid[i])) {
      clean += replacement;
    } else if (rest.starts_with("\xEF\xBF\xBE") || rest.starts_with("\xEF\xBF\xBF")) {
      clean += replacement;
      i += 2;
    } else {
      clean += valid[i];
    }
  }
  std::string escaped;
  llvm::raw_string_ostream os(escaped);
  llvm::printHTMLEscaped(clean, os);
  return escaped;
}

std::string dtc::explain::escapeDot(StringRef text) {
  std::string escaped;
  for (char c : llvm::json::fixUTF8(text))
    if (c == '"' || c == '\\')
      (escaped += '\\') += c;
    else if (c == '\n')
      escaped += "\\n";
    else
      escaped += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  return escaped;
}
