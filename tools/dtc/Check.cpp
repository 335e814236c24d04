// --check: what in a model file changes what is trained.
#include "Check.h"
#include "Diagnostics.h"

#include "dtc/Import/CheckONNX.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace dtc;

/// Else the reader sees a hundred times the same of a model of a hundred layers; all are counted.
static constexpr size_t mostShown = 200;

static void printFindings(const ModelCheck &check, StringRef model, llvm::raw_ostream &os) {
  size_t count = check.findings.size();
  os << model << ": " << check.name << " (" << count << "): " << check.summary << '\n';
  for (const ModelFinding &finding : ArrayRef(check.findings).take_front(mostShown))
    os << "  " << (finding.changesTraining ? "" : "note: ") << finding.place << ' ' << finding.what << '\n';
  if (count > mostShown)
    os << "  and " << count - mostShown << " more\n";
  os << "  training: " << check.effect << '\n' << "  instead, export: " << check.instead << '\n';
}

int dtc::checkModel(const Options &options, MLIRContext &context) {
  if (llvm::sys::fs::is_directory(options.model)) {
    printError("cannot read '" + options.model + "': it is a folder");
    return 1;
  }
  ImportOptions import;
  import.batch = options.recipe.batch;
  import.dimensions = options.dimensions;
  import.trainMode = options.trainMode;
  import.dropout = options.dropout;
  FailureOr<std::vector<ModelCheck>> checks = checkONNX(options.model, import, context);
  if (failed(checks))
    return 1;
  std::string model = onOneLine(options.model);
  llvm::raw_ostream &os = llvm::outs();
  size_t changes = 0, notes = 0;
  for (const ModelCheck &check : *checks) {
    if (!check.findings.empty())
      printFindings(check, model, os);
    size_t changing = llvm::count_if(check.findings, [](const ModelFinding &finding) { return finding.changesTraining; });
    changes += changing;
    notes += check.findings.size() - changing;
  }
  os << model << ": ";
  if (changes)
    os << changes << (changes == 1 ? " finding changes" : " findings change") << " what is trained";
  else
    os << "nothing found that changes what is trained";
  if (notes)
    os << (changes ? ", " : "; ") << notes << (notes == 1 ? " note" : " notes");
  os << '\n';
  constexpr int found = 3; // no mistake of the model, nor of the command line
  return changes ? found : 0;
}
