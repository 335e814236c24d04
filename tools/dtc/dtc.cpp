// dtc: compiles a model, a recipe and a strategy into a training program.
#include "Compile.h"

#include "llvm/Support/InitLLVM.h"

int main(int argc, char **argv) {
  llvm::InitLLVM initialize(argc, argv);
  dtc::registerMLIROptions();
  int status;
  std::optional<dtc::Options> options = dtc::parseOptions(argc, argv, status);
  return options ? dtc::compile(*options, argv[0]) : status;
}
