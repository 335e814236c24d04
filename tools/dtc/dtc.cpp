// dtc: compiles a model, a recipe and a strategy into a training program.
#include "Compile.h"

#include "llvm/Support/InitLLVM.h"

#ifdef DTC_MIMALLOC
#include <mimalloc.h>
#endif

int main(int argc, char **argv) {
#ifdef DTC_MIMALLOC
  // Every pass walks through a large model's whole module: fewer, larger pages (40,000 layers: 780 MB, a sixth to a fifth less time).
  mi_option_enable(mi_option_large_os_pages);
#endif
  llvm::InitLLVM initialize(argc, argv);
  dtc::registerMLIROptions();
  int status;
  std::optional<dtc::Options> options = dtc::parseOptions(argc, argv, status);
  return options ? dtc::compile(*options, argv[0]) : status;
}
