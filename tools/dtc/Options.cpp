// Parsing and checking of the command line.
#include "Options.h"
#include "Diagnostics.h"
#include "Help.h"
#include "NameList.h"
#include "Settings.h"

#include "dtc/Partition/Timelines/Schedule.h"

#include "llvm/ADT/StringSwitch.h"
#include "llvm/Option/Arg.h"
#include "llvm/Option/ArgList.h"
#include "llvm/Option/OptTable.h"
#include "llvm/Option/Option.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>

using namespace llvm;

namespace {

enum ID {
  OPT_INVALID = 0,
#define OPTION(...) LLVM_MAKE_OPT_ID(__VA_ARGS__),
#include "Options.inc"
#undef OPTION
};

#define OPTTABLE_STR_TABLE_CODE
#include "Options.inc"
#undef OPTTABLE_STR_TABLE_CODE

#define OPTTABLE_PREFIXES_TABLE_CODE
#include "Options.inc"
#undef OPTTABLE_PREFIXES_TABLE_CODE

using namespace llvm::opt;
constexpr OptTable::Info infoTable[] = {
#define OPTION(...) LLVM_CONSTRUCT_OPT_INFO(__VA_ARGS__),
#include "Options.inc"
#undef OPTION
};

class Table : public GenericOptTable {
public:
  Table() : GenericOptTable(OptionStrTable, OptionPrefixesTable, infoTable) {
    setDashDashParsing(true);
  }
};

/// Reads the arguments into Options; the first mistake ends it.
class Reader {
public:
  explicit Reader(const InputArgList &args) : args(args) {}

  bool read(dtc::Options &options) {
    return readModel(options) && readDimensions(options) && readRecipe(options) &&
           readStrategy(options) && readResult(options);
  }
  const std::string &getError() const { return error; }

private:
  bool fail(const Twine &message) {
    error = message.str();
    return false;
  }

  bool readModel(dtc::Options &options) {
    std::vector<std::string> inputs = args.getAllArgValues(OPT_INPUT);
    options.calibrate = args.hasArg(OPT_calibrate);
    if (inputs.empty() && options.calibrate)
      return true;
    if (inputs.empty())
      return fail("no model file; 'dtc --help' tells how to call dtc");
    if (inputs.size() > 1)
      return fail("one model file is compiled at a time, but there are two: '" +
                  inputs[0] + "' and '" + inputs[1] + "'");
    options.model = inputs[0];
    StringRef extension = sys::path::extension(options.model);
    options.modelIsONNX = extension == ".onnx" || extension == ".onnxtxt";
    if (!options.modelIsONNX && extension != ".dt")
      return fail("'" + options.model +
                  "' is no model: its name ends in none of .onnx, .onnxtxt and .dt");
    return true;
  }

  bool readCount(ID id, int64_t largest, int64_t &count) {
    const Arg *arg = args.getLastArg(id);
    if (!arg)
      return true;
    StringRef text = arg->getValue();
    if (text.getAsInteger(10, count) || count < 1 || count > largest)
      return fail(arg->getSpelling() + text + ": expected a whole number from 1 to " +
                  Twine(largest));
    return true;
  }

  bool readDimensions(dtc::Options &options) {
    for (const std::string &list : args.getAllArgValues(OPT_bind))
      for (StringRef item : llvm::split(list, ',')) {
        auto [name, size] = item.split('=');
        int64_t number;
        if (name.empty() || size.getAsInteger(10, number) || number < 1 || number > INT32_MAX)
          return fail("--bind=" + list + ": expected NAME=N with a whole number from 1 to " + Twine(INT32_MAX) + ", or several behind commas");
        if (llvm::any_of(options.dimensions, [&](const auto &other) { return other.first == name; }))
          return fail("--bind gives '" + name + "' twice");
        options.dimensions.emplace_back(name, number);
      }
    return true;
  }

