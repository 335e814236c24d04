// The output that is trained, by name or as the only one.
#include "TrainedOutput.h"

#include "dialects/NN/NN.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace dtc;
namespace names = dtc::nn::names;

/// `"a", "b"`, escaped: whatever a model file calls its outputs stays one line.
static std::string quoteAll(ArrayRef<StringAttr> names) {
  std::string all;
  llvm::raw_string_ostream out(all);
  llvm::interleaveComma(names, out);
  return all;
}

FailureOr<unsigned> dtc::findTrainedOutput(func::FuncOp function, StringRef output) {
  auto isReal = [&](unsigned i) { return isa<FloatType>(getElementTypeOrSelf(function.getFunctionType().getResult(i))); };
  SmallVector<StringAttr> all;
  SmallVector<unsigned> real;
  for (unsigned i = 0; i < function.getNumResults(); ++i) {
    auto name = function.getResultAttrOfType<StringAttr>(i, names::output);
    if (!name)
      return function.emitError() << "result " << i << " of the model has no '"
                                  << names::output << "'";
    all.push_back(name);
    if (isReal(i))
      real.push_back(i);
  }
  if (output.empty()) {
    for (unsigned i = 0; i < all.size(); ++i)
      if (function.getResultAttr(i, names::ownLoss))
        return i;
    if (real.size() == 1)
      return real.front();
    if (all.size() == 1)
      return 0u;
    if (all.empty())
      return function.emitError("the model has no output to train");
    return function.emitError() << "the model has the outputs " << quoteAll(all)
                                << ": say which one is trained (output=NAME)";
  }
  auto wanted = StringAttr::get(function.getContext(), output);
  auto found = llvm::find(all, wanted);
  if (found == all.end())
    return function.emitError() << "the model has no output " << wanted
                                << ", only " << quoteAll(all);
  return static_cast<unsigned>(found - all.begin());
}
