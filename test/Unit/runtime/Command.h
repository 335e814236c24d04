// Runs a command line and keeps what it says.
#pragma once

#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace dtcrt::test {

struct Result {
  int status = -1;
  std::string output, errors;
};

inline std::string contents(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// A folder that disappears with the object.
class Folder {
public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "dtcrt-test-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder &) = delete;
  std::string operator/(const std::string &name) const { return path_ + "/" + name; }
  const std::string &path() const { return path_; }

private:
  std::string path_;
};

/// Runs it through the shell, at most that many seconds.
inline Result run_command(const std::string &command, int seconds = 300) {
  Folder folder;
  const std::string line = "timeout " + std::to_string(seconds) + " " + command + " >" + (folder / "out") + " 2>" + (folder / "err") + " </dev/null";
  const int status = std::system(line.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, contents(folder / "out"), contents(folder / "err")};
}

/// `program` on `ranks` ranks, which may share cores.
inline Result run_ranks(int ranks, const std::string &program, const std::string &environment = "", int seconds = 300) {
  return run_command("env OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 " + environment + " mpirun --oversubscribe -n " +
                         std::to_string(ranks) + " " + program,
                     seconds);
}

/// Lines of `text` without those that mpirun adds when a rank exits with a status other than 0.
inline std::vector<std::string> lines_of_program(const std::string &text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  bool in_frame = false;
  for (std::string line; std::getline(stream, line);) {
    if (line.starts_with("-----")) {
      in_frame = !in_frame;
      continue;
    }
    if (!in_frame && !line.empty())
      lines.push_back(line);
  }
  return lines;
}

/// As a shell tells of a process that SIGKILL has ended.
inline constexpr int killed = 137;

/// What becomes of the ranks of a program of which one dies, under a launcher that leaves the others alone.
struct Survivors {
  std::vector<int> statuses; ///< of the ranks, ascending
  std::vector<std::string> lines; ///< what they said
};

inline Survivors run_survivors(int ranks, const std::string &program, const std::string &environment = "") {
  Folder folder;
  const Result result = run_ranks(ranks, "--enable-recovery sh -c '" + program + "; echo $? >>" + (folder / "statuses") + "'", environment, 30);
  Survivors survivors;
  std::istringstream statuses(contents(folder / "statuses"));
  for (int status; statuses >> status;)
    survivors.statuses.push_back(status);
  std::sort(survivors.statuses.begin(), survivors.statuses.end());
  survivors.lines = lines_of_program(result.errors);
  std::erase_if(survivors.lines, [](const std::string &line) {
    return line == "Killed" || line.find("PMIX ERROR") != std::string::npos || line.starts_with("mpirun:");
  });
  return survivors;
}

} // namespace dtcrt::test