  bool readRecipe(dtc::Options &options) {
    dtc::RecipeOptions &recipe = options.recipe;
    if (const Arg *arg = args.getLastArg(OPT_loss))
      recipe.loss = arg->getValue();
    if (const Arg *arg = args.getLastArg(OPT_optimizer))
      recipe.optimizer = arg->getValue();
    if (!readCrossEntropy(recipe) || !readRateScales(options))
      return false;
    options.freeze = args.getAllArgValues(OPT_freeze);
    options.noDecay = args.getAllArgValues(OPT_no_decay);
    options.modelOutput = args.getLastArgValue(OPT_model_output);
    options.tie = args.hasArg(OPT_tie);
    if (options.tie && !options.modelIsONNX)
      return fail("--tie is for ONNX models, whose exporters copy parameters; in the model language a layer takes another one's weight");
    if (!readTrainMode(options))
      return false;
    StringRef statistics = args.getLastArgValue(OPT_batch_norm, "share");
    if (statistics != "share" && statistics != "whole")
      return fail("--batch-norm=" + statistics.str() + ": expected share or whole");
    if (statistics == "whole")
      options.batchStatistics = dtc::BatchStatistics::Whole;
    StringRef recognise = args.getLastArgValue(OPT_recognise, "on");
    if (recognise != "on" && recognise != "off")
      return fail("--recognise=" + recognise.str() + ": expected on or off");
    options.recognise = recognise == "on";
    return readCount(OPT_batch, (int64_t(1) << 31) - 1, recipe.batch);
  }

  bool readInteger(ID id, std::optional<int64_t> &number) {
    const Arg *arg = args.getLastArg(id);
    if (!arg)
      return true;
    if (StringRef(arg->getValue()).getAsInteger(10, number.emplace()))
      return fail(arg->getSpelling() + StringRef(arg->getValue()) + ": expected a whole number");
    return true;
  }

  bool readCrossEntropy(dtc::RecipeOptions &recipe) {
    if (const Arg *arg = args.getLastArg(OPT_label_smoothing)) {
      double &part = recipe.labelSmoothing.emplace();
      if (StringRef(arg->getValue()).getAsDouble(part) || !(part >= 0 && part <= 1))
        return fail(arg->getSpelling() + StringRef(arg->getValue()) + ": expected a number in [0, 1]");
    }
    if (const Arg *arg = args.getLastArg(OPT_class_weights))
      recipe.classWeights = arg->getValue();
    return readInteger(OPT_ignore_index, recipe.ignoreIndex) && readInteger(OPT_class_axis, recipe.classAxis);
  }

  /// `PATTERN:X`; the pattern may hold colons.
  bool readRateScales(dtc::Options &options) {
    for (const std::string &text : args.getAllArgValues(OPT_lr_scale)) {
      auto [pattern, number] = StringRef(text).rsplit(':');
      double scale;
      if (pattern.empty() || number.getAsDouble(scale) || !(scale >= 0) || !std::isfinite(scale))
        return fail("--lr-scale=" + text + ": expected PATTERN:X with a number from 0 on, as in 'embedding.*:0.1'");
      options.rateScales.emplace_back(pattern, scale);
    }
    return true;
  }

  bool readTrainMode(dtc::Options &options) {
    options.trainMode = args.hasArg(OPT_train_mode);
    if (const Arg *arg = args.getLastArg(OPT_dropout)) {
      double ratio = 0;
      if (StringRef(arg->getValue()).getAsDouble(ratio) || !(ratio >= 0 && ratio < 1))
        return fail("--dropout=" + StringRef(arg->getValue()) + ": expected a number from 0 to below 1");
      options.dropout = ratio;
    }
    if (const Arg *arg = args.getLastArg(OPT_batch_norm_variance)) {
      StringRef variance = arg->getValue();
      if (variance != "unbiased" && variance != "biased")
        return fail("--batch-norm-variance=" + variance + ": expected unbiased or biased");
      options.runningVariance = variance == "biased" ? dtc::RunningVariance::Biased : dtc::RunningVariance::Unbiased;
    }
    for (ID id : {OPT_train_mode, OPT_dropout, OPT_batch_norm_variance})
      if (const Arg *arg = args.getLastArg(id); arg && !options.modelIsONNX)
        return fail(StringRef(arg->getSpelling()).rtrim('=') + " is for ONNX models: '" + options.model + "' is none");
    return true;
  }

