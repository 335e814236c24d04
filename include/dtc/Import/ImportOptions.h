// What an importer is told beside the file.
#ifndef DTC_IMPORT_IMPORTOPTIONS_H
#define DTC_IMPORT_IMPORTOPTIONS_H

#include <cstdint>

namespace dtc {

struct ImportOptions {
  /// The global batch. It binds the symbolic first dimension of the model's
  /// inputs; 0 leaves the batch that the model states.
  int64_t batch = 0;
};

} // namespace dtc

#endif // DTC_IMPORT_IMPORTOPTIONS_H
