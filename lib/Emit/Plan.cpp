// plan.json: what was decided, for tools and for the curious.
#include "Literals.h"
#include "Names.h"

#include "dtc/Emit/Emit.h"

#include "llvm/Support/JSON.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::emit;

/// JSON text is UTF-8; a name may be anything.
static std::string text(StringRef raw) {
  return llvm::json::isUTF8(raw) ? raw.str() : llvm::json::fixUTF8(raw);
}

static void printBuffer(llvm::json::OStream &json, const Names &names,
                        rt::BufferOp buffer) {
  MemRefType type = buffer.getMemory().getType();
  json.object([&] {
    json.attribute("name", text(buffer.getName()));
    json.attribute("identifier", names.of(buffer.getMemory()));
    json.attribute("kind", rt::stringifyBufferKind(buffer.getKind()));
    json.attribute("offset", static_cast<int64_t>(*buffer.getOffset()));
    json.attribute("bytes", rt::bytesOf(buffer));
    if (buffer.getSlots())
      json.attribute("slots", static_cast<int64_t>(*buffer.getSlots()));
    json.attributeArray("shape", [&] {
      for (int64_t size : type.getShape())
        json.value(size);
    });
    json.attribute("type", elementTypeName(type.getElementType()));
    json.attribute("layout", rt::isRowMajor(type) ? "row_major" : "channels_last");
  });
}

static void printCommunication(llvm::json::OStream &json, CommunicationOpInterface op, int64_t shift) {
  json.attribute(op->getName().stripDialect(), text(op.getLabel()));
  if (std::optional<int64_t> peer = op.getPeerCoordinate())
    json.attribute(op.getCommunicationKind() == CommunicationKind::Send ? "to" : "from", *peer);
  json.attribute("axis", text(op.getAxis()));
  json.attribute("bytes", op.getPayloadBytes());
  if (ArrayAttr contents = op.getContentNames())
    json.attributeArray("contents", [&] {
      for (StringRef content : contents.getAsValueRange<StringAttr>())
        json.value(text(content));
    });
  if (std::optional<int64_t> microbatch = op.getMicrobatchNumber())
    json.attribute("microbatch", *microbatch + shift);
}

/// `shift`: what is added to microbatches in the run of the loops around.
static void printEvent(llvm::json::OStream &json, Operation *op, int64_t shift, const SymbolTable &fragments) {
  if (auto run = dyn_cast<rt::RunOp>(op)) {
    auto fragment = fragments.lookup<rt::FragmentOp>(run.getFragment());
    json.attribute("run", text(run.getFragment()));
    if (run.getMicrobatch())
      json.attribute("microbatch", static_cast<int64_t>(*run.getMicrobatch()) + shift);
    json.attribute("flops", fragment.getFlops().convertToDouble());
    json.attribute("bytes", static_cast<int64_t>(fragment.getBytes()));
  } else if (auto communication = dyn_cast<CommunicationOpInterface>(op)) {
    printCommunication(json, communication, shift);
  } else if (auto wait = dyn_cast<rt::WaitOp>(op)) {
    CommunicationOpInterface start = wait.getStarted();
    json.attribute("wait", text(start.getLabel()));
    if (std::optional<int64_t> microbatch = start.getMicrobatchNumber())
      json.attribute("microbatch", *microbatch + shift);
  } else if (auto wait = dyn_cast<rt::WaitKeptOp>(op)) {
    json.attribute("wait", text(wait.getStarted().getLabel()));
    json.attribute("microbatch", static_cast<int64_t>(wait.getMicrobatch()) + shift);
  }
}

static void printTimeline(llvm::json::OStream &json, rt::TimelineOp timeline, const SymbolTable &fragments) {
  json.object([&] {
    json.attribute("phase", timeline.getPhase());
    json.attributeArray("events", [&] {
      rt::forEachRun(timeline.getBody().front(), [&](Operation *op, int64_t shift) {
        if (isa<rt::RunOp, rt::WaitOp, rt::WaitKeptOp, CommunicationOpInterface>(op))
          json.object([&] { printEvent(json, op, shift, fragments); });
      });
    });
  });
}

static void printRole(llvm::json::OStream &json, rt::ProgramOp program) {
  Names names(program);
  SymbolTable symbols(program);
  json.object([&] {
    json.attribute("role", text(program.getSymName()));
    json.attributeObject("at", [&] {
      if (DictionaryAttr at = program.getAtAttr())
        for (NamedAttribute place : at)
          json.attribute(text(place.getName()), cast<IntegerAttr>(place.getValue()).getInt());
    });
    json.attribute("local_batch", static_cast<int64_t>(program.getLocalBatch()));
    json.attribute("arena_bytes", static_cast<int64_t>(*program.getArena()));
    json.attribute("shared_bytes", static_cast<int64_t>(program.getShared().value_or(*program.getArena())));
    json.attributeArray("buffers", [&] {
      for (auto buffer : program.getOps<rt::BufferOp>())
        printBuffer(json, names, buffer);
    });
    json.attributeArray("timelines", [&] {
      for (auto timeline : program.getOps<rt::TimelineOp>())
        printTimeline(json, timeline, symbols);
    });
  });
}

void dtc::emit::emitPlan(Programs programs, llvm::raw_ostream &os) {
  rt::ProgramOp program = programs.front();
  llvm::json::OStream json(os, /*IndentSize=*/2);
  json.object([&] {
    json.attribute("model", text(program.getModel()));
    json.attribute("devices", program.getDevices());
    json.attributeArray("mesh", [&] {
      for (auto [axis, size] : llvm::zip_equal(
               program.getAxes().getAsValueRange<StringAttr>(), program.getMesh()))
        json.object([&] {
          json.attribute("axis", text(axis));
          json.attribute("size", size);
        });
    });
    json.attribute("batch", static_cast<int64_t>(program.getBatch()));
    json.attribute("precision", program.getPrecision().value_or("f32"));
    if (program.getWholeBatches())
      json.attribute("whole_batches", text(*program.getWholeBatches()));
    json.attributeArray("roles", [&] {
      for (rt::ProgramOp role : programs)
        printRole(json, role);
    });
  });
  os << "\n";
}
