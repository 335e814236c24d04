// Raw token ids, one behind the other, little-endian, without a header: the stream that a language model learns to continue.
//
//   tokens   t0 t1 t2 t3 t4 t5 t6 …
//   sample 0 [t0 t1 t2]               its label [t1 t2 t3]
//   sample 1          [t3 t4 t5]               [t4 t5 t6]
//
// Samples are windows that begin where the one before ends; the tokens behind the last whole window are not used.
#include "data/Dataset.h"

#include <algorithm>

namespace dtcrt {

namespace {

/// What follows `tokens:`: a path, then `:u16` or `:u32`.
struct Spelling {
  std::string path;
  bool is_wide = false;
};

Spelling parse(const std::string &where) {
  for (const auto &[suffix, is_wide] : {std::pair<std::string, bool>(":u16", false), {":u32", true}})
    if (where.size() > suffix.size() && where.ends_with(suffix))
      return {where.substr(0, where.size() - suffix.size()), is_wide};
  return {where, false};
}

/// Positions of a sample, after it is clear that the program wants tokens and those that follow them.
index check_wishes(const Wishes &wishes) {
  if (wishes.inputs.size() != 1 || !wishes.inputs[0].is_integer || wishes.inputs[0].shape.size() != 1)
    throw Error("tokens are one input of whole numbers [batch, positions], the program has other inputs");
  if (!wishes.label || !wishes.label->is_integer || wishes.label->shape != wishes.inputs[0].shape)
    throw Error("tokens have the next token as the label of each position, the program wants another label");
  return wishes.inputs[0].shape[0];
}

template <class T> Dataset load(const std::string &path, const char *type, const Wishes &wishes) {
  const index positions = check_wishes(wishes);
  std::shared_ptr<const MappedFile> file = MappedFile::open(path);
  if (file->size() % sizeof(T) != 0)
    throw Error(path + ": its " + std::to_string(file->size()) + " bytes are no whole number of " + type + " tokens");
  const index count = static_cast<index>(file->size() / sizeof(T)), samples = count > 0 ? (count - 1) / positions : 0;
  if (count <= positions)
    throw Error(path + ": " + std::to_string(count) + " " + type + " tokens, but a sample and the token after it take " +
                std::to_string(positions + 1));

  const T *const tokens = static_cast<const T *>(file->data());
  const index used = samples * positions + 1;
  if (sizeof(T) == 2) {
    bool is_half_empty = used > 2;
    for (index i = 1; i < used && is_half_empty; i += 2)
      is_half_empty = tokens[i] == 0;
    if (is_half_empty)
      throw Error(path + ": every second u16 token is 0, as in a file of u32 tokens; those are spelled tokens:" + path + ":u32");
  }
  const Wanted &input = wishes.inputs[0];
  const i64 end = std::min<i64>(input.high, wishes.classes > 0 ? wishes.classes - 1 : input.high);
  if (input.is_bound || wishes.label->is_bound)
    for (index i = 0; i < used; ++i)
      if (static_cast<i64>(tokens[i]) > end)
        throw Error(path + ": token " + std::to_string(tokens[i]) + " at position " + std::to_string(i) + " is not below " +
                    std::to_string(end + 1) + ", the number of tokens that the program knows");

  const auto view = [&](index first) { return FileView<T>(file, tokens + first, static_cast<std::size_t>(samples * positions)); };
  Dataset data;
  data.train.size = samples;
  data.train.inputs.push_back({input.shape, {}, 1});
  if (input.is_bound)
    data.train.inputs[0].values = view(0);
  if (wishes.label->is_bound)
    data.train.label = Column{input.shape, view(1), 1};
  return data;
}

} // namespace

Dataset load_tokens(const std::string &where, const Wishes &wishes) {
  const auto [path, is_wide] = parse(where);
  return is_wide ? load<std::uint32_t>(path, "u32", wishes) : load<std::uint16_t>(path, "u16", wishes);
}

std::vector<std::string> tokens_files(const std::string &where) { return {parse(where).path}; }

} // namespace dtcrt
