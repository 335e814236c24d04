// The sharding rules of nn's ops, attached from outside of the dialect.
#ifndef DTC_SHARDING_EXTERNALMODELS_H
#define DTC_SHARDING_EXTERNALMODELS_H

namespace mlir {
class DialectRegistry;
}

namespace dtc {

/// Attaches ShardingRuleOpInterface to the ops of nn, family by family, and to sums over the batch.
void registerShardingExternalModels(mlir::DialectRegistry &registry);

namespace sharding {
void registerElementwiseSharding(mlir::DialectRegistry &registry);
void registerConvolutionSharding(mlir::DialectRegistry &registry);
void registerMatmulSharding(mlir::DialectRegistry &registry);
void registerPoolingSharding(mlir::DialectRegistry &registry);
void registerNormalisationSharding(mlir::DialectRegistry &registry);
void registerSampleNormalisationSharding(mlir::DialectRegistry &registry);
void registerRandomSharding(mlir::DialectRegistry &registry);
void registerAttentionSharding(mlir::DialectRegistry &registry);
void registerRecurrentSharding(mlir::DialectRegistry &registry);
void registerShapeSharding(mlir::DialectRegistry &registry);
void registerGatherSharding(mlir::DialectRegistry &registry);
void registerTrainingSharding(mlir::DialectRegistry &registry);
void registerCollectiveSharding(mlir::DialectRegistry &registry);
} // namespace sharding

} // namespace dtc

#endif // DTC_SHARDING_EXTERNALMODELS_H
