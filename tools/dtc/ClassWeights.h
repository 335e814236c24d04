// --class-weights: a list of numbers, or a NumPy file.
#ifndef DTC_TOOLS_DTC_CLASSWEIGHTS_H
#define DTC_TOOLS_DTC_CLASSWEIGHTS_H

#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace dtc {

/// Whether `text` names a file, and is no list: it ends in .npy.
bool isClassWeightsFile(llvm::StringRef text);

/// `1,2.5,0.5`, or a .npy file with one dimension of f32 or f64 numbers (numpy.lib.format, little-endian).
llvm::Expected<std::vector<double>> readClassWeights(llvm::StringRef text);

} // namespace dtc

#endif // DTC_TOOLS_DTC_CLASSWEIGHTS_H
