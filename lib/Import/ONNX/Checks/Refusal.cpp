// Check: what the importer refuses.
#include "Checks.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

static std::vector<ModelFinding> find(const CheckedModel &checked) {
  if (checked.refusal.empty())
    return {};
  return {{"model", "is refused: " + checked.refusal, true}};
}

const Check dtc::onnximport::refusalCheck = {"refused", "dtc does not take the model", "there is none", "what the message asks for", find};
