// The text of --help.
#ifndef DTC_TOOLS_DTC_HELP_H
#define DTC_TOOLS_DTC_HELP_H

#include "llvm/Option/OptTable.h"

namespace dtc {

/// Prints what dtc does and every option of `table` that has a help text and
/// not the flag `hidden`, under the title of its topic.
void printHelp(const llvm::opt::OptTable &table, unsigned hidden,
               llvm::raw_ostream &os);

} // namespace dtc

#endif // DTC_TOOLS_DTC_HELP_H
