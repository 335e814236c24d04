// Names of the model in a list on the command line.
#ifndef DTC_TOOLS_DTC_NAMELIST_H
#define DTC_TOOLS_DTC_NAMELIST_H

#include "llvm/ADT/StringRef.h"

#include <optional>
#include <string>
#include <vector>

namespace dtc {

/// Splits a list at its commas; nothing between two is no name. In names `\,` is a comma, `\\` a backslash and `\xNN` the byte of that
/// hexadecimal number; nothing where a backslash stands before anything else.
std::optional<std::vector<std::string>> splitNames(llvm::StringRef list);

} // namespace dtc

#endif // DTC_TOOLS_DTC_NAMELIST_H
