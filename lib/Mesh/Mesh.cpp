// Reads and writes meshes: `data:2,pipe:4`, and the grid of a module.
#include "dtc/Mesh/Mesh.h"

#include "dialects/Dist/Dist.h"

#include "mlir/Dialect/Shard/IR/ShardDialect.h"
#include "mlir/Dialect/Shard/IR/ShardOps.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace dtc;

llvm::Expected<Mesh> Mesh::parse(ArrayRef<std::string> entries) {
  Mesh mesh;
  int64_t ranks = 1;
  for (StringRef entry : entries) {
    auto [name, text] = entry.split(':');
    int64_t size = 0;
    if (name.empty() || text.getAsInteger(10, size))
      return llvm::createStringError("'" + entry + "' is no axis of a mesh; axes are NAME:SIZE");
    // Each at most 2^20, so that the product of two is far from overflow.
    if (size < 1 || size > mostRanks || (ranks *= size) > mostRanks)
      return llvm::createStringError("'" + entry + "': a mesh has from 1 to " + Twine(mostRanks) + " ranks");
    if (mesh.has(name))
      return llvm::createStringError("the axis '" + name + "' is there twice");
    mesh.axes.push_back({name.str(), size});
  }
  return mesh;
}

llvm::Expected<Mesh> Mesh::parse(StringRef text) {
  std::vector<std::string> entries;
  for (StringRef entry : llvm::split(text, ','))
    entries.push_back(entry.str());
  return parse(entries);
}

llvm::Expected<Mesh> Mesh::parse(ArrayRef<std::string> entries, int64_t batchRanks, StringRef batchAxis) {
  if (batchRanks < 1 || batchRanks > mostRanks)
    return llvm::createStringError("devices must be from 1 to " + Twine(mostRanks) + ", not " + Twine(batchRanks));
  if (batchAxis.empty())
    return llvm::createStringError("the axis needs a name");
  llvm::Expected<Mesh> mesh = parse(entries);
  if (!mesh)
    return mesh;
  if (std::optional<unsigned> axis = mesh->axisNamed(batchAxis)) {
    int64_t size = mesh->axes[*axis].size;
    if (batchRanks != 1 && size != batchRanks)
      return llvm::createStringError("the mesh has " + Twine(size) + " devices along '" + batchAxis + "', not " +
                                     Twine(batchRanks));
  } else if (entries.empty() || batchRanks > 1) {
    mesh->axes.insert(mesh->axes.begin(), {batchAxis.str(), batchRanks});
    if (mesh->ranks() > mostRanks)
      return llvm::createStringError("the mesh has " + Twine(mesh->ranks()) + " ranks; there may be " + Twine(mostRanks));
  }
  return mesh;
}

FailureOr<Mesh> Mesh::of(ModuleOp module) {
  auto grid = dyn_cast_or_null<shard::GridOp>(SymbolTable::lookupSymbolIn(module, dist::names::mesh));
  if (!grid)
    return module.emitError("has no mesh: no 'shard.grid @") << dist::names::mesh << "'";
  auto names = grid->getAttrOfType<ArrayAttr>(dist::names::axes);
  if (!names || names.size() != grid.getShape().size() || !llvm::all_of(names, llvm::IsaPred<StringAttr>))
    return grid.emitOpError("needs in '") << dist::names::axes << "' a name for each of its "
                                          << grid.getShape().size() << " axes";
  Mesh mesh;
  int64_t ranks = 1;
  for (auto [name, size] : llvm::zip_equal(names.getAsValueRange<StringAttr>(), grid.getShape())) {
    if (mesh.has(name))
      return grid.emitOpError("has two axes named '") << name << "'";
    if (size < 1 || size > mostRanks || (ranks *= size) > mostRanks)
      return grid.emitOpError("must have from 1 to ") << mostRanks << " ranks";
    mesh.axes.push_back({name.str(), size});
  }
  return mesh;
}

llvm::Error Mesh::checkNames() const {
  for (const Axis &axis : axes)
    if (axis.name != data && axis.name != pipe && axis.name != tensor)
      return llvm::createStringError("'" + axis.name + "' is no axis; the axes are " + data + ", " + pipe + " and " + tensor);
  return llvm::Error::success();
}

void Mesh::createIn(ModuleOp module) const {
  OpBuilder builder = OpBuilder::atBlockBegin(module.getBody());
  SmallVector<int64_t> shape;
  SmallVector<StringRef> names;
  for (const Axis &axis : axes) {
    shape.push_back(axis.size);
    names.push_back(axis.name);
  }
  auto grid = shard::GridOp::create(builder, module.getLoc(), dist::names::mesh, shape);
  grid->setAttr(dist::names::axes, builder.getStrArrayAttr(names));
}

std::string Mesh::str() const {
  return llvm::join(llvm::map_range(axes, [](const Axis &axis) { return axis.str(); }), ",");
}

std::string Mesh::names() const {
  return llvm::join(llvm::map_range(axes, [](const Axis &axis) { return axis.name; }), ", ");
}

int64_t Mesh::ranks() const {
  int64_t product = 1;
  for (const Axis &axis : axes)
    product *= axis.size;
  return product;
}

int64_t Mesh::stride(unsigned axis) const {
  int64_t product = 1;
  for (const Axis &inner : ArrayRef(axes).drop_front(axis + 1))
    product *= inner.size;
  return product;
}

std::optional<unsigned> Mesh::axisNamed(StringRef name) const {
  for (auto [index, axis] : llvm::enumerate(axes))
    if (axis.name == name)
      return index;
  return std::nullopt;
}

int64_t Mesh::size(StringRef name) const {
  std::optional<unsigned> axis = axisNamed(name);
  return axis ? axes[*axis].size : 1;
}
