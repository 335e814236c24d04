// Recurrent layers of the nn dialect. Apart from NN.h: few stages know them.
#ifndef DTC_DIALECTS_NN_NNRECURRENT_H
#define DTC_DIALECTS_NN_NNRECURRENT_H

#include "dialects/NN/NN.h"

#define GET_OP_CLASSES
#include "dialects/NN/NNRecurrentOps.h.inc"

#endif // DTC_DIALECTS_NN_NNRECURRENT_H
