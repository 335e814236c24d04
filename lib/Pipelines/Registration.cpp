// Registration of dialects, interfaces and passes of every stage.
#include "dtc/Pipelines/Registration.h"

#include "dialects/Dist/Dist.h"
#include "dialects/NN/NN.h"
#include "dtc/Autodiff/AutodiffInterfaces.h"
#include "dtc/Autodiff/Passes.h"
#include "dtc/Fusion/Passes.h"
#include "dtc/Partition/Models.h"
#include "dtc/Partition/Passes.h"
#include "dtc/Partition/Pipeline.h"
#include "dtc/Pipelines/Pipelines.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Shard/IR/ShardDialect.h"
#include "mlir/Transforms/Passes.h"

void dtc::registerDialects(mlir::DialectRegistry &registry) {
  registry.insert<nn::NNDialect, dist::DistDialect, mlir::func::FuncDialect,
                  mlir::shard::ShardDialect>();
  registerAutodiffModels(registry);
  registerFusionModels(registry);
  registerPartitionModels(registry);
}

void dtc::registerPasses() {
  mlir::registerTransformsPasses();
  registerAutodiffPasses();
  registerFusionPasses();
  registerPartitionPasses();
  registerPartitionPipeline();
  registerPipelines();
}
