// Generated definitions of all nn ops; hand-written parts stand in the file of
// their family.
#include "dialects/NN/NN.h"

std::string dtc::nn::formatShape(llvm::ArrayRef<int64_t> shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i)
    text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

#define GET_OP_CLASSES
#include "dialects/NN/NNOps.cpp.inc"
