// CIFAR-10, binary version (https://www.cs.toronto.edu/~kriz/cifar.html): records of a label and 3×32×32 pixels, a byte each.
#include "data/Dataset.h"
#include "io/File.h"

#include <array>
#include <span>

namespace dtcrt {

namespace {

constexpr index pixels = 3 * 32 * 32, record = pixels + 1;
constexpr const char *train_names[] = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"};
constexpr const char *test_names[] = {"test_batch.bin"};

Split read_split(const std::string &folder, std::span<const char *const> names, const Wishes &wishes) {
  Split split;
  std::vector<u8> images, labels;
  const Dims shape = image_shape("cifar10", {3, 32, 32}, wishes);
  const bool with_images = wishes.inputs[0].is_bound, with_labels = wishes.label->is_bound;
  for (std::size_t i = 0; i < names.size(); ++i) {
    InputFile file(find_file(folder, names.subspan(i, 1)));
    std::array<u8, record> sample;
    // The number of records is not written anywhere: a file ends where a record would begin.
    index count = 0;
    for (; !file.at_end(); ++count) {
      file.read(sample.data(), sample.size());
      if (sample[0] >= 10)
        file.fail("label " + std::to_string(sample[0]) + " of sample " + std::to_string(count) + " is not a class id below 10");
      if (wishes.classes > 0 && sample[0] >= wishes.classes)
        file.fail("label " + std::to_string(sample[0]) + " of sample " + std::to_string(count) + " is not a class id below " +
                  std::to_string(wishes.classes));
      if (with_labels)
        labels.push_back(sample[0]);
      if (with_images)
        images.insert(images.end(), sample.begin() + 1, sample.end());
    }
    if (count == 0)
      file.fail("no sample in it");
    split.size += count;
  }
  split.inputs.push_back({shape, std::move(images), 1.0f / 255});
  if (with_labels)
    split.label = Column{{}, std::move(labels), 1};
  return split;
}

} // namespace

Dataset load_cifar10(const std::string &where, const Wishes &wishes) {
  Dataset data;
  data.train = read_split(where, train_names, wishes);
  data.test = read_split(where, test_names, wishes);
  return data;
}

std::vector<std::string> cifar10_files(const std::string &where) {
  std::vector<std::string> files;
  for (const auto names : std::initializer_list<std::span<const char *const>>{train_names, test_names})
    for (std::size_t i = 0; i < names.size(); ++i)
      files.push_back(find_file(where, names.subspan(i, 1)));
  return files;
}

} // namespace dtcrt
