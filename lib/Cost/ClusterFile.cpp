// Clusters in YAML or JSON: the reader names line, key and rule; the writer gives what it reads.
#include "dtc/Cost/Cluster.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/YAMLParser.h"

#include <algorithm>
#include <cmath>

using namespace dtc;
using namespace llvm;

namespace {

enum class Range { Positive, NotNegative };

// Far above any machine, far below what a file could make us allocate.
constexpr int64_t maxDevices = 1 << 16;
// The largest whole number below which a double holds every whole number.
constexpr double maxWhole = 9007199254740992.0;

/// Reads node by node, which stops at the first mistake and never descends into
/// what it does not know, however deep it is nested.
class Reader {
public:
  Reader(StringRef text, StringRef name)
      : name(name), stream(MemoryBufferRef(text, name), sources, /*ShowColors=*/false) {
    sources.setDiagHandler(
        [](const SMDiagnostic &diagnostic, void *self) {
          static_cast<Reader *>(self)->failAt(diagnostic.getLineNo(), diagnostic.getMessage());
        },
        this);
  }

  Expected<Cluster> read() {
    Cluster cluster;
    yaml::document_iterator document = stream.begin();
    bool good = readCluster(document->getRoot(), cluster) && !stream.failed();
    if (good && ++document != stream.end())
      good = failAt(0, "one document is expected, and more follow");
    if (stream.failed())
      good = failAt(0, "not a YAML or JSON document");
    if (!good)
      return createStringError(error);
    return cluster;
  }

private:
  struct Field {
    StringLiteral key;
    bool required;
    function_ref<bool(yaml::Node *)> read;
  };

  /// Keeps the first mistake. Line 0: the file as a whole.
  bool failAt(unsigned line, const Twine &what) {
    if (error.empty())
      error = (name + (line ? ":" + Twine(line) : Twine("")) + ": " + what).str();
    return false;
  }
  bool fail(yaml::Node *node, const Twine &what) {
    return failAt(node ? sources.getLineAndColumn(node->getSourceRange().Start).first : 0, what);
  }

  bool readMapping(yaml::Node *node, StringRef what, ArrayRef<Field> fields) {
    auto *mapping = dyn_cast_if_present<yaml::MappingNode>(node);
    if (!mapping)
      return fail(node, what + ": a mapping of keys to values is expected");
    SmallPtrSet<const Field *, 8> seen;
    for (yaml::KeyValueNode &entry : *mapping) {
      SmallString<32> storage;
      auto *scalar = dyn_cast_if_present<yaml::ScalarNode>(entry.getKey());
      if (!scalar)
        return fail(entry.getKey(), what + ": a key must be a plain name");
      StringRef key = scalar->getValue(storage);
      const Field *field = find_if(fields, [&](const Field &field) { return field.key == key; });
      if (field == fields.end())
        return fail(scalar, key + ": not a key of " + what + "; known are " + keysOf(fields));
      if (!seen.insert(field).second)
        return fail(scalar, key + ": given twice");
      if (!field->read(entry.getValue()))
        return false;
    }
    if (stream.failed())
      return false;
    for (const Field &field : fields)
      if (field.required && !seen.contains(&field))
        return fail(node, field.key + ": missing in " + what);
    return true;
  }

  static std::string keysOf(ArrayRef<Field> fields) {
    return join(map_range(fields, [](const Field &field) { return StringRef(field.key); }), ", ");
  }

  bool readSequence(yaml::Node *node, StringRef key, function_ref<bool(yaml::Node *)> element) {
    auto *sequence = dyn_cast_if_present<yaml::SequenceNode>(node);
    if (!sequence)
      return fail(node, key + ": a list is expected");
    for (yaml::Node &entry : *sequence)
      if (!element(&entry))
        return false;
    return !stream.failed();
  }

