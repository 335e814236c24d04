// Chains the buffers of columns.
#include "BufferArrays.h"
#include "NameSeries.h"
#include "Names.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/SmallVectorExtras.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::emit;

/// Adds the column's neighbours if they contradict nothing that is there.
template <typename Column> bool BufferArrays::join(const Column &column) {
  SmallVector<std::pair<Value, Value>> added;
  bool fits = true;
  for (auto [from, to] : llvm::zip(column, llvm::drop_begin(column))) {
    Value behind = next.lookup(from), before = previous.lookup(to);
    if (behind == to && before == from)
      continue;
    // An array has two ends.
    if (behind || before ||
        joined.isEquivalent(from.getAsOpaquePointer(),
                            to.getAsOpaquePointer())) {
      fits = false;
      break;
    }
    next[from] = to;
    previous[to] = from;
    added.push_back({from, to});
  }
  for (auto [from, to] : added)
    if (fits) {
      joined.unionSets(from.getAsOpaquePointer(), to.getAsOpaquePointer());
    } else {
      next.erase(from);
      previous.erase(to);
    }
  return fits;
}

void BufferArrays::add(ArrayRef<Value> column) {
  llvm::SmallDenseSet<Value> distinct(column.begin(), column.end());
  if (distinct.size() == column.size() && !join(column))
    join(llvm::reverse(column));
}

static SmallVector<StringRef> namesOf(ArrayRef<Value> members) {
  return llvm::map_to_vector(members, nameOf);
}

rt::ArrayOp BufferArrays::createArray(ArrayRef<Value> members, bool listed) {
  OpBuilder builder(program.getContext());
  builder.setInsertionPointAfter(lastDeclaration);
  auto array = rt::ArrayOp::create(
      builder, lastDeclaration->getLoc(),
      rt::ArrayType::get(program.getContext(),
                         cast<MemRefType>(members.front().getType())),
      commonName(namesOf(members)), members, listed);
  lastDeclaration = array;
  return array;
}

void BufferArrays::create() {
  SmallVector<Value> first;
  for (Operation &op : program.getBody().front())
    if (isa<rt::BufferOp, rt::ViewOp, rt::ConstantOp>(op)) {
      lastDeclaration = &op;
      Value memory = op.getResult(0);
      if (next.contains(memory) && !previous.contains(memory))
        first.push_back(memory);
    }
  for (Value member : first) {
    SmallVector<Value> members;
    for (; member; member = next.lookup(member))
      members.push_back(member);
    // Gradients are made from the last layer to the first; people count from
    // the first.
    if (countsDown(namesOf(members)))
      std::reverse(members.begin(), members.end());
    rt::ArrayOp array = createArray(members, /*listed=*/false);
    for (auto [i, place] : llvm::enumerate(members))
      places[place] = {array, i};
  }
}

BufferArrays::Place BufferArrays::find(ArrayRef<Value> column) {
  auto [array, at] = places.lookup(column.front());
  if (array) {
    int64_t step = places.lookup(column[1]).second - at;
    bool regular = llvm::all_of(
        llvm::enumerate(column), [&, array = array, at = at](auto member) {
          auto [other, place] = places.lookup(member.value());
          return other == array &&
                 place == at + step * static_cast<int64_t>(member.index());
        });
    if (regular && (step == 1 || step == -1))
      return {array.getArray(), at, step};
  }
  std::vector<void *> key;
  for (Value member : column)
    key.push_back(member.getAsOpaquePointer());
  rt::ArrayOp &list = lists[key];
  if (!list)
    list = createArray(column, /*listed=*/true);
  return {list.getArray(), 0, 1};
}
