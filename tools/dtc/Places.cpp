// Outputs against inputs, by the files that their paths lead to.
#include "Places.h"
#include "ClassWeights.h"
#include "FilePlace.h"
#include "Output.h"

#include <vector>

using namespace llvm;
using dtc::FilePlace;
using dtc::OutputKind;

namespace {
struct Input {
  std::string what;
  FilePlace place;
};
struct Output {
  std::string what, path;
  OutputKind kind;
  FilePlace place;
};
} // namespace

static Error makeError(const Twine &message) {
  return createStringError(inconvertibleErrorCode(), message);
}

static std::vector<Input> inputsOf(const dtc::Options &options, ArrayRef<std::string> modelData) {
  std::vector<Input> inputs;
  auto add = [&](StringRef what, StringRef path) {
    if (!path.empty())
      inputs.push_back({what.str(), FilePlace(path)});
  };
  add("the model", options.model);
  add("the file of --cluster", options.partition.cluster);
  if (dtc::isClassWeightsFile(options.recipe.classWeights.value_or("")))
    add("the file of --class-weights", *options.recipe.classWeights);
  add("the file of --trace", options.trace);
  add("the file of --load", options.load);
  for (const std::string &path : modelData)
    add("data of the model", path);
  return inputs;
}

static std::vector<Output> outputsOf(const dtc::Options &options) {
  std::vector<Output> outputs;
  auto add = [&](const std::string &what, StringRef path, OutputKind kind) {
    if (!path.empty() && path != "-")
      outputs.push_back({what, path.str(), kind, FilePlace(path)});
  };
  using dtc::Result;
  bool isProgram = options.result == Result::Binary && !options.calibrate;
  bool isFolder = options.result == Result::Source && !options.calibrate;
  add("-o " + options.out, options.out,
      isProgram ? OutputKind::File : isFolder ? OutputKind::Folder : OutputKind::Text);
  if (isProgram && !options.out.empty())
    add("the source of -o " + options.out + ", " + options.sourceFolder(), options.sourceFolder(), OutputKind::Folder);
  add("--explain=" + options.timetable, options.timetable, OutputKind::Text);
  add("--dot=" + options.dot, options.dot, OutputKind::Text);
  add("--export-onnx=" + options.exported, options.exported, OutputKind::Text);
  return outputs;
}

Error dtc::checkPlaces(const Options &options, ArrayRef<std::string> modelData) {
  std::vector<Input> inputs = inputsOf(options, modelData);
  std::vector<Output> outputs = outputsOf(options);
  for (const Output &output : outputs) {
    for (const Input &input : inputs) {
      if (input.place == output.place)
        return makeError(output.what + ": that is " + input.what + "; name another place");
      if (output.kind == OutputKind::Folder && input.place.isIn(output.place))
        return makeError(output.what + ": " + input.what + " lies in this folder, which would be replaced; name another place");
    }
    if (Error error = checkOutput(output.path, output.kind))
      return error;
  }
  for (const Output &output : outputs)
    for (const Output &other : outputs) {
      if (&output < &other && output.place == other.place && output.place.getKind() != FilePlace::Kind::Stream)
        return makeError(output.what + " and " + other.what + " are the same place");
      if (other.kind == OutputKind::Folder && output.place.isIn(other.place))
        return makeError(output.what + " lies in the folder of " + other.what + ", which is replaced; name another place");
    }
  return Error::success();
}