  bool readNumber(yaml::Node *node, StringRef key, Range range, double &number) {
    auto *scalar = dyn_cast_if_present<yaml::ScalarNode>(node);
    if (!scalar)
      return fail(node, key + ": a number is expected");
    StringRef text = scalar->getRawValue();
    if (text.getAsDouble(number) || !std::isfinite(number) || number < 0 ||
        (range == Range::Positive && number == 0))
      return fail(node, key + ": " + text.take_front(40) + " is not a finite number " +
                            (range == Range::Positive ? "above 0" : "of at least 0"));
    return true;
  }

  bool readWhole(yaml::Node *node, StringRef key, int64_t least, int64_t most, int64_t &number) {
    double value = 0;
    if (!readNumber(node, key, Range::NotNegative, value))
      return false;
    if (value != std::floor(value) || value < double(least) || value > double(most))
      return fail(node, key + ": must be a whole number from " + Twine(least) + " to " + Twine(most));
    number = int64_t(value);
    return true;
  }

  /// What a file says about a family; the device has the rest.
  struct FamilyFields {
    std::optional<double> flops, efficiency, bandwidth, overhead;
  };

  bool readOptional(yaml::Node *node, StringRef key, Range range, std::optional<double> &number) {
    return readNumber(node, key, range, number.emplace());
  }

  bool readFamily(yaml::Node *node, StringRef family, FamilyFields &fields) {
    auto flops = [&](yaml::Node *value) {
      return readOptional(value, "flops", Range::Positive, fields.flops);
    };
    auto efficiency = [&](yaml::Node *value) {
      if (!readOptional(value, "efficiency", Range::Positive, fields.efficiency))
        return false;
      return *fields.efficiency <= 1 ||
             fail(value, "efficiency: is a share of the device's flops, at most 1");
    };
    auto bandwidth = [&](yaml::Node *value) {
      return readOptional(value, "bandwidth", Range::Positive, fields.bandwidth);
    };
    auto overhead = [&](yaml::Node *value) {
      return readOptional(value, "overhead", Range::NotNegative, fields.overhead);
    };
    if (!readMapping(node, family,
                     {{"flops", false, flops},
                      {"efficiency", false, efficiency},
                      {"bandwidth", false, bandwidth},
                      {"overhead", false, overhead}}))
      return false;
    if (fields.flops && fields.efficiency)
      return fail(node, family + ": give flops or efficiency, not both");
    return true;
  }

  using Families = std::array<FamilyFields, ratedFamilies.size()>;

  bool readFamilies(yaml::Node *node, Families &families) {
    auto reader = [&](size_t position) {
      return [this, &families, position](yaml::Node *value) {
        return readFamily(value, ratedFamilies[position], families[position]);
      };
    };
    SmallVector<decltype(reader(0)), ratedFamilies.size()> readers;
    for (size_t position = 0; position < ratedFamilies.size(); ++position)
      readers.push_back(reader(position));
    SmallVector<Field> fields;
    for (auto [name, read] : zip_equal(ratedFamilies, readers))
      fields.push_back({name, false, read});
    return readMapping(node, "families", fields);
  }

  /// Signatures are values and not keys: YAML's keys end after 1024 characters.
  bool readMeasured(yaml::Node *node, MeasuredOps &measured) {
    auto entry = [&](yaml::Node *value) {
      std::string signature;
      double seconds = 0;
      auto readSeconds = [&](yaml::Node *number) {
        return readNumber(number, "seconds", Range::NotNegative, seconds);
      };
      auto readOp = [&](yaml::Node *text) {
        SmallString<256> storage;
        auto *scalar = dyn_cast_if_present<yaml::ScalarNode>(text);
        if (!scalar || scalar->getValue(storage).empty())
          return fail(text, "op: a signature is expected");
        signature = scalar->getValue(storage).str();
        return true;
      };
      if (!readMapping(value, "measured",
                       {{"seconds", true, readSeconds}, {"op", true, readOp}}))
        return false;
      if (measured.find(signature))
        return fail(value, "op: measured twice: " + StringRef(signature).take_front(80));
      measured.set(signature, seconds);
      return true;
    };
    return readSequence(node, "measured", entry);
  }

