// What names that count have in common: fc0, fc1, fc2; private to Emit.
#ifndef DTC_LIB_EMIT_NAMESERIES_H
#define DTC_LIB_EMIT_NAMESERIES_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <string>

namespace dtc::emit {

/// For comments: "fc0 to fc47, relu_1 to relu_48, last" of these names in any
/// mixture; each name once, in the order of their first appearance. Names that
/// differ in one number are a series where it grows or falls by one.
std::string describeNames(llvm::ArrayRef<llvm::StringRef> names);

/// The name of an array of what has these names: "fc.weight" of fc0.weight,
/// fc1.weight. Of names that do not count alike, that of the most that do, or
/// else the first one's.
std::string commonName(llvm::ArrayRef<llvm::StringRef> names);

/// What a name says but for its numbers: "layer.conv.weight" of
/// layer1.0.conv2.weight.
std::string withoutNumbers(llvm::StringRef name);

/// Whether more neighbours count down than up: fc3, fc2, fc1.
bool countsDown(llvm::ArrayRef<llvm::StringRef> names);

} // namespace dtc::emit

#endif // DTC_LIB_EMIT_NAMESERIES_H
