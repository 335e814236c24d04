// Outputs against inputs, by the files that their paths lead to.
#include "core/Places.h"
#include "core/Parameters.h"
#include "data/Dataset.h"
#include "dtcrt/context.h"
#include "io/FilePlace.h"

#include <vector>

namespace dtcrt {

namespace {
struct Named {
  std::string what, path;
};
} // namespace

void check_places(const Options &options, const Plan &plan) {
  std::vector<Named> outputs, inputs{{"this program", "/proc/self/exe"}, {"the program's own parameters", parameters_path(plan)}};
  for (const auto &[name, path] : {std::pair<const char *, const std::string &>("--save=", options.save), {"--metrics=", options.metrics},
                                   {"--trace=", options.trace}, {"--predict=", options.predict}})
    if (!path.empty())
      outputs.push_back({name + path, path});
  if (!options.load.empty())
    inputs.push_back({"the file of --load", options.load});
  if (!options.data.empty() && !outputs.empty())
    for (const std::string &file : data_files(options.data))
      inputs.push_back({"data of this run", file});

  for (const Named &output : outputs) {
    const FilePlace place(output.path);
    for (const Named &input : inputs)
      if (FilePlace(input.path) == place)
        throw Error(output.what + ": that is " + input.what + "; name another file");
    output.path == options.metrics ? check_writable(output.path) : check_replaceable(output.path);
    for (const Named &other : outputs)
      if (&other > &output && FilePlace(other.path) == place)
        throw Error(output.what + " and " + other.what + " are the same file");
  }
}

} // namespace dtcrt
