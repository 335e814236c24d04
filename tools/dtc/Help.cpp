// The text of --help: the option table by topics, wrapped.
#include "Help.h"
#include "Settings.h"

#include "dtc/Partition/Timelines/Schedule.h"

#include "llvm/Option/Option.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

static constexpr unsigned column = 24, width = 100;

/// Prints `text` in lines that begin at `column`, the first of which has been
/// begun.
static void printWrapped(StringRef text, raw_ostream &os) {
  unsigned used = column;
  bool first = true;
  while (!text.empty()) {
    auto [word, rest] = text.split(' ');
    if (!first && used + 1 + word.size() > width) {
      os << '\n';
      os.indent(column);
      used = column;
    } else if (!first) {
      os << ' ';
      ++used;
    }
    os << word;
    used += word.size();
    first = false;
    text = rest;
  }
  os << '\n';
}

static void printLine(StringRef spelling, StringRef help, raw_ostream &os) {
  os << "  " << spelling;
  if (spelling.size() + 3 > column) {
    os << '\n';
    os.indent(column);
  } else {
    os.indent(column - 2 - spelling.size());
  }
  printWrapped(help, os);
}

static void printOption(const opt::Option &option, StringRef help,
                        const opt::OptTable &table, raw_ostream &os) {
  std::string spelling = option.getPrefixedName().str();
  if (const char *meta = table.getOptionMetaVar(option.getID())) {
    if (option.getKind() == opt::Option::JoinedOrSeparateClass)
      spelling += ' ';
    spelling += meta;
  }
  printLine(spelling, help, os);
}

/// The settings of all optimizers.
static void printSettings(raw_ostream &os) {
  for (const dtc::SharedSetting &setting : dtc::allOptimizerSettings())
    printLine(dtc::spellSetting(setting.name) + (setting.first().isFlag() ? "" : "=X"), dtc::describeSetting(setting), os);
}

/// `1f1b (default: few activations), gpipe (all forwards, …), …`
static std::string describeSchedules() {
  std::string text;
  for (const dtc::partition::Schedule &schedule : dtc::partition::allSchedules()) {
    StringRef opening = text.empty() ? " (default: " : " (";
    text += (text.empty() ? "" : ", ") + schedule.name.str() + opening.str() + schedule.summary.str() + ")";
  }
  return text;
}

/// `adam (by the mean …; torch.optim.Adam), …`
static std::string describeOptimizers() {
  std::string text;
  for (const dtc::Optimizer &optimizer : dtc::allOptimizers())
    text += (text.empty() ? "" : ", ") + (optimizer.name + " (" + optimizer.summary + "; " + optimizer.source + ")").str();
  return text;
}

/// What an option's text takes from the tables of the compiler.
static std::string fillIn(StringRef help) {
  std::string text = help.str();
  using Text = std::pair<StringRef, std::string (*)()>;
  for (auto [mark, describe] : {Text{"{schedules}", describeSchedules}, Text{"{optimizers}", describeOptimizers}})
    if (size_t place = text.find(mark.str()); place != std::string::npos)
      text.replace(place, mark.size(), describe());
  return text;
}

void dtc::printHelp(const opt::OptTable &table, unsigned hidden,
                    raw_ostream &os) {
  os << "dtc: compiles a model and its recipe into a training program\n\n"
        "  dtc MODEL [recipe] [strategy] [--emit=LEVEL] -o OUT\n\n"
        "MODEL is an ONNX file (.onnx, or ONNX's text form .onnxtxt) or a file in dtc's own model\n"
        "language (.dt), which may carry the recipe.\n";
  for (unsigned topic = 1; topic <= table.getNumOptions(); ++topic) {
    if (table.getOptionKind(topic) != opt::Option::GroupClass)
      continue;
    os << '\n' << table.getOptionHelpText(topic) << ":\n";
    for (unsigned id = 1; id <= table.getNumOptions(); ++id) {
      opt::Option option = table.getOption(id);
      const char *help = table.getOptionHelpText(id);
      if (table.getOptionGroupID(id) == topic && help && *help && !option.hasFlag(hidden))
        printOption(option, fillIn(help), table, os);
      // Behind the optimizer stands what it can be given.
      if (option.getPrefixedName() == "--optimizer=")
        printSettings(os);
    }
  }
  os << "\nExample:\n"
        "  dtc mnist_cnn.dt --strategy=data --devices=4 -o mnist_cnn\n"
        "  mpirun -n 4 ./mnist_cnn --data=idx:DIR --epochs=1\n";
}
