// Registration of dialects, interfaces and passes of every stage.
#include "dtc/Pipelines/Registration.h"

#include "dialects/Dist/Dist.h"
#include "dialects/NN/NN.h"
#include "dialects/RT/RT.h"
#include "dtc/Autodiff/AutodiffInterfaces.h"
#include "dtc/Autodiff/Passes.h"
#include "dtc/Cost/Cost.h"
#include "dtc/Cost/Passes.h"
#include "dtc/Emit/Emit.h"
#include "dtc/Emit/Passes.h"
#include "dtc/Fusion/Passes.h"
#include "dtc/Partition/Passes.h"
#include "dtc/Partition/PassOrder.h"
#include "dtc/Pipelines/Pipelines.h"
#include "dtc/Plan/Passes.h"
#include "dtc/Precision/Passes.h"
#include "dtc/Recognition/Passes.h"
#include "dtc/Sharding/ExternalModels.h"
#include "dtc/Sharding/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Shard/IR/ShardDialect.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/Passes.h"

void dtc::registerDialects(mlir::DialectRegistry &registry) {
  registry.insert<nn::NNDialect, dist::DistDialect, rt::RTDialect,
                  mlir::func::FuncDialect, mlir::shard::ShardDialect,
                  mlir::arith::ArithDialect, mlir::math::MathDialect,
                  mlir::linalg::LinalgDialect, mlir::tensor::TensorDialect>();
  registerAutodiffExternalModels(registry);
  registerPrecisionExternalModels(registry);
  registerFusionExternalModels(registry);
  registerShardingExternalModels(registry);
  registerCostExternalModels(registry);
  registerPlanExternalModels(registry);
  registerEmitExternalModels(registry);
}

void dtc::registerPasses() {
  mlir::registerTransformsPasses();
  registerRecognitionPasses();
  registerRecognitionPipeline();
  registerAutodiffPasses();
  registerPrecisionPasses();
  registerFusionPasses();
  registerFusionPipeline();
  registerShardingPasses();
  registerPartitionPasses();
  registerPartitionPipeline();
  registerCostPasses();
  registerPipelines();
  registerPlanPasses();
  registerPlanPipeline();
  registerEmitPasses();
  registerEmitPipeline();
}
