// Collectives that part tensors: which parts belong to which whole, and checks of their ops.
#include "dialects/Dist/Dist.h"

#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::dist;

template <typename... Pieces>
static std::string text(const Pieces &...pieces) {
  std::string result;
  llvm::raw_string_ostream os(result);
  (os << ... << pieces);
  return result;
}

static std::string among(std::optional<int64_t> ranks) {
  return ranks ? " among " + std::to_string(*ranks) + " ranks" : "";
}

/// Whether the shapes differ in dimension `at` alone, by the factor `ranks` or any.
static bool isSlice(ArrayRef<int64_t> whole, ArrayRef<int64_t> part, int64_t at, std::optional<int64_t> ranks) {
  if (whole.size() != part.size())
    return false;
  for (int64_t i = 0, rank = whole.size(); i < rank; ++i)
    if (i != at && whole[i] != part[i])
      return false;
  if (part[at] == 0)
    return whole[at] == 0;
  return ranks ? whole[at] == part[at] * *ranks : whole[at] % part[at] == 0 && whole[at] > 0;
}

/// Whether a tensor of `whole` elements is cut into pieces of `part`.
static bool isPiece(int64_t whole, int64_t part, std::optional<int64_t> ranks) {
  if (whole == 0 || part == 0)
    return whole == part;
  int64_t pieces = ranks ? *ranks : llvm::divideCeil(whole, part);
  return static_cast<int64_t>(llvm::divideCeil(whole, pieces)) == part;
}

std::string dtc::dist::describeParts(std::optional<int64_t> dimension) {
  return dimension ? "dimension " + std::to_string(*dimension) : "pieces";
}

std::string dtc::dist::misfitOfParts(TypeRange wholes, TypeRange parts, std::optional<int64_t> dimension,
                                     std::optional<int64_t> ranks) {
  if (wholes.size() != parts.size())
    return text(wholes.size(), " wholes cannot have ", parts.size(), " parts");
  for (auto [wholeType, partType] : llvm::zip_equal(wholes, parts)) {
    auto whole = dyn_cast<RankedTensorType>(wholeType), part = dyn_cast<RankedTensorType>(partType);
    if (!whole || !part || !whole.hasStaticShape() || !part.hasStaticShape() ||
        whole.getElementType() != part.getElementType())
      return text(partType, " is no part of ", wholeType);
    if (!dimension) {
      if (part.getRank() != 1 || !isPiece(whole.getNumElements(), part.getNumElements(), ranks))
        return text(part, " is no piece of ", whole, among(ranks));
      continue;
    }
    if (*dimension < 0 || *dimension >= whole.getRank())
      return text(whole, " has no dimension ", *dimension);
    if (!isSlice(whole.getShape(), part.getShape(), *dimension, ranks))
      return text(part, " is no equal slice of ", whole, " along dimension ", *dimension, among(ranks));
  }
  return "";
}

std::string dtc::dist::describeExchange(int64_t from, int64_t to) {
  return "from " + std::to_string(from) + " to " + std::to_string(to);
}

std::string dtc::dist::misfitOfExchange(TypeRange values, TypeRange results, int64_t from, int64_t to,
                                        std::optional<int64_t> ranks) {
  if (from == to)
    return text("slices along dimension ", from, " are there already");
  if (values.size() != results.size())
    return text(values.size(), " values cannot become ", results.size());
  for (auto [valueType, resultType] : llvm::zip_equal(values, results)) {
    auto value = cast<RankedTensorType>(valueType);
    auto result = dyn_cast<RankedTensorType>(resultType);
    for (int64_t dimension : {from, to})
      if (dimension < 0 || dimension >= value.getRank())
        return text(value, " has no dimension ", dimension);
    bool fits = result && result.hasStaticShape() && value.getElementType() == result.getElementType() &&
                value.getRank() == result.getRank();
    if (fits) {
      // What all ranks have together, along `to` as each of them has it.
      SmallVector<int64_t> whole(value.getShape());
      whole[from] = result.getDimSize(from);
      fits = isSlice(whole, value.getShape(), from, ranks) && isSlice(whole, result.getShape(), to, ranks) &&
             value.getNumElements() == result.getNumElements();
    }
    if (!fits)
      return text("slices of ", value, " along dimension ", from, " do not become slices of ", resultType,
                  " along dimension ", to, among(ranks));
  }
  return "";
}

std::string dtc::dist::misfitOfRoot(int64_t root, int64_t ranks) {
  return root < ranks ? "" : "there is no rank " + std::to_string(root) + among(ranks);
}

//===----------------------------------------------------------------------===//
// Checks
//===----------------------------------------------------------------------===//

/// What all have to be that travel as a bucket.
static LogicalResult verifyBucket(Operation *op, ValueRange values, ArrayAttr names) {
  if (values.empty())
    return op->emitOpError("takes nothing");
  if (names.size() != values.size())
    return op->emitOpError("has ") << values.size() << " values but " << names.size() << " names";
  Type element = cast<ShapedType>(values.front().getType()).getElementType();
  for (Type type : values.getTypes())
    if (cast<ShapedType>(type).getElementType() != element)
      return op->emitOpError("takes ") << element << " and " << type << ": a bucket has one element type";
  return success();
}

static LogicalResult refuse(Operation *op, const std::string &misfit) {
  return misfit.empty() ? success() : op->emitOpError("does not fit: ") << misfit;
}

LogicalResult ReduceScatterStartOp::verify() {
  if (failed(verifyBucket(*this, getValues(), getNames())))
    return failure();
  return refuse(*this, misfitOfParts(getPayload(), getPending().getType().getTypes(), getDimension(), std::nullopt));
}

LogicalResult ReduceScatterOp::verify() {
  return refuse(*this, misfitOfParts(getPayload(), getResult().getType(), getDimension(), std::nullopt));
}

LogicalResult AllGatherStartOp::verify() {
  if (failed(verifyBucket(*this, getValues(), getNames())))
    return failure();
  return refuse(*this, misfitOfParts(getPayload(), getValues().getTypes(), getDimension(), std::nullopt));
}

LogicalResult AllGatherOp::verify() {
  return refuse(*this, misfitOfParts(getPayload(), getValue().getType(), getDimension(), std::nullopt));
}

LogicalResult AllToAllStartOp::verify() {
  if (failed(verifyBucket(*this, getValues(), getNames())))
    return failure();
  return refuse(*this, misfitOfExchange(getPayload(), getPending().getType().getTypes(), getFrom(), getTo(), std::nullopt));
}

LogicalResult AllToAllOp::verify() {
  return refuse(*this, misfitOfExchange(getPayload(), getResult().getType(), getFrom(), getTo(), std::nullopt));
}

LogicalResult BroadcastStartOp::verify() {
  if (failed(verifyBucket(*this, getValues(), getNames())))
    return failure();
  if (ArrayRef<Type>(getPayload()) != getPending().getType().getTypes())
    return emitOpError("takes (") << getValues().getTypes() << ") but promises " << getPending().getType();
  return success();
}
