// Reads the mesh of a module.
#include "dtc/Timeline/Mesh.h"

#include "dialects/Dist/Dist.h"

#include "mlir/Dialect/Shard/IR/ShardOps.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::timeline;

/// More than any machine has; the verifier visits every rank.
static constexpr int64_t maxRanks = 1 << 20;

FailureOr<Mesh> Mesh::of(ModuleOp module) {
  auto grid = dyn_cast_or_null<shard::GridOp>(
      SymbolTable::lookupSymbolIn(module, dist::names::mesh));
  if (!grid)
    return module.emitError("has no mesh: no 'shard.grid @")
           << dist::names::mesh << "'";
  auto axes = grid->getAttrOfType<ArrayAttr>(dist::names::axes);
  if (!axes || axes.size() != grid.getShape().size() ||
      !llvm::all_of(axes, llvm::IsaPred<StringAttr>))
    return grid.emitOpError("needs in '")
           << dist::names::axes << "' a name for each of its "
           << grid.getShape().size() << " axes";
  Mesh mesh;
  int64_t ranks = 1;
  for (auto [name, size] : llvm::zip_equal(axes.getAsRange<StringAttr>(), grid.getShape())) {
    if (mesh.axisNamed(name.getValue()))
      return grid.emitOpError("has two axes named '") << name.getValue() << "'";
    if (size < 1 || size > maxRanks || (ranks *= size) > maxRanks)
      return grid.emitOpError("must have from 1 to ") << maxRanks << " ranks";
    mesh.axes.push_back(name.str());
    mesh.shape.push_back(size);
  }
  return mesh;
}

int64_t Mesh::ranks() const {
  int64_t product = 1;
  for (int64_t size : shape)
    product *= size;
  return product;
}

int64_t Mesh::stride(unsigned axis) const {
  int64_t product = 1;
  for (int64_t size : ArrayRef(shape).drop_front(axis + 1))
    product *= size;
  return product;
}

std::optional<unsigned> Mesh::axisNamed(StringRef name) const {
  for (auto [index, axis] : llvm::enumerate(axes))
    if (axis == name)
      return index;
  return std::nullopt;
}