  bool readDevice(yaml::Node *node, std::vector<Device> &devices) {
    Device device;
    int64_t count = 1;
    Families families;
    auto number = [&](StringRef key, Range range, double &into) {
      return [this, key, range, &into](yaml::Node *value) {
        return readNumber(value, key, range, into);
      };
    };
    auto readCount = [&](yaml::Node *value) {
      return readWhole(value, "count", 1, maxDevices, count);
    };
    auto speed = number("speed", Range::Positive, device.speed);
    auto flops = number("flops", Range::Positive, device.rate.flopsPerSecond);
    auto bandwidth = number("bandwidth", Range::Positive, device.rate.bytesPerSecond);
    auto memory = [&](yaml::Node *value) {
      return readWhole(value, "memory", 1, int64_t(maxWhole), device.memoryBytes);
    };
    auto overhead = number("overhead", Range::NotNegative, device.rate.overheadSeconds);
    auto readOwn = [&](yaml::Node *value) { return readFamilies(value, families); };
    auto readOps = [&](yaml::Node *value) { return readMeasured(value, device.measured); };
    if (!readMapping(node, "devices",
                     {{"count", false, readCount},
                      {"speed", false, speed},
                      {"flops", true, flops},
                      {"bandwidth", true, bandwidth},
                      {"memory", true, memory},
                      {"overhead", false, overhead},
                      {"families", false, readOwn},
                      {"measured", false, readOps}}))
      return false;
    for (auto [own, rate] : zip_equal(families, device.families)) {
      rate.flopsPerSecond =
          own.flops.value_or(device.rate.flopsPerSecond * own.efficiency.value_or(1));
      rate.bytesPerSecond = own.bandwidth.value_or(device.rate.bytesPerSecond);
      rate.overheadSeconds = own.overhead.value_or(device.rate.overheadSeconds);
    }
    if (int64_t(devices.size()) + count > maxDevices)
      return fail(node, "devices: more than " + Twine(maxDevices));
    devices.insert(devices.end(), count, device);
    return true;
  }

  /// Also `between` where `pair` is given.
  bool readLink(yaml::Node *node, StringRef what, Link &link, Cluster::Pair *pair) {
    auto latency = [&](yaml::Node *value) {
      return readNumber(value, "latency", Range::NotNegative, link.latencySeconds);
    };
    auto bandwidth = [&](yaml::Node *value) {
      return readNumber(value, "bandwidth", Range::Positive, link.bytesPerSecond);
    };
    auto between = [&](yaml::Node *value) {
      SmallVector<int64_t, 2> ends;
      auto end = [&](yaml::Node *number) {
        return readWhole(number, "between", 0, maxDevices - 1, ends.emplace_back());
      };
      if (!readSequence(value, "between", end))
        return false;
      if (ends.size() != 2 || ends[0] == ends[1])
        return fail(value, "between: two different devices are expected, as in [0, 1]");
      std::tie(pair->first, pair->second) = std::minmax(ends[0], ends[1]);
      return true;
    };
    SmallVector<Field> fields = {{"latency", true, latency}, {"bandwidth", true, bandwidth}};
    if (pair)
      fields.push_back({"between", true, between});
    return readMapping(node, what, fields);
  }

  bool readPair(yaml::Node *node, std::vector<Cluster::Pair> &pairs) {
    Cluster::Pair pair = {};
    if (!readLink(node, "links", pair.link, &pair))
      return false;
    auto same = [&](const Cluster::Pair &other) {
      return other.first == pair.first && other.second == pair.second;
    };
    if (any_of(pairs, same))
      return fail(node, "between: the link of " + Twine(pair.first) + " and " +
                            Twine(pair.second) + " is given twice");
    pairs.push_back(pair);
    return true;
  }