  bool readStrategy(dtc::Options &options) {
    dtc::PartitionOptions &partition = options.partition;
    return readTarget(options) && readPrecision(options) && readMesh(partition) && readPipeline(partition) && readDevices(partition);
  }

  bool readTarget(dtc::Options &options) {
    StringRef target = args.getLastArgValue(OPT_target, dtc::Target::cpu().name);
    options.target = dtc::Target::named(target);
    if (!options.target)
      return fail("--target=" + target + " is not supported; supported: " + dtc::Target::names());
    const Arg *architectures = args.getLastArg(OPT_cuda_arch);
    if (options.target != &dtc::Target::cuda())
      return !architectures || fail("--cuda-arch is for --target=cuda");
    SmallVector<StringRef> names;
    StringRef(architectures ? architectures->getValue() : "80,90").split(names, ',');
    for (StringRef name : names) {
      // 90a is a capability too.
      unsigned capability = 0;
      if (name.rtrim("af").getAsInteger(10, capability) || capability < 80 || capability > 999 ||
          name.size() > 4)
        return fail("--cuda-arch=" + StringRef(architectures->getValue()) +
                    ": expected compute capabilities from 80 on without their points, as in 80,90");
      options.architectures.push_back(name.str());
    }
    return true;
  }

  bool readPrecision(dtc::Options &options) {
    StringRef name = args.getLastArgValue(OPT_precision, "f32");
    auto precision = StringSwitch<std::optional<dtc::Precision>>(name)
                         .Case("f32", dtc::Precision::F32)
                         .Case("tf32", dtc::Precision::TF32)
                         .Case("bf16", dtc::Precision::BF16)
                         .Default(std::nullopt);
    if (!precision)
      return fail("--precision=" + name + " is not supported; supported: f32, tf32, bf16");
    options.precision = *precision;
    return true;
  }

  /// --strategy and --devices, or --mesh.
  bool readMesh(dtc::PartitionOptions &partition) {
    const Arg *strategy = args.getLastArg(OPT_strategy);
    const Arg *devices = args.getLastArg(OPT_devices);
    if (const Arg *mesh = args.getLastArg(OPT_mesh)) {
      if (strategy || devices)
        return fail("--mesh says the strategy and the devices; leave out --strategy and --devices");
      return readAxes(mesh->getValue(), partition);
    }
    int64_t count = 1;
    if (!readCount(OPT_devices, dtc::Mesh::mostRanks, count))
      return false;
    StringRef name = strategy ? strategy->getValue() : "none";
    if (name != "none" && name != "data" && name != "model")
      return fail("--strategy=" + name + " is not supported; supported: none, data, model");
    if (name != "none" && !devices)
      return fail("--strategy=" + name + " needs --devices=N");
    if (name == "none" && count > 1)
      return fail("--devices=" + Twine(count) +
                  " needs a strategy that uses them: --strategy=data or --strategy=model");
    partition.mesh = dtc::Mesh::line(name == "model" ? dtc::Mesh::pipe : dtc::Mesh::data, count);
    return true;
  }

  /// `data:2,pipe:2`
  bool readAxes(StringRef text, dtc::PartitionOptions &partition) {
    llvm::Expected<dtc::Mesh> mesh = dtc::Mesh::parse(text);
    if (!mesh)
      return fail("--mesh=" + text + ": " + llvm::toString(mesh.takeError()));
    if (llvm::Error error = mesh->checkNames())
      return fail("--mesh=" + text + ": " + llvm::toString(std::move(error)));
    partition.mesh = *mesh;
    return true;
  }

