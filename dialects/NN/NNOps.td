// All ops of the nn dialect, by family.
#ifndef DTC_NN_OPS
#define DTC_NN_OPS

include "dialects/NN/NNElementwiseOps.td"
include "dialects/NN/NNStructuredOps.td"
include "dialects/NN/NNNormalisationOps.td"
include "dialects/NN/NNSampleNormalisationOps.td"
include "dialects/NN/NNRandomOps.td"
include "dialects/NN/NNAttentionOps.td"
include "dialects/NN/NNShapeOps.td"
include "dialects/NN/NNTrainingOps.td"
include "dialects/NN/NNGatherOps.td"

#endif // DTC_NN_OPS
