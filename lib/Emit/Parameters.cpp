// parameters.safetensors: initial values that the model itself brings.
#include "dtc/Emit/CheckpointName.h"
#include "dtc/Emit/Emit.h"

#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/EndianStream.h"
#include "llvm/Support/JSON.h"

using namespace mlir;
using namespace dtc;

/// Little-endian f32 elements, whichever attribute holds them.
static void writeElements(ElementsAttr elements, llvm::raw_ostream &os) {
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(elements)) {
    if (AsmResourceBlob *blob = resource.getRawHandle().getBlob()) {
      ArrayRef<char> data = blob->getData();
      os.write(data.data(), data.size());
    }
    return;
  }
  if (auto dense = dyn_cast<DenseElementsAttr>(elements); dense && !dense.isSplat() && llvm::endianness::native == llvm::endianness::little) {
    ArrayRef<char> data = dense.getRawData();
    os.write(data.data(), data.size());
    return;
  }
  llvm::support::endian::Writer writer(os, llvm::endianness::little);
  for (const APFloat &value : elements.getValues<APFloat>())
    writer.write(value.convertToFloat());
}

/// By name; what several roles hold is stored once.
static llvm::MapVector<StringRef, ElementsAttr> storedValues(emit::Programs programs) {
  llvm::MapVector<StringRef, ElementsAttr> stored;
  for (rt::ProgramOp program : programs)
    for (auto buffer : program.getOps<rt::BufferOp>())
      if (auto elements = dyn_cast_or_null<ElementsAttr>(buffer.getInitAttr()))
        stored.insert({buffer.getName(), elements});
  return stored;
}

bool dtc::emit::hasStoredParameters(Programs programs) {
  return !storedValues(programs).empty();
}

void dtc::emit::emitParameters(Programs programs, llvm::raw_ostream &os) {
  auto stored = storedValues(programs);
  std::string header;
  llvm::raw_string_ostream headerStream(header);
  llvm::json::OStream json(headerStream);
  int64_t offset = 0;
  json.object([&] {
    for (auto [name, elements] : stored) {
      int64_t bytes = elements.getNumElements() * sizeof(float);
      json.attributeObject(checkpointName(llvm::json::isUTF8(name) ? name.str() : llvm::json::fixUTF8(name)), [&] {
            json.attribute("dtype", "F32");
            json.attributeArray("shape", [&] {
              for (int64_t size : elements.getShapedType().getShape())
                json.value(size);
            });
            json.attributeArray("data_offsets", [&] {
              json.value(offset);
              json.value(offset + bytes);
            });
          });
      offset += bytes;
    }
  });
  // Data begins at a multiple of 8; the format pads its header with spaces.
  header.append((8 - header.size() % 8) % 8, ' ');
  llvm::support::endian::Writer(os, llvm::endianness::little)
      .write(static_cast<uint64_t>(header.size()));
  os << header;
  for (auto &[name, elements] : stored)
    writeElements(elements, os);
}
