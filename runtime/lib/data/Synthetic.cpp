// Random data that a model can learn: a noisy pattern for each class, of numbers or of ids, or a smooth function of the inputs as target.
#include "core/Random.h"
#include "data/Dataset.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace dtcrt {

namespace {

/// Training samples when nobody names a number, in batches; a quarter as many are for the test.
constexpr index default_batches = 16;
constexpr index most_bytes = index(4) << 30;

std::vector<f32> normals(const RandomStream &random, index count) {
  std::vector<f32> values(static_cast<std::size_t>(count));
  for (index i = 0; i < count; ++i) {
    const auto [a, b] = random.normals(static_cast<std::uint64_t>(i / 2));
    values[static_cast<std::size_t>(i)] = static_cast<f32>(i % 2 ? b : a);
  }
  return values;
}

/// How many different whole numbers an input gets, from 0 on: one a row of its smallest table, or few where it has none.
i64 numbers_of(const Wanted &input) {
  constexpr i64 few = 10;
  const bool has_table = input.high < std::numeric_limits<i32>::max();
  return has_table ? input.high + 1 : few;
}

/// Half of a sample's whole numbers are those of its class, where there are classes; the others are by chance.
template <class ClassOf>
std::vector<i64> whole_numbers(const Wanted &input, const char *which, index size, index classes, std::uint64_t seed, ClassOf class_of) {
  const index elements = input.shape.product();
  const auto numbers = static_cast<std::uint64_t>(numbers_of(input));
  const RandomStream pattern(seed, "synthetic.pattern." + input.name), noise(seed, "synthetic.noise." + input.name + "." + which);
  std::vector<i64> values(static_cast<std::size_t>(size * elements));
#pragma omp parallel for schedule(static)
  for (index sample = 0; sample < size; ++sample) {
    const index own = classes > 0 ? class_of(sample) * elements : 0;
    for (index i = 0; i < elements; ++i) {
      const std::uint64_t drawn = noise.below(static_cast<std::uint64_t>(sample * elements + i), classes > 0 ? 2 * numbers : numbers);
      values[static_cast<std::size_t>(sample * elements + i)] =
          static_cast<i64>(drawn < numbers ? drawn : pattern.below(static_cast<std::uint64_t>(own + i), numbers));
    }
  }
  return values;
}

Split make_split(const char *which, index size, const Wishes &wishes, std::uint64_t seed) {
  const RandomStream classes(seed, std::string("synthetic.class.") + which);
  const auto class_of = [&](index sample) {
    return static_cast<index>(classes.below(static_cast<std::uint64_t>(sample), static_cast<std::uint64_t>(wishes.classes)));
  };
  Split split;
  split.size = size;
  const bool has_label = wishes.label && wishes.label->is_bound, targets = has_label && !wishes.label->is_integer;
  const index target_elements = targets ? wishes.label->shape.product() : 0;
  std::vector<f64> projections(static_cast<std::size_t>(size * target_elements));

  for (const Wanted &input : wishes.inputs) {
    if (!input.is_bound && !targets) {
      split.inputs.push_back({input.shape, {}, 1});
      continue;
    }
    const index elements = input.shape.product(), pairs = (elements + 1) / 2;
    if (input.is_integer) {
      std::vector<i64> values = whole_numbers(input, which, size, wishes.classes, seed, class_of);
      // Targets see them as numbers in [-1, 1], each through a weight.
      const std::vector<f32> weights = normals(RandomStream(seed, "synthetic.weight." + input.name), target_elements * elements);
      const f64 middle = std::max<f64>(static_cast<f64>(numbers_of(input) - 1) / 2, 0.5);
      for (index sample = 0; sample < size; ++sample)
        for (index j = 0; j < target_elements; ++j) {
          f64 sum = 0;
          for (index i = 0; i < elements; ++i)
            sum += weights[static_cast<std::size_t>(j * elements + i)] *
                   (static_cast<f64>(values[static_cast<std::size_t>(sample * elements + i)]) / middle - 1);
          projections[static_cast<std::size_t>(sample * target_elements + j)] += sum / std::sqrt(static_cast<f64>(elements));
        }
      if (!input.is_bound)
        values.clear();
      split.inputs.push_back({input.shape, std::move(values), 1});
      continue;
    }
    // A row for each class; or, for targets, the weights through which each target element sees the input.
    const index rows = std::max(wishes.classes, target_elements);
    const std::vector<f32> patterns = normals(RandomStream(seed, "synthetic.pattern." + input.name), rows * elements);
    const RandomStream noise(seed, "synthetic.noise." + input.name + "." + which);
    std::vector<f32> values(static_cast<std::size_t>(size * elements));
#pragma omp parallel for schedule(static)
    for (index sample = 0; sample < size; ++sample) {
      f32 *x = values.data() + sample * elements;
      for (index i = 0; i < pairs; ++i) {
        const auto [a, b] = noise.normals(static_cast<std::uint64_t>(sample * pairs + i));
        x[2 * i] = static_cast<f32>(a);
        if (2 * i + 1 < elements)
          x[2 * i + 1] = static_cast<f32>(b);
      }
      if (wishes.classes > 0) {
        const f32 *own = patterns.data() + class_of(sample) * elements;
        for (index i = 0; i < elements; ++i)
          x[i] += 0.5f * own[i];
      }
      for (index j = 0; j < target_elements; ++j) {
        f64 sum = 0;
        for (index i = 0; i < elements; ++i)
          sum += patterns[static_cast<std::size_t>(j * elements + i)] * x[i];
        projections[static_cast<std::size_t>(sample * target_elements + j)] += sum / std::sqrt(static_cast<f64>(elements));
      }
    }
    if (!input.is_bound)
      values.clear();
    split.inputs.push_back({input.shape, std::move(values), 1});
  }

  if (targets) { // in (0, 1): serves a squared error and a binary cross-entropy
    std::vector<f32> values(projections.size());
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = static_cast<f32>(1 / (1 + std::exp(-projections[i])));
    split.label = Column{wishes.label->shape, std::move(values), 1};
  } else if (has_label) {
    const index positions = wishes.label->shape.product();
    std::vector<i64> values(static_cast<std::size_t>(size * positions));
    for (index i = 0; i < size * positions; ++i)
      values[static_cast<std::size_t>(i)] = class_of(i / positions);
    split.label = Column{wishes.label->shape, std::move(values), 1};
  }
  return split;
}

} // namespace

Dataset make_synthetic(const std::string &where, const Wishes &wishes, std::uint64_t seed) {
  index size = default_batches * wishes.batch;
  if (!where.empty()) {
    const auto [end, error] = std::from_chars(where.data(), where.data() + where.size(), size);
    if (error != std::errc() || end != where.data() + where.size() || size < 1)
      throw Error("--data=synthetic:" + where + ": not a number of samples");
  }
  index sample_bytes = 0;
  for (const Wanted &input : wishes.inputs)
    sample_bytes += input.shape.product() * static_cast<index>(input.is_integer ? sizeof(i64) : sizeof(f32));
  if (wishes.label && wishes.label->is_integer && wishes.classes <= 0)
    throw Error("--data=synthetic cannot make labels without knowing the number of classes");
  if (sample_bytes > 0 && size > most_bytes / sample_bytes)
    throw Error("--data=synthetic: " + std::to_string(size) + " samples take more than 4 GiB");
  Dataset data;
  data.train = make_split("train", size, wishes, seed);
  data.test = make_split("test", std::max<index>(size / 4, 1), wishes, seed);
  return data;
}

} // namespace dtcrt