  bool readCluster(yaml::Node *node, Cluster &cluster) {
    yaml::Node *links = nullptr;
    auto devices = [&](yaml::Node *value) {
      auto device = [&](yaml::Node *entry) { return readDevice(entry, cluster.devices); };
      if (!readSequence(value, "devices", device))
        return false;
      return !cluster.devices.empty() || fail(value, "devices: at least one is expected");
    };
    auto link = [&](yaml::Node *value) { return readLink(value, "link", cluster.link, nullptr); };
    auto cores = [&](yaml::Node *value) {
      return readWhole(value, "cores", 1, maxDevices, cluster.cores);
    };
    auto pairs = [&](yaml::Node *value) {
      links = value;
      return readSequence(value, "links",
                          [&](yaml::Node *entry) { return readPair(entry, cluster.pairs); });
    };
    if (!readMapping(node, "the cluster",
                     {{"devices", true, devices},
                      {"link", true, link},
                      {"links", false, pairs},
                      {"cores", false, cores}}))
      return false;
    for (const Cluster::Pair &pair : cluster.pairs)
      if (cluster.devices.size() > 1 && pair.second >= int64_t(cluster.devices.size()))
        return fail(links, "between: there is no device " + Twine(pair.second) + ", only 0 to " +
                               Twine(cluster.devices.size() - 1));
    return true;
  }

  std::string name;
  SourceMgr sources;
  std::string error;
  yaml::Stream stream;
};

/// Enough digits to read the same number back.
std::string exactly(double number) {
  std::string text;
  raw_string_ostream(text) << format("%.17g", number);
  return text;
}

std::string fieldsOf(const Rate &rate, StringRef separator) {
  return "flops: " + exactly(rate.flopsPerSecond) + separator.str() +
         "bandwidth: " + exactly(rate.bytesPerSecond) + separator.str() +
         "overhead: " + exactly(rate.overheadSeconds);
}

std::string fieldsOf(const Link &link) {
  return "latency: " + exactly(link.latencySeconds) + ", bandwidth: " + exactly(link.bytesPerSecond);
}

} // namespace

Expected<Cluster> dtc::parseCluster(StringRef text, StringRef name) {
  return Reader(text, name).read();
}

Expected<Cluster> dtc::readCluster(StringRef path) {
  auto buffer = MemoryBuffer::getFile(path, /*IsText=*/true);
  if (!buffer)
    return createStringError(buffer.getError(), path + ": " + buffer.getError().message());
  return parseCluster((*buffer)->getBuffer(), path);
}

void dtc::writeCluster(const Cluster &cluster, raw_ostream &os) {
  os << "devices:\n";
  for (auto device = cluster.devices.begin(); device != cluster.devices.end();) {
    auto end = std::find_if(device, cluster.devices.end(),
                            [&](const Device &other) { return !(other == *device); });
    os << "  - count: " << end - device << "\n    speed: " << exactly(device->speed)
       << "\n    memory: " << device->memoryBytes << "\n    " << fieldsOf(device->rate, "\n    ")
       << "\n    families:\n";
    for (auto [name, rate] : zip_equal(ratedFamilies, device->families))
      os << "      " << name << ": {" << fieldsOf(rate, ", ") << "}\n";
    if (!device->measured.empty())
      os << "    measured:\n";
    for (const auto &[signature, seconds] : device->measured.entries())
      os << "      - {seconds: " << exactly(seconds) << ", op: \"" << yaml::escape(signature)
         << "\"}\n";
    device = end;
  }
  os << "link: {" << fieldsOf(cluster.link) << "}\n";
  if (cluster.cores)
    os << "cores: " << cluster.cores << "\n";
  if (cluster.pairs.empty())
    return;
  os << "links:\n";
  for (const Cluster::Pair &pair : cluster.pairs)
    os << "  - {between: [" << pair.first << ", " << pair.second << "], " << fieldsOf(pair.link)
       << "}\n";
}
