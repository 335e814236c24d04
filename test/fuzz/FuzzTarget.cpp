// A libFuzzer target: DTC_FUZZ_FORMAT is the format of the bytes.
#include "ImportBytes.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  llvm::StringRef bytes(reinterpret_cast<const char *>(data), size);
  std::string wrong = dtc::fuzz::importBytes(dtc::fuzz::Format::DTC_FUZZ_FORMAT, bytes);
  if (!wrong.empty()) {
    std::fprintf(stderr, "%s\n", wrong.c_str());
    abort();
  }
  return 0;
}