  bool readPipeline(dtc::PartitionOptions &partition) {
    if ((partition.isPipeline() || args.hasArg(OPT_microbatches)) && args.getLastArgValue(OPT_batch_norm) == "whole")
      return fail("--batch-norm=whole needs sums in the middle of a step, for which microbatches cannot wait: "
                  "use --strategy=data without --microbatches, or --batch-norm=share");
    if (!partition.isPipeline())
      for (ID id : {OPT_schedule, OPT_stages_per_device, OPT_cut_after,
                    OPT_recompute})
        if (const Arg *arg = args.getLastArg(id))
          return fail(StringRef(arg->getSpelling()).rtrim('=') +
                      " is for pipelines: --strategy=model, or --mesh with the axis pipe");
    partition.schedule = args.getLastArgValue(OPT_schedule, "1f1b");
    auto schedule = dtc::partition::scheduleNamed(partition.schedule);
    if (!schedule) {
      return fail("--schedule=" + partition.schedule + " is no schedule; there are " +
                  dtc::partition::scheduleNames());
    }
    partition.stagesPerDevice = schedule->usualStages;
    if (!readCount(OPT_stages_per_device, 1024, partition.stagesPerDevice))
      return false;
    if (!schedule->takesStages(partition.stagesPerDevice))
      return fail("--schedule=" + partition.schedule + " does not work with " +
                  Twine(partition.stagesPerDevice) + " stages a device; these do: " +
                  dtc::partition::scheduleNames(partition.stagesPerDevice));
    StringRef cuts = args.getLastArgValue(OPT_cut_after);
    std::optional<std::vector<std::string>> nodes = dtc::splitNames(cuts);
    if (!nodes)
      return fail("--cut-after=" + cuts + ": in names \\, is a comma, \\\\ a backslash and \\xNN a byte");
    for (std::string &node : *nodes)
      partition.cutAfter.push_back(std::move(node));
    partition.recompute = args.hasArg(OPT_recompute);
    // 0: chosen once the batch is known.
    partition.microbatches = partition.isPipeline() ? 0 : 1;
    return readCount(OPT_microbatches, dtc::Mesh::mostRanks, partition.microbatches);
  }

  bool readDevices(dtc::PartitionOptions &partition) {
    StringRef zero = args.getLastArgValue(OPT_zero, "0");
    if (zero != "0" && zero != "1")
      return fail("--zero=" + zero + " is not supported; supported: 0, 1");
    partition.zero = zero == "1";
    if (partition.zero && partition.mesh.size(dtc::Mesh::data) == 1)
      return fail("--zero=1 shares the optimizer's state out over ranks that share the batch: use --strategy=data, or --mesh with the axis data");
    partition.cluster = args.getLastArgValue(OPT_cluster);
    if (const Arg *arg = args.getLastArg(OPT_device_speeds)) {
      SmallVector<StringRef> speeds;
      StringRef(arg->getValue()).split(speeds, ',');
      for (StringRef text : speeds) {
        double speed = 0;
        if (text.getAsDouble(speed) || !(speed > 0) || !std::isfinite(speed))
          return fail("--device-speeds=" + StringRef(arg->getValue()) +
                      ": expected positive numbers, one for each device");
        partition.deviceSpeeds.push_back(speed);
      }
      int64_t ranks = partition.mesh.ranks();
      if (static_cast<int64_t>(speeds.size()) != ranks)
        return fail("--device-speeds=" + StringRef(arg->getValue()) + ": there are " +
                    Twine(ranks) + " devices");
    }
    return readBytes(OPT_device_memory, partition.deviceMemory);
  }

