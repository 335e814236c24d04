// Data readers on good and on damaged files, the order of batches, and how a batch gets into tensors.
#include "Command.h"
#include "Reference.h"

#include "data/Dataset.h"
#include "data/Sampler.h"

#include <zlib.h>

#include <algorithm>
#include <set>

using namespace dtcrt;
using namespace dtcrt::test;

namespace {

void write(const std::string &path, const std::string &bytes) { std::ofstream(path, std::ios::binary) << bytes; }

std::string big_endian(std::uint32_t v) { return {char(v >> 24), char(v >> 16), char(v >> 8), char(v)}; }

std::string idx(std::vector<std::uint32_t> sizes, const std::string &values, char type = 8) {
  std::string text{0, 0, type, static_cast<char>(sizes.size())};
  for (const std::uint32_t size : sizes)
    text += big_endian(size);
  return text + values;
}

std::string gzip(const std::string &bytes) {
  Folder folder;
  gzFile file = gzopen((folder / "z").c_str(), "wb");
  gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(file);
  return contents(folder / "z");
}

std::string npy(const std::string &type, const std::string &shape, const std::string &values, bool fortran = false, int version = 1) {
  std::string header = "{'descr': '" + type + "', 'fortran_order': " + (fortran ? "True" : "False") + ", 'shape': " + shape + ", }";
  header += std::string(63 - (10 + header.size()) % 64, ' ') + "\n";
  std::string text = "\x93NUMPY";
  text += static_cast<char>(version);
  text += '\0';
  text += static_cast<char>(header.size() & 255);
  text += static_cast<char>(header.size() >> 8);
  if (version > 1)
    text += std::string(2, '\0');
  return text + header + values;
}

template <class T> std::string bytes_of(const std::vector<T> &values) {
  return {reinterpret_cast<const char *>(values.data()), values.size() * sizeof(T)};
}

/// What loading says when it fails; "" when it does not.
std::string failure(const std::string &source, const Wishes &wishes) {
  try {
    load_dataset(source, wishes, 0);
    return "";
  } catch (const Error &error) {
    return error.what();
  }
}

#define EXPECT_FAILS(source, wishes, part)                                                                                             \
  {                                                                                                                                    \
    const std::string said = failure(source, wishes);                                                                                  \
    EXPECT_NE(said.find(part), std::string::npos) << "said: " << said;                                                                 \
    EXPECT_EQ(said.find('\n'), std::string::npos);                                                                                     \
  }

const Wishes images{.inputs = {{"image", false, {1, 2, 3}}}, .label = Wanted{"label", true, {}}, .classes = 10, .batch = 4};

/// Four training and two test images of 2×3 pixels.
struct IdxFolder : Folder {
  IdxFolder() {
    std::string pixels, labels;
    for (int i = 0; i < 24; ++i)
      pixels += static_cast<char>(i * 10);
    write(*this / "train-images-idx3-ubyte", idx({4, 2, 3}, pixels));
    write(*this / "train-labels-idx1-ubyte.gz", gzip(idx({4}, {3, 1, 4, 9})));
    write(*this / "t10k-images-idx3-ubyte.gz", gzip(idx({2, 2, 3}, pixels.substr(0, 12))));
    write(*this / "t10k-labels-idx1-ubyte", idx({2}, {7, 7}));
  }
  std::string source() const { return "idx:" + path(); }
};

TEST(Idx, ReadsPlainAndCompressedFiles) {
  const IdxFolder folder;
  const Dataset data = load_dataset(folder.source(), images, 0);
  EXPECT_EQ(data.train.size, 4);
  EXPECT_EQ(data.test->size, 2);
  Context ctx(1);
  Owned<f32> x({3, 1, 2, 3});
  Owned<i64> label({3});
  data.train.inputs[0].gather(ctx, {3, 0, 3}, x.tensor);
  data.train.label->gather(ctx, {3, 0, 3}, label.tensor);
  EXPECT_FLOAT_EQ(x.memory[0], 180.0f / 255);
  EXPECT_FLOAT_EQ(x.memory[7], 10.0f / 255);
  EXPECT_FLOAT_EQ(x.memory[17], 230.0f / 255);
  EXPECT_EQ(label.memory, (std::vector<i64>{9, 3, 9}));
}

TEST(Idx, ServesAlsoPlainMatricesAndFlatRows) {
  const IdxFolder folder;
  for (const Dims &shape : {Dims{2, 3}, Dims{6}, Dims{1, 2, 3}}) {
    Wishes wishes = images;
    wishes.inputs[0].shape = shape;
    EXPECT_EQ(failure(folder.source(), wishes), "");
  }
  Wishes wishes = images;
  wishes.inputs[0].shape = {1, 28, 28};
  EXPECT_FAILS(folder.source(), wishes, "idx holds images of shape [1, 2, 3], the program's input 'image' is [1, 28, 28]");
  wishes = images;
  wishes.label->is_integer = false;
  EXPECT_FAILS(folder.source(), wishes, "another label");
}

TEST(Idx, DamagedFiles) {
  IdxFolder folder;
  const std::string labels = folder / "train-labels-idx1-ubyte.gz", train = folder / "train-images-idx3-ubyte";
  const std::string whole = contents(labels), pixels = contents(train);
  write(labels, whole.substr(0, whole.size() - 6));
  EXPECT_FAILS(folder.source(), images, "damaged: unexpected end of file");
  write(labels, whole.substr(0, 15));
  EXPECT_FAILS(folder.source(), images, labels);
  std::string flipped = whole;
  flipped[flipped.size() - 6] ^= 1; // the checksum
  write(labels, flipped);
  EXPECT_FAILS(folder.source(), images, "damaged");
  write(labels, gzip(idx({3}, {1, 2, 3})));
  EXPECT_FAILS(folder.source(), images, "holds 4 images, ");
  write(labels, gzip(idx({4}, {1, 2, 3, 10})));
  EXPECT_FAILS(folder.source(), images, "label 10 of sample 3 is not a class id below 10");
  write(labels, gzip(idx({4}, {1, 2, 3, 4, 5})));
  EXPECT_FAILS(folder.source(), images, "longer than its header says");
  write(labels, "garbage, not gzip");
  EXPECT_FAILS(folder.source(), images, "not an IDX file");
  write(labels, "");
  EXPECT_FAILS(folder.source(), images, "ends too early");
  write(labels, whole);
  EXPECT_EQ(failure(folder.source(), images), "");

  write(train, pixels.substr(0, pixels.size() - 1));
  EXPECT_FAILS(folder.source(), images, "ends too early");
  write(train, idx({4, 2, 3}, pixels.substr(16), 13)); // floats
  EXPECT_FAILS(folder.source(), images, "not an IDX file");
  write(train, idx({0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF}, ""));
  EXPECT_FAILS(folder.source(), images, "cannot hold");
  std::filesystem::remove(train);
  EXPECT_FAILS(folder.source(), images, "no file train-images-idx3-ubyte (or .gz) in " + folder.path());
  EXPECT_FAILS("idx:/nowhere/at/all", images, "no folder /nowhere/at/all");
}

TEST(Cifar10, RecordsOfALabelAndPixels) {
  Folder folder;
  for (const char *name : {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"})
    write(folder / name, std::string(1, 3) + std::string(1024, 51) + std::string(1024, 102) + std::string(1024, '\xff'));
  const Wishes wishes{.inputs = {{"image", false, {3, 32, 32}}}, .label = Wanted{"label", true, {}}, .classes = 10, .batch = 4};
  const Dataset data = load_dataset("cifar10:" + folder.path(), wishes, 0);
  EXPECT_EQ(data.train.size, 5);
  EXPECT_EQ(data.test->size, 1);
  Context ctx(2);
  Owned<f32> x({2, 3, 32, 32}, channels_last);
  data.train.inputs[0].gather(ctx, {0, 4}, x.tensor);
  EXPECT_FLOAT_EQ(x.memory[0], 0.2f);
  EXPECT_FLOAT_EQ(x.memory[1], 0.4f);
  EXPECT_FLOAT_EQ(x.memory[2], 1.0f);
  write(folder / "data_batch_3.bin", std::string(3073 + 100, 1));
  EXPECT_FAILS("cifar10:" + folder.path(), wishes, "data_batch_3.bin: the file ends too early");
  write(folder / "data_batch_3.bin", std::string(3073, 11));
  EXPECT_FAILS("cifar10:" + folder.path(), wishes, "label 11 of sample 0");
  write(folder / "data_batch_3.bin", "");
  EXPECT_FAILS("cifar10:" + folder.path(), wishes, "no sample in it");
}

const Wishes arrays{.inputs = {{"x", false, {2}}}, .label = Wanted{"label", true, {}}, .classes = 3, .batch = 4};

TEST(Npy, ReadsEveryTypeAndVersion) {
  Folder folder;
  const std::string x = folder / "x.npy", label = folder / "label.npy";
  write(label, npy("<i8", "(3,)", bytes_of<i64>({0, 1, 2})));
  const std::string source = "npy:x=" + x + ",label=" + label;
  Context ctx(1);
  const auto expect_loads = [&](const std::string &file) {
    write(x, file);
    const Dataset data = load_dataset(source, arrays, 0);
    EXPECT_EQ(data.train.size, 3);
    EXPECT_FALSE(data.test.has_value());
    Owned<f32> tensor({3, 2});
    data.train.inputs[0].gather(ctx, {2, 1, 0}, tensor.tensor);
    EXPECT_EQ(tensor.memory, (std::vector<f32>{5, 6, 3, 4, 1, 2}));
  };
  expect_loads(npy("<f4", "(3, 2)", bytes_of<f32>({1, 2, 3, 4, 5, 6})));
  expect_loads(npy("<f8", "(3, 2)", bytes_of<f64>({1, 2, 3, 4, 5, 6}), false, 2));
  expect_loads(npy("<i8", "(3, 2)", bytes_of<i64>({1, 2, 3, 4, 5, 6})));
  expect_loads(npy("<i4", "(3,2)", bytes_of<i32>({1, 2, 3, 4, 5, 6})));
  expect_loads(npy("|u1", "(3, 2)", bytes_of<u8>({1, 2, 3, 4, 5, 6})));
  write(x, npy("<f4", "(3, 2)", bytes_of<f32>({1, 2, 3, 4, 5, 6})));
  const Dataset data = load_dataset(source + ",eval-x=" + x + ",eval-label=" + label, arrays, 0);
  EXPECT_EQ(data.test->size, 3);
}

/// Ids of every integer type, into inputs of every whole type; what does not fit is told.
TEST(Npy, WholeNumbers) {
  Folder folder;
  const std::string ids = folder / "ids.npy", source = "npy:ids=" + ids;
  Wishes wishes{.inputs = {{.name = "ids", .is_integer = true, .shape = {2}, .low = -7, .high = 6}}, .batch = 3};
  Context ctx(1);
  const auto expect_loads = [&](const std::string &file) {
    write(ids, file);
    const Dataset data = load_dataset(source, wishes, 0);
    Owned<i64> wide({3, 2});
    Owned<i32> narrow({3, 2});
    data.train.inputs[0].gather(ctx, {2, 1, 0}, wide.tensor);
    data.train.inputs[0].gather(ctx, {2, 1, 0}, narrow.tensor);
    EXPECT_EQ(wide.memory, (std::vector<i64>{5, 6, 3, 4, 1, 2}));
    EXPECT_EQ(narrow.memory, (std::vector<i32>{5, 6, 3, 4, 1, 2}));
  };
  expect_loads(npy("<i8", "(3, 2)", bytes_of<i64>({1, 2, 3, 4, 5, 6})));
  expect_loads(npy("<i4", "(3, 2)", bytes_of<i32>({1, 2, 3, 4, 5, 6})));
  expect_loads(npy("<i2", "(3, 2)", bytes_of<std::int16_t>({1, 2, 3, 4, 5, 6})));
  expect_loads(npy("<u2", "(3, 2)", bytes_of<std::uint16_t>({1, 2, 3, 4, 5, 6})));
  expect_loads(npy("|i1", "(3, 2)", bytes_of<std::int8_t>({1, 2, 3, 4, 5, 6})));
  expect_loads(npy("|u1", "(3, 2)", bytes_of<u8>({1, 2, 3, 4, 5, 6})));
  write(ids, npy("<i8", "(3, 2)", bytes_of<i64>({1, -7, 3, 7, 5, 6})));
  EXPECT_FAILS(source, wishes, "ids.npy: value 7 of sample 1 is not in [-7, 6], as the program's 'ids' wants it");
  write(ids, npy("<i8", "(3, 2)", bytes_of<i64>({1, 2, 3, 4, -8, 6})));
  EXPECT_FAILS(source, wishes, "value -8 of sample 2 is not in [-7, 6]");
  write(ids, npy("<f4", "(3, 2)", bytes_of<f32>({1, 2, 3, 4, 5, 6})));
  EXPECT_FAILS(source, wishes, "of whole numbers");
  wishes.inputs[0].low = 0; // a boolean's
  wishes.inputs[0].high = 1;
  write(ids, npy("|b1", "(3, 2)", bytes_of<u8>({1, 0, 0, 1, 1, 1})));
  EXPECT_EQ(load_dataset(source, wishes, 0).train.size, 3);
}

/// What a binding says of ids: they fit their type, and choose rows that the smallest table has.
TEST(Data, RangesOfWholeNumbers) {
  i64 wide[4];
  i32 narrow[4];
  bool flags[4];
  Binding binding;
  binding.inputs = {{"a", Tensor<i64>(wide, {2, 2}), 50}, {"b", Tensor<i32>(narrow, {2, 2})}, {"c", Tensor<bool>(flags, {2, 2})}};
  const Wishes wishes = wishes_of(Plan{.batch = 2}, binding);
  const auto expect_range = [&](std::size_t input, i64 low, i64 high) {
    EXPECT_TRUE(wishes.inputs[input].is_integer);
    EXPECT_EQ(wishes.inputs[input].low, low);
    EXPECT_EQ(wishes.inputs[input].high, high);
  };
  expect_range(0, -50, 49);
  expect_range(1, std::numeric_limits<i32>::min(), std::numeric_limits<i32>::max());
  expect_range(2, 0, 1);
}

/// Ids that a model can learn from: below the rows of the table, half of them those of the sample's class.
TEST(Synthetic, WholeNumbers) {
  Wishes wishes{.inputs = {{.name = "ids", .is_integer = true, .shape = {40}, .low = -300, .high = 299}},
                .label = Wanted{"label", true, {}}, .classes = 3, .batch = 4};
  const Dataset data = load_dataset("synthetic:200", wishes, 1);
  const auto &ids = std::get<std::vector<i64>>(data.train.inputs[0].values);
  const auto &labels = std::get<std::vector<i64>>(data.train.label->values);
  ASSERT_EQ(ids.size(), 200u * 40);
  EXPECT_GE(*std::min_element(ids.begin(), ids.end()), 0);
  EXPECT_LT(*std::max_element(ids.begin(), ids.end()), 300);
  // Of two samples of one class a fourth of the ids are the same, of others next to none.
  index same = 0, same_of = 0, other = 0, other_of = 0;
  for (std::size_t a = 0; a < 200; ++a)
    for (std::size_t b = 0; b < a; ++b)
      for (std::size_t i = 0; i < 40; ++i) {
        const bool equal = ids[a * 40 + i] == ids[b * 40 + i];
        (labels[a] == labels[b] ? same : other) += equal;
        ++(labels[a] == labels[b] ? same_of : other_of);
      }
  EXPECT_NEAR(static_cast<f64>(same) / static_cast<f64>(same_of), 0.25, 0.02);
  EXPECT_LT(static_cast<f64>(other) / static_cast<f64>(other_of), 0.05);
  wishes.inputs[0].high = std::numeric_limits<i64>::max(); // no table: small numbers
  const Dataset small = load_dataset("synthetic:20", wishes, 1);
  for (const i64 value : std::get<std::vector<i64>>(small.train.inputs[0].values))
    EXPECT_TRUE(value >= 0 && value < 10);
}

const Wishes tokens{.inputs = {{.name = "ids", .is_integer = true, .shape = {3}, .low = -9, .high = 8}},
                    .label = Wanted{"label", true, {3}}, .classes = 9, .batch = 2};

/// Windows of a stream, each labelled with itself one token later.
TEST(Tokens, WindowsAndTheTokensAfterThem) {
  Folder folder;
  const std::string file = folder / "tokens.bin";
  Context ctx(1);
  const auto expect_loads = [&](const std::string &source) {
    const Dataset data = load_dataset(source, tokens, 0);
    ASSERT_EQ(data.train.size, 2);
    EXPECT_FALSE(data.test.has_value());
    Owned<i64> x({3, 3}), label({3, 3});
    Owned<i32> narrow({3, 3});
    data.train.inputs[0].gather(ctx, {1, 0, 1}, x.tensor);
    data.train.inputs[0].gather(ctx, {1, 0, 1}, narrow.tensor);
    data.train.label->gather(ctx, {1, 0, 1}, label.tensor);
    EXPECT_EQ(x.memory, (std::vector<i64>{4, 5, 6, 1, 2, 3, 4, 5, 6}));
    EXPECT_EQ(narrow.memory, (std::vector<i32>{4, 5, 6, 1, 2, 3, 4, 5, 6}));
    EXPECT_EQ(label.memory, (std::vector<i64>{5, 6, 7, 2, 3, 4, 5, 6, 7}));
  };
  // A number that no window reaches may be anything.
  write(file, bytes_of<std::uint16_t>({1, 2, 3, 4, 5, 6, 7, 8, 99}));
  expect_loads("tokens:" + file);
  expect_loads("tokens:" + file + ":u16");
  write(file, bytes_of<std::uint16_t>({1, 2, 3, 4, 5, 6, 7}));
  expect_loads("tokens:" + file);
  write(file, bytes_of<std::uint32_t>({1, 2, 3, 4, 5, 6, 7, 8}));
  expect_loads("tokens:" + file + ":u32");
  EXPECT_EQ(data_files("tokens:" + file + ":u32"), std::vector<std::string>{file});
  // Values stay where they are needed.
  Wishes wishes = tokens;
  wishes.inputs[0].is_bound = false;
  wishes.label->is_bound = false;
  const Dataset data = load_dataset("tokens:" + file + ":u32", wishes, 0);
  EXPECT_EQ(data.train.size, 2);
  EXPECT_FALSE(data.train.label.has_value());
}

TEST(Tokens, WhatIsNoStreamOfThem) {
  Folder folder;
  const std::string file = folder / "tokens.bin", source = "tokens:" + file;
  write(file, bytes_of<std::uint16_t>({1, 2, 3}));
  EXPECT_FAILS(source, tokens, "tokens.bin: 3 u16 tokens, but a sample and the token after it take 4");
  write(file, "");
  EXPECT_FAILS(source, tokens, "tokens.bin: 0 u16 tokens");
  write(file, bytes_of<std::uint16_t>({1, 2, 3, 4}) + "x");
  EXPECT_FAILS(source, tokens, "tokens.bin: its 9 bytes are no whole number of u16 tokens");
  write(file, bytes_of<std::uint16_t>({1, 2, 3, 4, 5, 6}));
  EXPECT_FAILS(source + ":u32", tokens, "3 u32 tokens, but");
  write(file, bytes_of<std::uint16_t>({1, 2, 3, 4, 5}));
  EXPECT_FAILS(source + ":u32", tokens, "its 10 bytes are no whole number of u32 tokens");
  write(file, bytes_of<std::uint16_t>({1, 2, 3, 4, 5, 9, 7}));
  EXPECT_FAILS(source, tokens, "tokens.bin: token 9 at position 5 is not below 9, the number of tokens that the program knows");
  Wishes fewer = tokens; // the label's classes, where they are the fewer
  fewer.classes = 5;
  write(file, bytes_of<std::uint16_t>({1, 2, 3, 5}));
  EXPECT_FAILS(source, fewer, "token 5 at position 3 is not below 5");
  write(file, bytes_of<std::uint32_t>({1, 2, 3, 4, 5, 6, 7}));
  EXPECT_FAILS(source, tokens, "every second u16 token is 0, as in a file of u32 tokens; those are spelled tokens:" + file + ":u32");
  EXPECT_EQ(failure(source + ":u32", tokens), "");
  Wishes wishes = tokens;
  wishes.label->shape = {};
  EXPECT_FAILS(source + ":u32", wishes, "the program wants another label");
  wishes = tokens;
  wishes.inputs[0].is_integer = false;
  EXPECT_FAILS(source + ":u32", wishes, "the program has other inputs");
  EXPECT_FAILS("tokens:" + folder.path(), tokens, "not a file");
  EXPECT_FAILS("tokens:" + folder.path() + "/nothing", tokens, "cannot open");
}

TEST(Npy, DamagedFilesAndWrongNames) {
  Folder folder;
  const std::string x = folder / "x.npy", label = folder / "label.npy", source = "npy:x=" + x + ",label=" + label;
  const std::string good = npy("<f4", "(3, 2)", bytes_of<f32>({1, 2, 3, 4, 5, 6})), labels = npy("<i8", "(3,)", bytes_of<i64>({0, 1, 2}));
  write(x, good);
  write(label, labels);
  EXPECT_EQ(failure(source, arrays), "");
  const auto expect_x = [&](const std::string &file, const std::string &part) {
    write(x, file);
    EXPECT_FAILS(source, arrays, part);
  };
  expect_x("not numpy at all", "not a NumPy file");
  expect_x(good.substr(0, 5), "ends too early");
  expect_x(good.substr(0, 40), "header is longer than the file");
  expect_x(good.substr(0, good.size() - 1), "ends too early");
  expect_x(good + "x", "longer than its header says");
  expect_x(npy("<f4", "(3, 4)", std::string(48, 0)), "samples of shape [4], the program's 'x' is [2]");
  expect_x(npy("<f4", "(4, 2)", std::string(32, 0)), "holds 4 samples");
  expect_x(npy("<f4", "(18446744073709551615, 2)", ""), "cannot hold");
  expect_x(npy("<f4", "(99999999999999999999999, 2)", ""), "not that of a NumPy array");
  expect_x(npy("<f4", "(0, 2)", ""), "no sample");
  expect_x(npy("<f4", "(3, 2)", good.substr(good.size() - 24), true), "Fortran order");
  expect_x(npy(">f4", "(3, 2)", std::string(24, 0)), "elements of type '>f4'");
  expect_x(npy("|O", "(3, 2)", std::string(48, 0)), "elements of type '|O'");
  expect_x(npy("<f4'", "(3, 2)", std::string(24, 0)), "not that of a NumPy array");
  std::string wild = good;
  wild[8] = wild[9] = '\xff'; // the header's length
  expect_x(wild, x);
  write(x, good);
  write(label, npy("<i8", "(3,)", bytes_of<i64>({0, -1, 2})));
  EXPECT_FAILS(source, arrays, "label -1 of sample 1 is not a class id below 3");
  write(label, npy("<f4", "(3,)", std::string(12, 0)));
  EXPECT_FAILS(source, arrays, "of whole numbers");
  write(label, labels);
  EXPECT_FAILS("npy:x=" + x, arrays, "no file for 'label'");
  EXPECT_FAILS(source + ",y=" + x, arrays, "the program has no input 'y'");
  EXPECT_FAILS(source + ",x=" + x, arrays, "'x' is given twice");
  EXPECT_FAILS(source + ",eval-x=" + x, arrays, "no file for 'eval-label'");
  EXPECT_FAILS("npy:x", arrays, "'x' is not NAME=FILE");
  EXPECT_FAILS("npy:x=" + folder.path() + ",label=" + label, arrays, "not a file");
  EXPECT_FAILS("words:x", arrays, "unknown source");
  EXPECT_FAILS("npy:", arrays, "nothing after 'npy:'");
}

/// What a loss takes for granted of its labels is seen when they are read, not in a loss that nobody can explain.
TEST(Npy, TargetsOutOfTheLossesRange) {
  Folder folder;
  const std::string x = folder / "x.npy", label = folder / "label.npy", source = "npy:x=" + x + ",label=" + label;
  write(x, npy("<f4", "(3, 2)", bytes_of<f32>({1, 2, 3, 4, 5, 6})));
  Wishes targets{.inputs = {{"x", false, {2}}}, .label = Wanted{"label", false, {2}}, .batch = 2};
  const f32 nan = std::numeric_limits<f32>::quiet_NaN(), infinity = std::numeric_limits<f32>::infinity();
  const auto labels = [&](std::vector<f32> values) { write(label, npy("<f4", "(3, 2)", bytes_of<f32>(values))); };
  for (const bool probabilities : {false, true}) {
    targets.probabilities = probabilities;
    labels({0, 1, 0.5f, 0.25f, 1, 0});
    EXPECT_EQ(load_dataset(source, targets, 1).train.size, 3);
    labels({0, 1, 0.5f, nan, 1, 0});
    EXPECT_FAILS(source, targets, probabilities ? "label.npy: label nan of sample 1 is not in [0, 1]" : "label.npy: label nan of sample 1 is not a finite number");
    labels({0, 1, 0.5f, 1, infinity, 0});
    EXPECT_FAILS(source, targets, probabilities ? "label inf of sample 2" : "label inf of sample 2 is not a finite number");
  }
  labels({0, 1, 2, 0, 1, 0});
  EXPECT_FAILS(source, targets, "label 2 of sample 1 is not in [0, 1]");
  labels({-0.25f, 1, 1, 0, 1, 0});
  EXPECT_FAILS(source, targets, "label -0.25 of sample 0 is not in [0, 1]");
  write(label, npy("<i8", "(3, 2)", bytes_of<i64>({0, 1, 0, 1, 0, -1})));
  EXPECT_FAILS(source, targets, "label -1 of sample 2 is not in [0, 1]");
  // Too large for f32, which is what the program computes with.
  write(label, npy("<f8", "(3, 2)", bytes_of<f64>({0, 1, 1e300, 1, 0, 1})));
  targets.probabilities = false;
  EXPECT_FAILS(source, targets, "label inf of sample 1 is not a finite number");
  // Those of an evaluation as well.
  labels({0, 1, 0.5f, 0.25f, 1, 0});
  const std::string other = folder / "other.npy";
  write(other, npy("<f4", "(3, 2)", bytes_of<f32>({0, 1, nan, 1, 1, 0})));
  EXPECT_FAILS(source + ",eval-x=" + x + ",eval-label=" + other, targets, "other.npy: label nan of sample 1 is not a finite number");
}

TEST(Synthetic, DependsOnTheSeedAlone) {
  const Dataset a = load_dataset("synthetic:40", images, 1), b = load_dataset("synthetic:40", images, 1), c = load_dataset("synthetic:40", images, 2);
  EXPECT_EQ(a.train.size, 40);
  EXPECT_EQ(a.train.inputs[0].values, b.train.inputs[0].values);
  EXPECT_NE(a.train.inputs[0].values, c.train.inputs[0].values);
  const auto &labels = std::get<std::vector<i64>>(a.train.label->values);
  EXPECT_GT(std::set<i64>(labels.begin(), labels.end()).size(), 5u);
  Wishes targets = images;
  targets.classes = 0;
  targets.label = Wanted{"label", false, {3}};
  const Dataset regression = load_dataset("synthetic", targets, 1);
  for (const f32 t : std::get<std::vector<f32>>(regression.train.label->values))
    EXPECT_TRUE(t > 0 && t < 1);
  EXPECT_FAILS("synthetic:many", images, "not a number of samples");
  EXPECT_FAILS("synthetic:99999999999", images, "more than 4 GiB");
}

/// What a rank reads that binds only the inputs, only the label, or nothing: the same values as one that binds all, or none.
void expect_parts(const std::string &source, const Wishes &all) {
  const Dataset whole = load_dataset(source, all, 1);
  for (const bool with_inputs : {false, true})
    for (const bool with_label : {false, true}) {
      SCOPED_TRACE(source + (with_inputs ? " inputs" : "") + (with_label ? " label" : ""));
      Wishes wishes = all;
      for (Wanted &input : wishes.inputs)
        input.is_bound = with_inputs;
      wishes.label->is_bound = with_label;
      const Dataset part = load_dataset(source, wishes, 1);
      EXPECT_EQ(part.train.size, whole.train.size);
      EXPECT_EQ(part.test->size, whole.test->size);
      for (std::size_t i = 0; i < all.inputs.size(); ++i) {
        if (with_inputs)
          EXPECT_EQ(part.train.inputs[i].values, whole.train.inputs[i].values);
        else
          EXPECT_TRUE(std::visit([](const auto &values) { return values.empty(); }, part.train.inputs[i].values));
      }
      ASSERT_EQ(part.train.label.has_value(), with_label);
      if (with_label) {
        EXPECT_EQ(part.train.label->values, whole.train.label->values);
      }
    }
}

TEST(Data, IsReadAsFarAsARankBindsIt) {
  const IdxFolder idx_folder;
  expect_parts(idx_folder.source(), images);
  // Without its labels a rank does not read beyond their header; those who bind them find the fault.
  write(idx_folder / "train-labels-idx1-ubyte.gz", gzip(idx({4}, {3, 1, 40, 9})));
  Wishes wishes = images;
  wishes.label->is_bound = false;
  EXPECT_EQ(failure(idx_folder.source(), wishes), "");
  EXPECT_FAILS(idx_folder.source(), images, "label 40 of sample 2");
  write(idx_folder / "train-labels-idx1-ubyte.gz", gzip(idx({5}, {3, 1, 4, 9, 9})));
  EXPECT_FAILS(idx_folder.source(), wishes, "holds 4 images");

  Folder folder;
  const Wishes colors{.inputs = {{"image", false, {3, 32, 32}}}, .label = Wanted{"label", true, {}}, .classes = 10, .batch = 4};
  for (const char *name : {"data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"})
    write(folder / (std::string(name) + ".bin"), '\7' + std::string(3072, name[5]) + '\2' + std::string(3072, name[11]));
  expect_parts("cifar10:" + folder.path(), colors);

  expect_parts("synthetic:50", images);
  Wishes targets = images;
  targets.inputs.push_back({"other", false, {7}});
  targets.classes = 0;
  targets.label = Wanted{"label", false, {3}};
  expect_parts("synthetic:50", targets);
}

/// The samples of the global batches of an epoch, put together from the ranks' shares.
std::vector<std::vector<index>> epoch(index size, index batch, int ranks, std::uint64_t seed, index number) {
  const index local = (batch + ranks - 1) / ranks;
  std::vector<std::vector<index>> batches;
  for (int rank = 0; rank < ranks; ++rank) {
    Sampler sampler(size, batch, local, rank * local, true, seed);
    for (index b = 0; b < sampler.batches_per_epoch(); ++b) {
      const BatchRows rows = sampler.rows(number * sampler.batches_per_epoch() + b);
      EXPECT_EQ(static_cast<index>(rows.ids.size()), local);
      batches.resize(static_cast<std::size_t>(sampler.batches_per_epoch()));
      auto &whole = batches[static_cast<std::size_t>(b)];
      whole.insert(whole.end(), rows.ids.begin(), rows.ids.begin() + rows.valid);
      for (const index id : rows.ids)
        EXPECT_TRUE(id >= 0 && id < size);
    }
  }
  return batches;
}

TEST(Sampler, GivesTheSameBatchesToAnyNumberOfRanks) {
  for (const auto &[size, batch] : {std::pair<index, index>{103, 10}, {100, 10}, {7, 10}, {1, 3}, {50, 7}}) {
    const auto alone = epoch(size, batch, 1, 5, 0);
    for (const int ranks : {2, 3, 4})
      EXPECT_EQ(epoch(size, batch, ranks, 5, 0), alone) << size << " samples in batches of " << batch << " on " << ranks << " ranks";
    std::vector<index> all;
    for (const auto &b : alone)
      all.insert(all.end(), b.begin(), b.end());
    std::sort(all.begin(), all.end());
    ASSERT_EQ(static_cast<index>(all.size()), size); // every sample once
    for (index i = 0; i < size; ++i)
      EXPECT_EQ(all[static_cast<std::size_t>(i)], i);
  }
  EXPECT_NE(epoch(103, 10, 1, 5, 0), epoch(103, 10, 1, 5, 1));
  EXPECT_NE(epoch(103, 10, 1, 5, 0), epoch(103, 10, 1, 6, 0));
}

} // namespace
