// What training has left: the parameters and statistics of a checkpoint.
#ifndef DTC_EXPORT_CHECKPOINT_H
#define DTC_EXPORT_CHECKPOINT_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

#include <memory>
#include <string>
#include <vector>

namespace dtc {

/// A parameter or a running statistic of a model, by the model's own name.
struct TrainedTensor {
  std::string name;
  llvm::SmallVector<int64_t> shape;
};

/// A file of the format safetensors (https://github.com/huggingface/safetensors), as emitted programs save it: float32 under the
/// names of emit::checkpointName.
class Checkpoint {
public:
  /// Checks the whole header: lengths, types, shapes, offsets. Fails in one line that names the file.
  static llvm::Expected<Checkpoint> read(llvm::StringRef path);

  /// The values of each of a model's tensors, in order: little-endian float32, row-major, of this object's life and of any alignment.
  /// Fails in one line where one is missing, of another shape or type, or where the file holds one that neither the model nor an optimizer's
  /// state has: it is another model's.
  llvm::Expected<std::vector<llvm::StringRef>> valuesOf(llvm::ArrayRef<TrainedTensor> tensors) const;

private:
  struct Entry {
    std::string type;
    llvm::SmallVector<int64_t> shape;
    llvm::StringRef bytes;
  };

  llvm::Error readHeader();
  llvm::Error error(const llvm::Twine &what) const;

  std::string path;
  std::unique_ptr<llvm::MemoryBuffer> file;
  llvm::StringMap<Entry> entries;
};

} // namespace dtc

#endif // DTC_EXPORT_CHECKPOINT_H