  /// `8GiB`, `512MiB`, `1000000`
  bool readBytes(ID id, int64_t &bytes) {
    const Arg *arg = args.getLastArg(id);
    if (!arg)
      return true;
    StringRef text = arg->getValue();
    int64_t scale = 1;
    for (auto [unit, factor] : {std::pair("KiB", int64_t(1) << 10), {"MiB", int64_t(1) << 20},
                                {"GiB", int64_t(1) << 30}, {"B", int64_t(1)}})
      if (text.consume_back(unit)) {
        scale = factor;
        break;
      }
    if (text.getAsInteger(10, bytes) || bytes < 1 || MulOverflow(bytes, scale, bytes))
      return fail(arg->getSpelling() + StringRef(arg->getValue()) +
                  ": expected bytes, as in 512MiB");
    return true;
  }

  bool readPictures(dtc::Options &options) {
    options.timetable = args.getLastArgValue(OPT_explain_picture);
    if (args.hasArg(OPT_explain_picture) && sys::path::extension(options.timetable) != ".svg")
      return fail("--explain=" + options.timetable +
                  ": the timetable is an SVG file; its name must end in .svg");
    options.trace = args.getLastArgValue(OPT_trace);
    if (args.hasArg(OPT_trace) && options.timetable.empty())
      return fail("--trace is drawn into a timetable: it needs --explain=FILE.svg");
    options.dot = args.getLastArgValue(OPT_dot);
    if (args.hasArg(OPT_dot) && options.dot.empty())
      return fail("--dot= needs the name of a file");
    if (args.hasArg(OPT_dot) && options.result != dtc::Result::Dist)
      return fail("--dot draws the partitioned program: it needs --emit=dist");
    return true;
  }

  bool readResult(dtc::Options &options) {
    using dtc::Result;
    StringRef level = args.getLastArgValue(OPT_emit, "binary");
    std::optional<Result> result =
        StringSwitch<std::optional<Result>>(level)
            .Case("nn", Result::NN)
            .Case("grad", Result::Grad)
            .Case("dist", Result::Dist)
            .Case("rt", Result::RT)
            .Case("source", Result::Source)
            .Case("binary", Result::Binary)
            .Default(std::nullopt);
    if (!result)
      return fail("--emit=" + level +
                  " is no level; the levels are nn, grad, dist, rt, source and binary");
    options.result = *result;
    options.explain = args.hasArg(OPT_explain);
    options.printPipeline = args.hasArg(OPT_print_pipeline);
    if (!readPictures(options))
      return false;
    options.timePasses = args.hasArg(OPT_time_passes);
    for (const std::string &rest : args.getAllArgValues(OPT_mlir))
      options.mlirOptions.push_back("--mlir-" + rest);

    if (args.hasArg(OPT_check))
      return readCheck(options);
    if (options.calibrate)
      return readCalibration(options);
    if (args.hasArg(OPT_export_onnx) || args.hasArg(OPT_load))
      return readExport(options);
    bool isText = options.result <= Result::RT;
    options.out = readOut(isText ? "-" : "");
    // --explain and --print-pipeline alone are questions: nothing else is written.
    bool isQuestion = options.explain || !options.timetable.empty() || options.printPipeline;
    if (options.out.empty() && !isQuestion)
      return fail(options.result == Result::Source
                      ? "no place for the source; name a folder with -o"
                      : "no place for the program; name a file with -o");
    if (options.out == "-" && !isText)
      return fail("-o -: only text (--emit=nn, grad, dist, rt) goes to standard output");
    return true;
  }

  bool readCheck(dtc::Options &options) {
    options.check = true;
    for (ID id : {OPT_calibrate, OPT_o, OPT_emit, OPT_explain, OPT_explain_picture, OPT_dot, OPT_print_pipeline, OPT_export_onnx, OPT_load})
      if (const Arg *arg = args.getLastArg(id))
        return fail("--check reads a model and writes no program; leave out " + StringRef(arg->getSpelling()).rtrim('='));
    if (!options.modelIsONNX)
      return fail("--check is for ONNX models: '" + options.model + "' is none");
    return true;
  }

