// Everything that a tool of dtc registers, in one place.
#ifndef DTC_PIPELINES_REGISTRATION_H
#define DTC_PIPELINES_REGISTRATION_H

namespace mlir {
class DialectRegistry;
}

namespace dtc {

/// Adds dtc's dialects, the upstream dialects they stand on, and every
/// interface that a stage attaches to their ops.
void registerDialects(mlir::DialectRegistry &registry);

/// Makes the passes and pipelines of all stages known by name.
void registerPasses();

} // namespace dtc

#endif // DTC_PIPELINES_REGISTRATION_H
