// Reading checkpoints. A file is not trusted.
#include "dtc/Export/Checkpoint.h"

#include "dialects/NN/NN.h"
#include "dtc/Autodiff/StoredConstants.h"
#include "dtc/Emit/CheckpointName.h"
#include "dtc/Optimizers/Optimizer.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/JSON.h"

using namespace llvm;
using namespace dtc;

/// Bytes of an element; 0 of a type that the format does not know.
static uint64_t elementBytes(StringRef type) {
  return StringSwitch<uint64_t>(type)
      .Cases({"BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2"}, 1)
      .Cases({"U16", "I16", "F16", "BF16"}, 2)
      .Cases({"U32", "I32", "F32"}, 4)
      .Cases({"U64", "I64", "F64"}, 8)
      .Default(0);
}

/// A name from a file in a message: bounded, in quotes. What prints the line escapes control characters.
static std::string quoted(StringRef name) { return "'" + name.take_front(100).str() + (name.size() > 100 ? "…'" : "'"); }

Error Checkpoint::error(const Twine &what) const { return createStringError(inconvertibleErrorCode(), path + ": " + what); }

Expected<Checkpoint> Checkpoint::read(StringRef path) {
  Checkpoint checkpoint;
  checkpoint.path = path.str();
  sys::fs::file_status status;
  if (std::error_code code = sys::fs::status(path, status))
    return checkpoint.error("cannot read the checkpoint: " + code.message());
  if (!sys::fs::is_regular_file(status))
    return checkpoint.error("the checkpoint is not a regular file");
  // Volatile: read, not mapped, so that a file cut off meanwhile does no harm.
  auto file = MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false, /*IsVolatile=*/true);
  if (!file)
    return checkpoint.error("cannot read the checkpoint: " + file.getError().message());
  checkpoint.file = std::move(*file);
  if (Error error = checkpoint.readHeader())
    return error;
  return checkpoint;
}

Error Checkpoint::readHeader() {
  constexpr uint64_t mostHeaderBytes = 100'000'000; // the format's own limit
  StringRef bytes = file->getBuffer();
  if (bytes.size() < 8)
    return error("not a safetensors file: shorter than its header length");
  uint64_t headerBytes = support::endian::read64le(bytes.data());
  if (headerBytes > mostHeaderBytes || headerBytes > bytes.size() - 8)
    return error("not a safetensors file: a header of " + Twine(headerBytes) + " bytes in a file of " + Twine(bytes.size()));
  StringRef data = bytes.drop_front(8 + headerBytes);
  Expected<json::Value> parsed = json::parse(bytes.substr(8, headerBytes));
  if (!parsed) {
    consumeError(parsed.takeError());
    return error("not a safetensors file: its header is no JSON");
  }
  const json::Object *header = parsed->getAsObject();
  if (!header)
    return error("not a safetensors file: its header is not a JSON object");
  for (const auto &[key, value] : *header) {
    StringRef name = key;
    if (name == "__metadata__")
      continue;
    const json::Object *object = value.getAsObject();
    const json::Array *shape = object ? object->getArray("shape") : nullptr, *offsets = object ? object->getArray("data_offsets") : nullptr;
    std::optional<StringRef> type = object ? object->getString("dtype") : std::nullopt;
    std::optional<uint64_t> begin, end;
    if (offsets && offsets->size() == 2) {
      begin = (*offsets)[0].getAsUINT64();
      end = (*offsets)[1].getAsUINT64();
    }
    if (!shape || !type || !begin || !end)
      return error("tensor " + quoted(name) + " lacks a dtype, a shape or its offsets");
    Entry entry;
    entry.type = type->str();
    uint64_t size = elementBytes(*type);
    if (size == 0)
      return error("tensor " + quoted(name) + " has the unknown dtype " + quoted(*type));
    for (const json::Value &dimension : *shape) {
      std::optional<int64_t> length = dimension.getAsInteger();
      if (!length || *length < 0)
        return error("tensor " + quoted(name) + " has a shape that is not made of sizes");
      entry.shape.push_back(*length);
      if (__builtin_mul_overflow(size, *length, &size))
        return error("tensor " + quoted(name) + " has a shape too large for any file");
    }
    if (*begin > *end || *end > data.size())
      return error("tensor " + quoted(name) + " lies outside the file");
    if (*end - *begin != size)
      return error("tensor " + quoted(name) + " of shape " + nn::formatShape(entry.shape) + " takes " + Twine(size) + " bytes, not " +
                   Twine(*end - *begin));
    entry.bytes = data.slice(*begin, *end);
    entries.try_emplace(name, std::move(entry));
  }
  return Error::success();
}

Expected<std::vector<StringRef>> Checkpoint::valuesOf(ArrayRef<TrainedTensor> tensors) const {
  std::vector<StringRef> values;
  StringMap<bool> wanted;
  for (const TrainedTensor &tensor : tensors) {
    std::string name = emit::checkpointName(tensor.name);
    wanted[name] = true;
    auto found = entries.find(name);
    if (found == entries.end())
      return error("there is no tensor " + quoted(name) + ", which the model has: the checkpoint is another model's");
    const Entry &entry = found->second;
    if (entry.type != "F32")
      return error("tensor " + quoted(name) + " is " + entry.type + ", programs save F32");
    if (ArrayRef(entry.shape) != ArrayRef(tensor.shape))
      return error("tensor " + quoted(name) + " has the shape " + nn::formatShape(entry.shape) + ", in the model it has " +
                   nn::formatShape(tensor.shape));
    values.push_back(entry.bytes);
  }
  // Sorted, so that it is always the same one that is named.
  SmallVector<StringRef> names = to_vector(entries.keys());
  sort(names);
  for (StringRef name : names)
    if (!wanted.contains(name) && !isNameOfState(name) && !name.starts_with(storedConstantPrefix))
      return error("tensor " + quoted(name) + " is none of the model's: the checkpoint is another model's");
  return values;
}
