// NumPy's .npy format (numpy.lib.format): magic, version, a Python dictionary with dtype, order and shape, the values.
#include "core/Require.h"
#include "data/Dataset.h"
#include "data/NpyFiles.h"
#include "io/File.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <map>
#include <string_view>

namespace dtcrt {

namespace {

/// The header's dictionary: just enough of Python's literals.
class Header {
public:
  Header(const InputFile &file, std::string_view text) : file_(file), text_(text) {
    expect('{');
    while (!accept('}')) {
      const std::string key = string();
      expect(':');
      if (key == "descr")
        descr = string();
      else if (key == "fortran_order")
        fortran_order = word() != "False";
      else if (key == "shape")
        shape = tuple();
      else
        fail();
      accept(',');
    }
    if (descr.empty() || !has_shape_)
      fail();
  }
  std::string descr;
  bool fortran_order = true;
  std::vector<std::uint64_t> shape;

private:
  [[noreturn]] void fail() const { file_.fail("its header is not that of a NumPy array of numbers"); }
  void skip() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])))
      ++at_;
  }
  bool accept(char c) {
    skip();
    if (at_ >= text_.size() || text_[at_] != c)
      return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c))
      fail();
  }
  std::string string() {
    skip();
    const char quote = at_ < text_.size() ? text_[at_] : 0;
    if (quote != '\'' && quote != '"')
      fail();
    const std::size_t end = text_.find(quote, ++at_);
    if (end == std::string_view::npos)
      fail();
    const std::string result(text_.substr(at_, end - at_));
    at_ = end + 1;
    return result;
  }
  std::string word() {
    skip();
    std::string result;
    while (at_ < text_.size() && std::isalpha(static_cast<unsigned char>(text_[at_])))
      result += text_[at_++];
    return result;
  }
  std::vector<std::uint64_t> tuple() {
    has_shape_ = true;
    std::vector<std::uint64_t> sizes;
    expect('(');
    while (!accept(')')) {
      skip();
      std::uint64_t size = 0;
      const std::size_t begin = at_;
      for (; at_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_])); ++at_)
        if (__builtin_mul_overflow(size, 10u, &size) || __builtin_add_overflow(size, unsigned(text_[at_] - '0'), &size))
          fail();
      if (at_ == begin || sizes.size() > max_rank)
        fail();
      sizes.push_back(size);
      accept(',');
    }
    return sizes;
  }

  const InputFile &file_;
  std::string_view text_;
  std::size_t at_ = 0;
  bool has_shape_ = false;
};

template <class T> std::vector<T> read_values(InputFile &file, std::uint64_t count) {
  if (count > file.most_bytes() / sizeof(T))
    file.fail("its header names a shape that the file cannot hold");
  std::vector<T> values(count);
  file.read(values.data(), count * sizeof(T));
  file.expect_end();
  return values;
}

/// The same numbers in a wider type.
template <class Wide, class T> std::vector<Wide> read_widened(InputFile &file, std::uint64_t count) {
  const std::vector<T> values = read_values<T>(file, count);
  return std::vector<Wide>(values.begin(), values.end());
}

