// Parsing --name=value, and --help.
#include "core/Options.h"
#include "dtcrt/context.h"

#include <charconv>
#include <cmath>
#include <iterator>
#include <string_view>

namespace dtcrt {

namespace {

template <class Number> Number number(std::string_view name, std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0)
    throw Error(std::string(name) + "=" + std::string(text) + ": not a whole number of 0 or more");
  return value;
}

f64 rate(std::string_view name, std::string_view text) {
  f64 value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value) || value < 0)
    throw Error(std::string(name) + "=" + std::string(text) + ": not a finite number of 0 or more");
  return value;
}

std::string path(std::string_view name, std::string_view text) {
  if (text.empty())
    throw Error(std::string(name) + "= names no file");
  return std::string(text);
}

/// 0.001
std::string rate_text(f64 value) {
  char text[64];
  return std::string(text, std::to_chars(text, std::end(text), value).ptr);
}

} // namespace

Options parse_options(int argc, char **argv) {
  Options options;
  bool epochs_given = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--help" || argument == "-h") {
      options.help = true;
      continue;
    }
    if (take_device_option(argument, options.device))
      continue;
    const std::size_t equals = argument.find('=');
    const std::string_view name = argument.substr(0, equals);
    const bool known = name == "--data" || name == "--epochs" || name == "--steps" || name == "--lr" || name == "--seed" || name == "--shuffle" ||
                       name == "--validation" || name == "--metrics" || name == "--save" || name == "--load" ||
                       name == "--trace" || name == "--predict";
    if (!known)
      throw Error("unknown option '" + std::string(argument) + "' (--help lists the options)");
    if (equals == std::string_view::npos)
      throw Error(std::string(name) + " needs a value: " + std::string(name) + "=...");
    const std::string_view value = argument.substr(equals + 1);
    if (name == "--data")
      options.data = path(name, value);
    else if (name == "--epochs") {
      options.epochs = number<i64>(name, value);
      epochs_given = true;
    } else if (name == "--steps")
      options.steps = number<i64>(name, value);
    else if (name == "--lr")
      options.learning_rate = rate(name, value);
    else if (name == "--seed")
      options.seed = number<std::uint64_t>(name, value);
    else if (name == "--shuffle") {
      if (value != "on" && value != "off")
        throw Error("--shuffle=" + std::string(value) + ": on or off");
      options.shuffle = value == "on";
    } else if (name == "--validation")
      options.validation = number<i64>(name, value);
    else if (name == "--metrics")
      options.metrics = path(name, value);
    else if (name == "--save")
      options.save = path(name, value);
    else if (name == "--trace")
      options.trace = path(name, value);
    else if (name == "--predict")
      options.predict = path(name, value);
    else
      options.load = path(name, value);
  }
  if (epochs_given && options.steps)
    throw Error("--epochs and --steps contradict each other: give one of them");
  if (!options.predict.empty() && !options.load.empty() && !epochs_given && !options.steps)
    options.steps = 0;
  if (!options.predict.empty() && options.data.empty() && !options.help)
    throw Error("--predict needs the samples that it is of: --data");
  return options;
}

bool trains(const Options &options) { return options.steps ? *options.steps > 0 : options.epochs > 0; }

std::string help_text(const Plan &plan, const std::string &program) {
  const std::string run = plan.devices > 1 ? "mpirun -n " + std::to_string(plan.devices) + " " + program : program;
  return plan.model + ", " + (plan.strategy.empty() ? std::to_string(plan.devices) + " device(s)" : plan.strategy) + ": trains with global batches of " +
         std::to_string(plan.batch) + " samples.\n\n  " + run + R"( --data=SOURCE [options]

Data
  --data=idx:DIR          MNIST's file names in DIR, plain or .gz: train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-...
  --data=cifar10:DIR      the binary version: data_batch_1.bin ... data_batch_5.bin, test_batch.bin
  --data=npy:INPUT=FILE,label=FILE[,eval-INPUT=FILE,eval-label=FILE]
                          NumPy files, samples first; INPUT is the model's name of the input, or input:NAME where that name
                          is label or begins with eval- or input:. In names and files \, is a comma, \= an equals sign,
                          \\ a backslash and \xNN the byte of that hexadecimal number
  --data=tokens:FILE[:u32]
                          token ids, little-endian u16 or u32, without a header; a sample is as many as the model takes, its label
                          those one further on; the next sample begins where this one ends
  --data=synthetic[:N]    N learnable random samples, made from the seed
  --validation=N          keep the last N training samples out of training and evaluate on them after every epoch (0)
  --shuffle=on|off        a new order every epoch, the same for any number of ranks (on)

Training
  --epochs=N              passes over the training samples (1)
  --steps=N               instead: exactly N updates, in as many epochs as they take; 0 trains nothing
  --lr=X                  learning rate of every step ()" + rate_text(plan.learning_rate) + R"()
  --seed=N                of the initial parameters, of the order of the samples and of dropout (0)

Files
  --load=FILE.safetensors start from these parameters; with optimizer state in the file, go on where it was saved
  --save=FILE.safetensors write parameters and optimizer state at the end
  --predict=FILE.npy      write the model's output, of which the loss is taken (logits), for the training samples of --data, all of them
                          in their order: float32, a row for each sample. With --load and neither --epochs nor --steps nothing
                          is trained before; where nothing is trained, --data=npy needs no label
  --metrics=FILE.jsonl    one JSON object a line for every step and every evaluation, as they come: also to a pipe, /dev/stdout;
                          a number that JSON does not know is null, and told beside it: "loss":null,"loss_is":"nan"
  --trace=FILE.json       when every rank computed, sent and waited; opens in https://ui.perfetto.dev
                          What is written is none of the files that are read; --save, --predict and --trace write ordinary files
)" + device_help() + R"(
Environment
  DTCRT_THREADS=N         threads of each rank (cores / ranks of the host)
  DTCRT_PIN=off           keep the launcher's binding of ranks to cores
  DTCRT_BUILDS=any        let ranks run different builds of the program, as for hosts with different processors
  DTCRT_JITTER_US=N       for debugging: a rank sleeps 0 to N random microseconds before each part of its step
  DTCRT_JITTER_SEED=N     of these random times (the clock)
)";
}

} // namespace dtcrt