  bool readExport(dtc::Options &options) {
    options.exported = args.getLastArgValue(OPT_export_onnx);
    options.load = args.getLastArgValue(OPT_load);
    if (!args.hasArg(OPT_export_onnx))
      return fail("--load is for --export-onnx=FILE.onnx; a program takes a --load of its own");
    if (options.load.empty())
      return fail("--export-onnx needs the trained parameters: --load=FILE.safetensors");
    if (sys::path::extension(options.exported) != ".onnx")
      return fail("--export-onnx=" + options.exported + ": the binary form is written; the file's name must end in .onnx");
    for (ID id : {OPT_o, OPT_emit, OPT_explain, OPT_explain_picture, OPT_dot, OPT_print_pipeline})
      if (const Arg *arg = args.getLastArg(id))
        return fail("--export-onnx writes a model and no program; leave out " + StringRef(arg->getSpelling()).rtrim('='));
    return true;
  }

  /// "out/" is "out".
  std::string readOut(StringRef absent) {
    StringRef out = args.getLastArgValue(OPT_o, absent);
    while (out.size() > 1 && out.ends_with("/"))
      out = out.drop_back();
    return out.str();
  }

  bool readCalibration(dtc::Options &options) {
    if (options.target != &dtc::Target::cpu())
      return fail("--calibrate measures CPU cores; leave out --target=" + options.target->name);
    for (ID id : {OPT_emit, OPT_explain, OPT_explain_picture, OPT_dot, OPT_print_pipeline, OPT_export_onnx, OPT_load})
      if (const Arg *arg = args.getLastArg(id))
        return fail("--calibrate writes a cluster file; leave out " +
                    StringRef(arg->getSpelling()).rtrim('='));
    options.out = readOut("");
    if (options.out.empty())
      return fail("no place for the cluster; name a file with -o");
    return true;
  }

  const InputArgList &args;
  std::string error;
};

/// The mistake in words, or nothing.
std::string findUnknown(const Table &table, const InputArgList &args) {
  for (const Arg *arg : args.filtered(OPT_UNKNOWN)) {
    StringRef text = arg->getSpelling();
    std::string nearest;
    std::string message = "unknown option '" + text.str() + "'";
    unsigned distance = table.findNearest(text, nearest);
    if (std::string setting = dtc::nearestSetting(text, distance); !setting.empty())
      nearest = setting;
    if (distance <= 2)
      message += "; did you mean '" + nearest + "'?";
    else
      message += "; 'dtc --help' lists them";
    return message;
  }
  return "";
}

} // namespace

std::optional<dtc::Options>
dtc::parseOptions(int argc, const char *const *argv, int &status) {
  Table table;
  unsigned missingIndex, missingCount;
  SmallVector<const char *> arguments(argv + 1, argv + argc);
  Options options;
  std::string wrongSetting = takeSettings(arguments, options.recipe.settings);
  InputArgList args = table.ParseArgs(arguments, missingIndex, missingCount);
  status = 0;
  if (args.hasArg(OPT_help)) {
    printHelp(table, HelpHidden, outs());
    return std::nullopt;
  }
  if (args.hasArg(OPT_version)) {
    outs() << "dtc " DTC_VERSION " (LLVM " LLVM_VERSION_STRING ")\n";
    return std::nullopt;
  }
  status = 2;
  Reader reader(args);
  std::string error = findUnknown(table, args);
  if (error.empty() && missingCount)
    error = std::string("'") + args.getArgString(missingIndex) + "' needs a value";
  if (error.empty())
    error = wrongSetting;
  if (error.empty() && !reader.read(options))
    error = reader.getError();
  if (error.empty())
    return options;
  printError(error);
  return std::nullopt;
}