/// One array, samples first; `samples` receives their number. Of an array that this rank does not bind only the header is read.
Column read_npy(const std::string &path, const Wanted &wanted, index &samples) {
  InputFile file(path);
  std::array<u8, 8> start;
  file.read(start.data(), start.size());
  if (std::memcmp(start.data(), "\x93NUMPY", 6) != 0)
    file.fail("not a NumPy file");
  if (start[6] < 1 || start[6] > 3)
    file.fail("a NumPy file of the unknown version " + std::to_string(start[6]));
  std::array<u8, 4> length{};
  file.read(length.data(), start[6] == 1 ? 2 : 4);
  const std::uint64_t header_bytes =
      length[0] | std::uint64_t(length[1]) << 8 | std::uint64_t(length[2]) << 16 | std::uint64_t(length[3]) << 24;
  if (header_bytes > file.most_bytes())
    file.fail("its header is longer than the file");
  std::string text(header_bytes, 0);
  file.read(text.data(), text.size());
  const Header header(file, text);

  if (header.fortran_order)
    file.fail("in Fortran order; save it in C order");
  if (header.shape.empty())
    file.fail("a single number, not an array of samples");
  std::uint64_t count = 1;
  Dims shape;
  for (std::size_t i = 0; i < header.shape.size(); ++i) {
    if (__builtin_mul_overflow(count, header.shape[i], &count) || count > file.most_bytes())
      file.fail("its header names a shape that the file cannot hold");
    if (i > 0)
      shape.push_back(static_cast<index>(header.shape[i]));
  }
  if (shape != wanted.shape)
    file.fail("samples of shape " + to_string(shape) + ", the program's '" + wanted.name + "' is " + to_string(wanted.shape));
  samples = static_cast<index>(header.shape[0]);
  if (samples == 0)
    file.fail("no sample in it");

  const std::string &type = header.descr;
  if (wanted.is_integer && (type == "<f4" || type == "<f8"))
    file.fail("floating-point numbers, the program's '" + wanted.name + "' is of whole numbers");
  Column column;
  column.shape = shape;
  if (!wanted.is_bound)
    return column;
  if (type == "<f4")
    column.values = read_values<f32>(file, count);
  else if (type == "<f8")
    column.values = read_values<f64>(file, count);
  else if (type == "<i8")
    column.values = read_values<i64>(file, count);
  else if (type == "<i4")
    column.values = read_values<i32>(file, count);
  else if (type == "<i2")
    column.values = read_widened<i32, std::int16_t>(file, count);
  else if (type == "<u2")
    column.values = read_widened<i32, std::uint16_t>(file, count);
  else if (type == "|i1" || type == "<i1")
    column.values = read_widened<i32, std::int8_t>(file, count);
  else if (type == "|u1" || type == "<u1" || type == "|b1")
    column.values = read_values<u8>(file, count);
  else
    file.fail("elements of type '" + type.substr(0, 20) + "'; there are <f4, <f8, <i8, <i4, <i2, |i1, <u2, |u1 and |b1");
  if (wanted.is_integer)
    check_range(path, column, wanted);
  return column;
}

} // namespace

std::vector<std::string> npy_files(const std::string &where) {
  std::vector<std::string> paths;
  for (const auto &[name, path] : parse_npy_files(where))
    paths.push_back(path);
  return paths;
}

Dataset load_npy(const std::string &where, const Wishes &wishes) {
  std::map<NpyName, std::string> files = parse_npy_files(where);
  const auto read_split = [&](bool is_evaluation) {
    Split split;
    std::string first;
    const auto take = [&](const NpyName &name, const Wanted &wanted) {
      const auto file = files.find(name);
      if (file == files.end())
        throw Error("--data=npy: no file for '" + spelled(name) + "' (" + spelled(name) + "=FILE)");
      index samples = 0;
      Column column = read_npy(file->second, wanted, samples);
      if (split.size != 0 && samples != split.size)
        throw Error(first + " holds " + std::to_string(split.size) + " samples, " + file->second + " " + std::to_string(samples));
      split.size = samples;
      first = first.empty() ? file->second : first;
      return column;
    };
    const NpyName label_name{is_evaluation, std::nullopt};
    for (const Wanted &input : wishes.inputs)
      split.inputs.push_back(take({is_evaluation, input.name}, input));
    if (wishes.label && wishes.label_may_lack && !files.contains(label_name)) {
      split.has_label = false;
    } else if (wishes.label) {
      Column label = take(label_name, *wishes.label);
      if (wishes.label->is_integer)
        check_classes(files[label_name], label, wishes);
      else
        check_targets(files[label_name], label, wishes.probabilities);
      if (wishes.label->is_bound)
        split.label = std::move(label);
    }
    for (const Wanted &input : wishes.inputs)
      files.erase({is_evaluation, input.name});
    files.erase(label_name);
    return split;
  };

  Dataset data;
  data.train = read_split(false);
  if (std::any_of(files.begin(), files.end(), [](const auto &file) { return file.first.is_evaluation; }))
    data.test = read_split(true);
  if (!files.empty())
    throw Error("--data=npy: the program has no input '" + spelled(files.begin()->first) + "'");
  return data;
}

} // namespace dtcrt
