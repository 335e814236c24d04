// Choosing a reader, checks that all readers share, and gathering batches.
#include "data/Dataset.h"
#include "core/Require.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <type_traits>

namespace dtcrt {

namespace {

/// `rows` > 0: of the table that whole numbers choose from.
Wanted wanted_of(const std::string &name, const DataTensor &tensor, index rows = 0) {
  return std::visit(
      [&]<class T>(const Tensor<T> &t) {
        Wanted wanted{.name = name, .is_integer = std::is_integral_v<T>, .shape = {}};
        for (int i = 1; i < t.rank(); ++i)
          wanted.shape.push_back(t.dim(i));
        if constexpr (std::is_integral_v<T>) {
          wanted.low = static_cast<i64>(std::numeric_limits<T>::min());
          wanted.high = static_cast<i64>(std::numeric_limits<T>::max());
        }
        if (wanted.is_integer && rows > 0) {
          wanted.low = std::max<i64>(wanted.low, -rows);
          wanted.high = std::min<i64>(wanted.high, rows - 1);
        }
        return wanted;
      },
      tensor);
}

bool is_present(const DataTensor &tensor) {
  return std::visit([](const auto &t) { return bool(t); }, tensor);
}

/// Row `r` of a dense tensor = `from`, whose elements lie in row-major logical order.
template <class From, class To> void fill_row(const From *from, const Tensor<To> &tensor, index r, f32 scale) {
  const index elements = tensor.size() / tensor.dim(0);
  To *to = tensor.data() + r * tensor.strides()[0];
  const auto convert = [&](From value) {
    if constexpr (std::is_same_v<To, f32>)
      return static_cast<f32>(value) * scale;
    else
      return static_cast<To>(value);
  };
  if (tensor.layout() == channels_last) {
    const index channels = tensor.dim(1), pixels = elements / channels;
    for (index c = 0; c < channels; ++c)
      for (index p = 0; p < pixels; ++p)
        to[p * channels + c] = convert(from[c * pixels + p]);
  } else {
#pragma omp simd
    for (index i = 0; i < elements; ++i)
      to[i] = convert(from[i]);
  }
}

} // namespace

Wishes wishes_of(const Plan &plan, const Binding &binding) {
  Wishes wishes;
  for (const InputBinding &input : binding.inputs)
    wishes.inputs.push_back(wanted_of(input.name, input.tensor, input.rows));
  if (is_present(binding.label))
    wishes.label = wanted_of("label", binding.label);
  wishes.classes = plan.classes;
  wishes.ignored_label = plan.ignored_label;
  wishes.probabilities = plan.probabilities;
  wishes.batch = plan.batch;
  return wishes;
}

void Column::gather(Context &ctx, const std::vector<index> &ids, const DataTensor &tensor) const {
  std::visit(
      [&](const auto &target, const auto &source) {
        const index elements = shape.product();
        require(target.is_dense() && target.dim(0) == static_cast<index>(ids.size()) && target.size() == elements * target.dim(0),
                "batch", "the tensor holds one sample a row");
        const index rows = target.dim(0);
#pragma omp parallel for schedule(static) num_threads(threads_for(ctx, target.size()))
        for (index r = 0; r < rows; ++r)
          fill_row(source.data() + ids[static_cast<std::size_t>(r)] * elements, target, r, scale);
      },
      tensor, values);
}

Dims image_shape(const std::string &format, const Dims &image, const Wishes &wishes) {
  if (wishes.inputs.size() != 1 || wishes.inputs[0].is_integer)
    throw Error(format + " holds one image a sample, the program has other inputs");
  if (!wishes.label || !wishes.label->is_integer || !wishes.label->shape.empty())
    throw Error(format + " holds one class id a sample, the program wants another label");
  // [1, 28, 28] also serves as [28, 28] and as [784].
  const Dims &shape = wishes.inputs[0].shape;
  const auto without_ones = [](const Dims &dims) {
    Dims result;
    for (index size : dims)
      if (size != 1)
        result.push_back(size);
    return result;
  };
  if (without_ones(shape) != without_ones(image) && shape != Dims{image.product()})
    throw Error(format + " holds images of shape " + to_string(image) + ", the program's input '" + wishes.inputs[0].name + "' is " +
                to_string(shape));
  return shape;
}

void check_range(const std::string &file, const Column &column, const Wanted &wanted) {
  const index elements = std::max<index>(column.shape.product(), 1);
  std::visit(
      [&]<class Values>(const Values &values) {
        if constexpr (std::is_integral_v<typename Values::value_type>)
          for (std::size_t i = 0; i < values.size(); ++i)
            if (const auto value = static_cast<i64>(values[i]); value < wanted.low || value > wanted.high)
              throw Error(file + ": value " + std::to_string(value) + " of sample " + std::to_string(static_cast<index>(i) / elements) +
                          " is not in [" + std::to_string(wanted.low) + ", " + std::to_string(wanted.high) + "], as the program's '" +
                          wanted.name + "' wants it");
      },
      column.values);
}

void check_classes(const std::string &file, const Column &label, const Wishes &wishes) {
  const index classes = wishes.classes;
  if (classes <= 0)
    return;
  const index positions = std::max<index>(label.shape.product(), 1);
  std::visit(
      [&](const auto &values) {
        for (std::size_t i = 0; i < values.size(); ++i)
          if ((!(values[i] >= 0) || static_cast<i64>(values[i]) >= classes) && static_cast<i64>(values[i]) != wishes.ignored_label)
            throw Error(file + ": label " + std::to_string(static_cast<i64>(values[i])) + " of sample " +
                        std::to_string(static_cast<index>(i) / positions) + " is not a class id below " + std::to_string(classes) +
                        (wishes.ignored_label ? " and not " + std::to_string(*wishes.ignored_label) + ", which is ignored" : ""));
      },
      label.values);
}

void check_targets(const std::string &file, const Column &label, bool probabilities) {
  const index elements = std::max<index>(label.shape.product(), 1);
  std::visit(
      [&](const auto &values) {
        for (std::size_t i = 0; i < values.size(); ++i) {
          const f32 target = static_cast<f32>(values[i]) * label.scale;
          const bool is_wrong = probabilities ? !(target >= 0 && target <= 1) : !std::isfinite(target);
          if (!is_wrong)
            continue;
          char number[32];
          std::snprintf(number, sizeof number, "%.9g", static_cast<f64>(target));
          throw Error(file + ": label " + number + " of sample " + std::to_string(static_cast<index>(i) / elements) +
                      (probabilities ? " is not in [0, 1], as the loss wants it" : " is not a finite number"));
        }
      },
      label.values);
}

namespace {

/// A kind of files.
struct Format {
  const char *name;
  Dataset (*load)(const std::string &where, const Wishes &wishes);
  std::vector<std::string> (*files)(const std::string &where);
};
constexpr Format formats[] = {{"idx", load_idx, idx_files}, {"cifar10", load_cifar10, cifar10_files}, {"npy", load_npy, npy_files},
                              {"tokens", load_tokens, tokens_files}};
constexpr const char *synthetic = "synthetic";

/// What --data says.
struct Source {
  const Format *format; ///< nullptr: synthetic
  std::string where;
};

Source parse_source(const std::string &source) {
  const std::size_t colon = source.find(':');
  const std::string kind = source.substr(0, colon), where = colon == std::string::npos ? "" : source.substr(colon + 1);
  if (kind == synthetic)
    return {nullptr, where};
  const auto *const format = std::find_if(std::begin(formats), std::end(formats), [&](const Format &f) { return kind == f.name; });
  if (format == std::end(formats))
    throw Error("--data=" + source + ": unknown source; there are idx:DIR, cifar10:DIR, npy:INPUT=FILE,label=FILE, tokens:FILE and synthetic");
  if (where.empty())
    throw Error("--data=" + source + ": nothing after '" + kind + ":'");
  return {format, where};
}

} // namespace

Dataset load_dataset(const std::string &source, const Wishes &wishes, std::uint64_t seed) {
  const auto [format, where] = parse_source(source);
  return format ? format->load(where, wishes) : make_synthetic(where, wishes, seed);
}

std::vector<std::string> data_files(const std::string &source) {
  const auto [format, where] = parse_source(source);
  return format ? format->files(where) : std::vector<std::string>();
}

} // namespace dtcrt
