// Samples in memory, and how a batch of them gets into a program's tensors.
#pragma once

#include "dtcrt/context.h"
#include "dtcrt/plan.h"
#include "io/MappedFile.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace dtcrt {

/// What the program wants of one input or of the label.
struct Wanted {
  std::string name;
  bool is_integer = false; ///< whole numbers in [low, high], otherwise f32
  Dims shape;              ///< of one sample
  bool is_bound = true;    ///< by this rank; otherwise others need its values, and this rank its number of samples
  i64 low = std::numeric_limits<i64>::min(), high = std::numeric_limits<i64>::max(); ///< what its type holds and its tables have rows for
};

/// What the program wants of a data source: all its ranks together.
struct Wishes {
  std::vector<Wanted> inputs;
  std::optional<Wanted> label;
  bool label_may_lack = false; ///< nothing is trained: a source without labels will do
  index classes = 0; ///< labels are ids below this; 0: f32 targets
  std::optional<i64> ignored_label{}; ///< labels may be this too
  bool probabilities = false; ///< f32 targets lie in [0, 1]
  index batch = 0;
};
/// What one binding wants.
Wishes wishes_of(const Plan &plan, const Binding &binding);

/// Values that stay in their file until they are read.
template <class T> class FileView {
public:
  using value_type = T;
  FileView(std::shared_ptr<const MappedFile> file, const T *values, std::size_t size) : file_(std::move(file)), values_(values), size_(size) {}
  const T *data() const { return values_; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const T &operator[](std::size_t i) const { return values_[i]; }
  friend bool operator==(const FileView &a, const FileView &b) { return std::equal(a.values_, a.values_ + a.size_, b.values_, b.values_ + b.size_); }

private:
  std::shared_ptr<const MappedFile> file_;
  const T *values_;
  std::size_t size_;
};

/// One value a sample and element, in the file's own type; converted when a batch is made.
struct Column {
  Dims shape; ///< of one sample
  std::variant<std::vector<u8>, std::vector<i32>, std::vector<i64>, std::vector<f32>, std::vector<f64>, FileView<std::uint16_t>,
               FileView<std::uint32_t>>
      values;
  f32 scale = 1; ///< factor of f32 targets: 1/255 for pixels

  /// Row r of `tensor` = sample ids[r], for all rows.
  void gather(Context &ctx, const std::vector<index> &ids, const DataTensor &tensor) const;
};

struct Split {
  index size = 0;
  std::vector<Column> inputs; ///< in the order of Wishes::inputs; without values where this rank binds none
  std::optional<Column> label; ///< if this rank binds it
  bool has_label = true;       ///< on any rank
};

struct Dataset {
  Split train;
  std::optional<Split> test;
};

/// Reads `source` as --data spells it: of what this rank does not bind, no more than it takes to know the number of samples. Throws Error with one clear line. `seed` is for synthetic data.
Dataset load_dataset(const std::string &source, const Wishes &wishes, std::uint64_t seed);

/// The files that `source` names. Throws Error when it is spelled wrongly, or where a folder lacks one.
std::vector<std::string> data_files(const std::string &source);

// One reader a format, each in its own file; `where` is what follows the colon.
Dataset load_idx(const std::string &where, const Wishes &wishes);
Dataset load_cifar10(const std::string &where, const Wishes &wishes);
Dataset load_npy(const std::string &where, const Wishes &wishes);
Dataset load_tokens(const std::string &where, const Wishes &wishes);
std::vector<std::string> idx_files(const std::string &where);
std::vector<std::string> cifar10_files(const std::string &where);
std::vector<std::string> npy_files(const std::string &where);
std::vector<std::string> tokens_files(const std::string &where);
Dataset make_synthetic(const std::string &where, const Wishes &wishes, std::uint64_t seed);

/// For image files: checks that the program has one f32 input of `image`'s shape, with or without leading 1s, or flat, and class ids
/// of at least one. Returns the input's own shape.
Dims image_shape(const std::string &format, const Dims &image, const Wishes &wishes);
/// Throws Error naming file and sample where a whole number is not in [low, high].
void check_range(const std::string &file, const Column &values, const Wanted &wanted);
/// Throws Error naming file and sample where a label is neither a class id below `wishes.classes` nor ignored.
void check_classes(const std::string &file, const Column &label, const Wishes &wishes);
/// The same where an f32 target is not finite or, of those that are `probabilities`, not in [0, 1].
void check_targets(const std::string &file, const Column &label, bool probabilities);

} // namespace dtcrt
