// MNIST's IDX files (http://yann.lecun.com/exdb/mnist): two zero bytes, the type, the rank, big-endian sizes, the values.
#include "data/Dataset.h"
#include "io/File.h"

#include <array>

namespace dtcrt {

namespace {

constexpr u8 unsigned_byte = 0x08;

/// Two spellings are about.
using Names = std::array<const char *, 2>;
constexpr Names train_images{"train-images-idx3-ubyte", "train-images.idx3-ubyte"};
constexpr Names train_labels{"train-labels-idx1-ubyte", "train-labels.idx1-ubyte"};
constexpr Names test_images{"t10k-images-idx3-ubyte", "t10k-images.idx3-ubyte"};
constexpr Names test_labels{"t10k-labels-idx1-ubyte", "t10k-labels.idx1-ubyte"};

struct IdxFile {
  std::string path;
  std::vector<index> sizes;
  std::vector<u8> values;
};

/// Without values only the header is read.
IdxFile read_idx(const std::string &path, int rank, bool with_values) {
  InputFile file(path);
  std::array<u8, 4> magic;
  file.read(magic.data(), magic.size());
  if (magic[0] != 0 || magic[1] != 0 || magic[2] != unsigned_byte || magic[3] != rank)
    file.fail("not an IDX file of unsigned bytes with " + std::to_string(rank) + " dimension(s)");
  IdxFile result{path, {}, {}};
  std::uint64_t total = 1;
  for (int i = 0; i < rank; ++i) {
    std::array<u8, 4> b;
    file.read(b.data(), b.size());
    const std::uint64_t size = std::uint64_t(b[0]) << 24 | b[1] << 16 | b[2] << 8 | b[3];
    if (size == 0 || __builtin_mul_overflow(total, size, &total) || total > file.most_bytes())
      file.fail("its header names sizes that the file cannot hold");
    result.sizes.push_back(static_cast<index>(size));
  }
  if (!with_values)
    return result;
  result.values.resize(total);
  file.read(result.values.data(), total);
  file.expect_end();
  return result;
}

Split read_split(const std::string &folder, const Names &image_names, const Names &label_names, const Wishes &wishes) {
  IdxFile images = read_idx(find_file(folder, image_names), 3, wishes.inputs.size() == 1 && wishes.inputs[0].is_bound);
  IdxFile labels = read_idx(find_file(folder, label_names), 1, wishes.label && wishes.label->is_bound);
  if (images.sizes[0] != labels.sizes[0])
    throw Error(images.path + " holds " + std::to_string(images.sizes[0]) + " images, " + labels.path + " " +
                std::to_string(labels.sizes[0]) + " labels");
  Split split;
  split.size = images.sizes[0];
  split.inputs.push_back({image_shape("idx", {1, images.sizes[1], images.sizes[2]}, wishes), std::move(images.values), 1.0f / 255});
  if (!wishes.label->is_bound)
    return split;
  split.label = Column{{}, std::move(labels.values), 1};
  check_classes(labels.path, *split.label, wishes);
  return split;
}

} // namespace

Dataset load_idx(const std::string &where, const Wishes &wishes) {
  Dataset data;
  data.train = read_split(where, train_images, train_labels, wishes);
  data.test = read_split(where, test_images, test_labels, wishes);
  return data;
}

std::vector<std::string> idx_files(const std::string &where) {
  std::vector<std::string> files;
  for (const Names &names : {train_images, train_labels, test_images, test_labels})
    files.push_back(find_file(where, names));
  return files;
}

} // namespace dtcrt
