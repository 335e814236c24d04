// Batch by batch: all ranks compute, those that have rows of it send them to rank 0, which appends them.
#include "core/Predictions.h"
#include "comm/Agreement.h"
#include "comm/Gather.h"
#include "io/File.h"
#include "io/Safetensors.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <map>
#include <stdexcept>
#include <vector>

namespace dtcrt {

namespace {

using Put = std::function<void(const void *, std::size_t)>;

/// A rank that gives rows.
struct Owner {
  int rank = 0;
  index local_batch = 0;
};

/// Who gives which rows of a batch, and what a row is like.
struct Owners {
  std::map<index, Owner> by_first_row;
  Dims row;

  /// Collective. Of the ranks that have the same rows, the lowest gives them.
  Owners(World &world, const Tensor<f32> &output, const PredictedRows &rows) {
    std::vector<index> own;
    if (output) {
      own = {rows.first_row, rows.local_batch};
      for (int d = 1; d < output.rank(); ++d)
        own.push_back(output.dim(d));
    }
    const std::vector<std::string> all = all_gather(world, std::string(reinterpret_cast<const char *>(own.data()), own.size() * sizeof(index)));
    for (std::size_t rank = 0; rank < all.size(); ++rank) {
      if (all[rank].empty())
        continue;
      std::vector<index> theirs(all[rank].size() / sizeof(index));
      std::memcpy(theirs.data(), all[rank].data(), all[rank].size());
      by_first_row.try_emplace(theirs[0], Owner{static_cast<int>(rank), theirs[1]});
      row = {};
      for (std::size_t d = 2; d < theirs.size(); ++d)
        row.push_back(theirs[d]);
    }
    if (by_first_row.empty())
      throw std::logic_error("no rank binds the output");
  }
};

/// Magic, version, the length of the rest; then a Python dictionary that ends at a multiple of 64 bytes.
std::string header_of(index samples, const Dims &row) {
  std::string text = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + std::to_string(samples) + ",";
  std::string separator = " ";
  for (const index size : row) {
    text += separator + std::to_string(size);
    separator = ", ";
  }
  text += "), }";
  constexpr std::size_t before = 10, alignment = 64;
  text.resize((before + text.size() + 1 + alignment - 1) / alignment * alignment - before - 1, ' ');
  text += '\n';
  const std::string length{static_cast<char>(text.size() & 255), static_cast<char>(text.size() >> 8)};
  return std::string("\x93NUMPY\x01\x00", 8) + length + text;
}

/// Collective; `put` on rank 0 alone.
void append_rows(World &world, Device &device, const Tensor<f32> &output, const PredictedRows &rows, const Owners &owners, index batch,
                 const Put &put) {
  const index left = std::min(rows.batch, rows.samples - batch * rows.batch);
  for (const auto &[first, owner] : owners.by_first_row) {
    const index valid = std::min(owner.local_batch, left - first);
    if (valid <= 0)
      continue;
    std::vector<f32> values;
    const std::size_t bytes = static_cast<std::size_t>(valid * owners.row.product()) * sizeof(f32);
    bring_to_first(world, owner.rank, bytes, [&]() -> void * {
      if (world.rank() != owner.rank && world.rank() != 0)
        return nullptr;
      values.resize(static_cast<std::size_t>((world.rank() == owner.rank ? owner.local_batch : valid) * owners.row.product()));
      if (world.rank() == owner.rank)
        device.read(output, [&](const Tensor<f32> &tensor) { copy_row_major(tensor, values.data()); });
      return values.data();
    });
    // A full disk is known to all before the next batch, which no rank could make alone.
    together(world, [&] {
      if (put)
        put(values.data(), bytes);
    });
  }
}

} // namespace

void write_predictions(World &world, Device &device, const std::string &path, const Tensor<f32> &output, const PredictedRows &rows,
                       const std::function<void(index batch)> &run) {
  const Owners owners(world, output, rows);
  const auto append_all = [&](const Put &put) {
    for (index batch = 0; batch * rows.batch < rows.samples; ++batch) {
      run(batch);
      append_rows(world, device, output, rows, owners, batch, put);
    }
  };
  // The others wait where the file is opened, and where it gets its name.
  if (world.rank() != 0) {
    together(world, [] {});
    append_all(nullptr);
    together(world, [] {});
    return;
  }
  bool others_wait = true;
  try {
    write_whole(path, [&](const Put &put) {
      const std::string header = header_of(rows.samples, owners.row);
      put(header.data(), header.size());
      others_wait = false;
      together(world, [] {});
      append_all(put);
      others_wait = true;
    });
  } catch (...) {
    if (!others_wait)
      throw;
    together(world, [failure = std::current_exception()] { std::rethrow_exception(failure); });
  }
  together(world, [] {});
}

} // namespace dtcrt
