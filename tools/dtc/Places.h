// What a compilation reads and writes: no output may cost what it is made from.
#ifndef DTC_TOOLS_DTC_PLACES_H
#define DTC_TOOLS_DTC_PLACES_H

#include "Options.h"

#include "llvm/Support/Error.h"

namespace dtc {

/// Refuses, in one line, an output that cannot be written where it is to go, that is a file which the compilation reads or
/// a folder in which one lies, and two outputs in one place. `modelData`: files that the model names. Writes nothing.
llvm::Error checkPlaces(const Options &options, llvm::ArrayRef<std::string> modelData = {});

} // namespace dtc

#endif // DTC_TOOLS_DTC_PLACES_H
