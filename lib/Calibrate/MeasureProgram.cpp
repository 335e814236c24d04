// Splits the fragments of planned programs at their ops, and takes communication out.
#include "dtc/Calibrate/MeasureProgram.h"

#include "dialects/Dist/Dist.h"
#include "dialects/RT/RT.h"
#include "dtc/Cost/Cost.h"
#include "dtc/Cost/Signature.h"
#include "dtc/Plan/Passes.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace dtc;

std::map<std::string, OpWork, std::less<>> dtc::opsOfStep(ModuleOp module) {
  std::map<std::string, OpWork, std::less<>> ops;
  SymbolTable symbols(module);
  for (auto timeline : module.getOps<dist::TimelineOp>()) {
    if (timeline.getPhase() != "train")
      continue;
    for (auto run : timeline.getOps<dist::RunOp>())
      for (Operation &op :
           symbols.lookup<dist::FragmentOp>(run.getFragment()).getBody().front().without_terminator())
        if (auto costed = dyn_cast<CostOpInterface>(op)) {
          Cost cost = costed.getCost();
          ops.try_emplace(signatureOf(&op),
                          OpWork{costed.getFamily(), double(cost.flops),
                                 double(cost.bytesRead) + double(cost.bytesWritten)});
        }
  }
  return ops;
}

namespace {

class Splitter {
public:
  Splitter(rt::ProgramOp program, std::vector<TimedFragment> &result)
      : program(program), builder(program.getContext()), result(result) {}
  void run();

private:
  void split(rt::FragmentOp fragment);
  void rewrite(rt::TimelineOp timeline);
  void fill(CommunicationOpInterface communication, Value memory);

  rt::ProgramOp program;
  OpBuilder builder;
  std::vector<TimedFragment> &result;
  int64_t count = 0;
  /// What a fragment has become.
  llvm::DenseMap<StringAttr, SmallVector<rt::FragmentOp>> parts;
};

} // namespace

void Splitter::split(rt::FragmentOp fragment) {
  SmallVector<rt::FragmentOp> &made = parts[fragment.getSymNameAttr()];
  Attribute current;
  for (Operation &call : llvm::make_early_inc_range(fragment.getBody().front())) {
    auto mark = call.getAttrOfType<ArrayAttr>(plan::opAttribute);
    if (!mark) // communication
      continue;
    if (made.empty() || mark != current) {
      builder.setInsertionPoint(fragment);
      made.push_back(rt::FragmentOp::create(builder, call.getLoc(), "op" + std::to_string(count++),
                                            llvm::APFloat(0.0), 0, StringAttr(), IntegerAttr(), ArrayAttr()));
      made.back().getBody().emplaceBlock();
      current = mark;
      result.push_back({program.getSymName().str(), made.back().getSymName().str(),
                        cast<StringAttr>(mark[1]).getValue().str()});
    }
    call.moveBefore(&made.back().getBody().front(), made.back().getBody().front().end());
  }
  fragment.erase();
}

/// What comes from other ranks alone has to be made up.
void Splitter::fill(CommunicationOpInterface communication, Value memory) {
  auto type = cast<MemRefType>(memory.getType());
  if (!type.getElementType().isF32() || llvm::is_contained(communication.getSources(), memory))
    return;
  builder.setInsertionPoint(communication);
  ArrayAttr none = builder.getArrayAttr({});
  std::optional<int64_t> microbatch = communication.getMicrobatchNumber();
  rt::CallOp::create(builder, communication.getLoc(), "receive_made_up", ValueRange{},
                     memory, ValueRange{}, none, none, none, /*list=*/false,
                     /*tuple=*/IntegerAttr(), /*formula=*/FlatSymbolRefAttr(), /*canAccumulate=*/false, /*canSum=*/ArrayAttr(),
                     /*sumOver=*/DenseI64ArrayAttr(), /*canWriteMask=*/false, /*canReadMask=*/StringAttr(),
                     microbatch ? builder.getI64IntegerAttr(*microbatch) : IntegerAttr());
}

void Splitter::rewrite(rt::TimelineOp timeline) {
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(timeline.getBody().front()))) {
    if (auto run = dyn_cast<rt::RunOp>(op)) {
      builder.setInsertionPoint(run);
      for (rt::FragmentOp part : parts.lookup(run.getFragmentAttr().getAttr()))
        rt::RunOp::create(builder, run.getLoc(), FlatSymbolRefAttr::get(part.getSymNameAttr()),
                          run.getMicrobatchAttr());
      run.erase();
    } else if (auto communication = dyn_cast<CommunicationOpInterface>(op)) {
      for (Value memory : communication.getTargets())
        fill(communication, memory);
      op.erase();
    } else if (isa<rt::WaitOp>(op)) {
      op.erase();
    }
  }
}

void Splitter::run() {
  llvm::DenseSet<StringAttr> used;
  for (auto timeline : llvm::make_early_inc_range(program.getOps<rt::TimelineOp>())) {
    if (timeline.getPhase() != "train") {
      timeline.erase();
      continue;
    }
    for (auto run : timeline.getOps<rt::RunOp>())
      used.insert(run.getFragmentAttr().getAttr());
  }
  for (auto fragment : llvm::make_early_inc_range(program.getOps<rt::FragmentOp>()))
    if (used.contains(fragment.getSymNameAttr()))
      split(fragment);
    else
      fragment.erase();
  for (auto timeline : program.getOps<rt::TimelineOp>())
    rewrite(timeline);
}

std::vector<TimedFragment> dtc::makeMeasureProgram(ModuleOp module) {
  std::vector<TimedFragment> result;
  for (auto program : module.getOps<rt::ProgramOp>())
    Splitter(program, result).run();
  return result;
}
