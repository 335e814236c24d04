// The targets there are.
#include "dtc/Target/Target.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace dtc;

static constexpr Target theCPU{.name = "cpu", .devices = "CPU cores", .sourceFile = "train.cpp"};

static constexpr Target theGPUs{.name = "cuda",
                                .devices = "NVIDIA GPUs",
                                .sourceFile = "train.cu",
                                .keepsReluMasks = true,
                                .hasTF32 = true,
                                .movesLanes = true,
                                .hasMemoryOfItsOwn = true,
                                .bringsRuntime = true};

const Target &Target::cpu() { return theCPU; }
const Target &Target::cuda() { return theGPUs; }

llvm::ArrayRef<const Target *> Target::all() {
  static constexpr const Target *targets[] = {&theCPU, &theGPUs};
  return targets;
}

const Target *Target::named(llvm::StringRef name) {
  auto found = llvm::find_if(all(), [&](const Target *target) { return target->name == name; });
  return found == all().end() ? nullptr : *found;
}

std::string Target::names() {
  return llvm::join(llvm::map_range(all(), [](const Target *target) { return target->name.str(); }), ", ");
}
