// External models of the Fusion stage's interfaces, a file a group.
#ifndef DTC_LIB_FUSION_EXTERNALMODELS_H
#define DTC_LIB_FUSION_EXTERNALMODELS_H

namespace mlir {
class DialectRegistry;
}

namespace dtc::fusion {

void registerEpilogueExternalModels(mlir::DialectRegistry &registry);
void registerScalarBodies(mlir::DialectRegistry &registry);

} // namespace dtc::fusion

#endif // DTC_LIB_FUSION_EXTERNALMODELS_H
