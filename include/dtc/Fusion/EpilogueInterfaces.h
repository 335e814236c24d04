// Interfaces of ops that take an epilogue, and of ops that can become one.
#ifndef DTC_FUSION_EPILOGUEINTERFACES_H
#define DTC_FUSION_EPILOGUEINTERFACES_H

#include "dialects/NN/NN.h"

namespace dtc::fusion {
/// The operand that a bias becomes: of rank 1, as long as a dimension of the result along which it runs.
struct BiasPlace {
  int64_t dimension;
  mlir::MutableOperandRange operand;
};
} // namespace dtc::fusion

#include "dtc/Fusion/EpilogueInterfaces.h.inc"

#endif // DTC_FUSION_EPILOGUEINTERFACES_H
