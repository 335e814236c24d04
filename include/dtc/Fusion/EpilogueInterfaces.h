// Interfaces of ops that take an epilogue, and of ops that can become one.
#ifndef DTC_FUSION_EPILOGUEINTERFACES_H
#define DTC_FUSION_EPILOGUEINTERFACES_H

#include "dialects/NN/NN.h"

#include "dtc/Fusion/EpilogueInterfaces.h.inc"

#endif // DTC_FUSION_EPILOGUEINTERFACES_H
