// Any text, such as a name of a model, as text of a picture's format.
#ifndef DTC_LIB_EXPLAIN_ESCAPE_H
#define DTC_LIB_EXPLAIN_ESCAPE_H

#include "llvm/ADT/StringRef.h"

#include <string>

namespace dtc::explain {

/// For text and attribute values of XML 1.0, which has no form for control
/// characters and for what is not UTF-8; they become U+FFFD.
std::string escapeXML(llvm::StringRef text);
/// For a quoted string of Graphviz, where newlines become \n and other control
/// characters blanks.
std::string escapeDot(llvm::StringRef text);

} // namespace dtc::explain

#endif // DTC_LIB_EXPLAIN_ESCAPE_H
