// dtc: compiles a model, a recipe and a strategy into a training program.
#include "Compile.h"

#include "llvm/Support/InitLLVM.h"

#ifdef DTC_MIMALLOC
#include <mimalloc.h>
#endif

int main(int argc, char **argv) {
#ifdef DTC_MIMALLOC
  // A large model's module is gigabytes that every pass walks through: fewer, larger pages.
  mi_option_enable(mi_option_large_os_pages);
#endif
  llvm::InitLLVM initialize(argc, argv);
  dtc::registerMLIROptions();
  int status;
  std::optional<dtc::Options> options = dtc::parseOptions(argc, argv, status);
  return options ? dtc::compile(*options, argv[0]) : status;
}
