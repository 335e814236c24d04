// All sharding rules of nn, family by family.
#include "dtc/Sharding/ExternalModels.h"

#include "mlir/IR/DialectRegistry.h"

using namespace dtc::sharding;

void dtc::registerShardingExternalModels(mlir::DialectRegistry &registry) {
  registerElementwiseSharding(registry);
  registerConvolutionSharding(registry);
  registerMatmulSharding(registry);
  registerPoolingSharding(registry);
  registerNormalisationSharding(registry);
  registerSampleNormalisationSharding(registry);
  registerRandomSharding(registry);
  registerAttentionSharding(registry);
  registerRecurrentSharding(registry);
  registerShapeSharding(registry);
  registerGatherSharding(registry);
  registerTrainingSharding(registry);
  registerCollectiveSharding(registry);
}
