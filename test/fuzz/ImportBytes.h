// One import of bytes that nobody has checked: what fuzz targets run, and the test that replays what they found.
#ifndef DTC_TEST_FUZZ_IMPORTBYTES_H
#define DTC_TEST_FUZZ_IMPORTBYTES_H

#include "llvm/ADT/StringRef.h"

#include <string>

namespace dtc::fuzz {

enum class Format { OnnxBinary, OnnxText, Language };

/// Imports the bytes as a file of that format with a batch of 2. Returns what is wrong with the outcome, "" if it is one that users may get: a
/// verified module and no error, or no module and errors of one line that a terminal may show (the language: at least one, ONNX: exactly one).
std::string importBytes(Format format, llvm::StringRef bytes);

} // namespace dtc::fuzz

#endif // DTC_TEST_FUZZ_IMPORTBYTES_H
