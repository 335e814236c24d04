// What makes two ops take the same time: the key under which times are measured.
#ifndef DTC_COST_SIGNATURE_H
#define DTC_COST_SIGNATURE_H

#include "llvm/ADT/StringRef.h"

#include <string>

namespace mlir {
class Operation;
}

namespace dtc {

/// An op in one line: its name, its own attributes, the ops in its body, the types
/// of its operands and of those results that somebody reads. Left out are names,
/// locations, what passes have noted on it, and long constants.
///
///     nn.matmul {transposeB} (tensor<64x128xf32>, tensor<10x128xf32>) -> (tensor<64x10xf32>)
///
/// An op that replaces others for a measurement carries theirs: `signatureAttribute`.
std::string signatureOf(mlir::Operation *op);

/// A string on an op that stands for another one.
inline constexpr llvm::StringLiteral signatureAttribute = "dtc.signature";

} // namespace dtc

#endif // DTC_COST_SIGNATURE_H
