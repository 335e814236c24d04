// What a file says, as text that a terminal only shows.
#ifndef DTC_IMPORT_PRINTABLETEXT_H
#define DTC_IMPORT_PRINTABLETEXT_H

#include "llvm/ADT/StringRef.h"

#include <string>

namespace dtc {

/// How many bytes the character at the beginning of `text` has; 0 if it is not one that is shown: bytes that are no UTF-8, control characters
/// (escape sequences of terminals begin with U+001B, or U+009B), separators of lines, and what changes the direction of the text around it, so
/// that it reads as what it is not (CVE-2021-42574).
size_t shownBytes(llvm::StringRef text);

/// `text` on one line: bytes of what is not shown as `\x1B`.
std::string printable(llvm::StringRef text);

} // namespace dtc

#endif // DTC_IMPORT_PRINTABLETEXT_H
