// Names that safetensors and the optimizers reserve.
#include "dtc/Emit/CheckpointName.h"

#include "dtc/Optimizers/Optimizer.h"

using llvm::StringRef;

static constexpr llvm::StringLiteral prefix = "parameter/";

std::string dtc::emit::checkpointName(StringRef parameter) {
  // What is reserved behind prefixes gets one more, and so stays apart from what has got its first here.
  StringRef bare = parameter;
  while (bare.consume_front(prefix))
    ;
  bool isReserved = bare == "__metadata__" || isNameOfState(bare);
  return (isReserved ? prefix.str() : "") + parameter.str();
}
