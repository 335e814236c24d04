// Metrics lines and the progress line.
#include "core/Report.h"
#include "core/Diverged.h"
#include "dtcrt/context.h"
#include "io/FilePlace.h"

#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <cstring>

namespace dtcrt {

namespace {

/// Whether a person watches. Open MPI gives its ranks a pseudo-terminal of its own whatever it writes to, so ask where the
/// launcher's output goes.
bool output_is_terminal() {
  if (!isatty(STDOUT_FILENO))
    return false;
  if (!std::getenv("OMPI_COMM_WORLD_SIZE"))
    return true;
  const std::string link = "/proc/" + std::to_string(getppid()) + "/fd/1";
  char target[256];
  const ssize_t length = readlink(link.c_str(), target, sizeof target - 1);
  if (length <= 0)
    return false;
  target[length] = 0;
  return std::strncmp(target, "/dev/pts/", 9) == 0 || std::strncmp(target, "/dev/tty", 8) == 0;
}

} // namespace

template <class Number> std::string json_member(const std::string &name, Number value) {
  if (!std::isfinite(value))
    return "\"" + name + "\":null,\"" + name + "_is\":\"" + word_for(value) + "\"";
  char text[32];
  const auto [end, error] = std::to_chars(text, text + sizeof text, value);
  return "\"" + name + "\":" + std::string(text, end);
}
template std::string json_member(const std::string &, f32);
template std::string json_member(const std::string &, f64);

Report::Report(bool speaks, const std::string &metrics_file) : speaks_(speaks), metrics_name_(metrics_file) {
  if (!speaks_)
    return;
  terminal_ = output_is_terminal();
  if (metrics_file.empty())
    return;
  const FilePlace place(metrics_file);
  // What goes on behind a descriptor (/dev/stdout) is not begun anew.
  const int descriptor = place.descriptor() >= 0 ? dup(place.descriptor()) : -1;
  metrics_ = descriptor >= 0 ? fdopen(descriptor, "w") : std::fopen(metrics_file.c_str(), "w");
  // Who has read enough ends the run by a line and a status, not by a signal.
  if (place.kind() == FilePlace::Kind::stream)
    std::signal(SIGPIPE, SIG_IGN);
  if (!metrics_)
    throw Error("cannot write " + metrics_file + ": " + std::strerror(errno));
}

Report::~Report() {
  clear_progress();
  if (metrics_)
    std::fclose(metrics_);
}

void Report::write_line(const std::string &line) {
  if (metrics_ && failure_.empty() && (std::fputs((line + "\n").c_str(), metrics_) < 0 || std::fflush(metrics_) != 0))
    failure_ = "cannot write " + metrics_name_ + ": " + std::strerror(errno);
}

void Report::check() const {
  if (!failure_.empty())
    throw Error(failure_);
}

void Report::clear_progress() {
  if (progress_shown_)
    std::fputs("\r\033[K", stdout), std::fflush(stdout);
  progress_shown_ = false;
}

void Report::step(i64 step, i64 last_step, f64 loss, f64 lr, f64 samples_per_second) {
  if (!speaks_)
    return;
  // The loss is an f32: its shortest text is that of an f32.
  if (metrics_)
    write_line("{\"step\":" + std::to_string(step) + "," + json_member("loss", static_cast<f32>(loss)) + "," + json_member("lr", lr) + "," +
               json_member("samples_per_second", std::floor(samples_per_second * 10) / 10) + "}");
  const auto now = std::chrono::steady_clock::now();
  if (terminal_ && (now - last_progress_ > std::chrono::milliseconds(100) || step == last_step)) {
    std::printf("\r\033[Kstep %lld/%lld  loss %.4f  %.0f samples/s", static_cast<long long>(step), static_cast<long long>(last_step),
                loss, samples_per_second);
    std::fflush(stdout);
    last_progress_ = now;
    progress_shown_ = true;
  }
}

void Report::evaluation(i64 step, const char *split, const Score &score) {
  if (!std::isfinite(score.loss) && not_finite_.empty())
    not_finite_ = std::string("the ") + split + " loss is " + word_for(score.loss) + " after step " + std::to_string(step);
  if (!speaks_)
    return;
  write_line("{\"step\":" + std::to_string(step) + "," + json_member("eval_loss", score.loss) +
             (score.has_accuracy ? "," + json_member("eval_accuracy", score.accuracy) : "") + ",\"split\":\"" + split + "\"}");
  if (terminal_ && std::strcmp(split, "validation") == 0) {
    clear_progress();
    std::printf("step %lld  validation loss %.4f", static_cast<long long>(step), score.loss);
    if (score.has_accuracy)
      std::printf("  accuracy %.4f", score.accuracy);
    std::printf("\n");
  }
}

void Report::summary(const std::string &text) {
  if (!speaks_)
    return;
  clear_progress();
  std::printf("%s\n", text.c_str());
  std::fflush(stdout);
}

} // namespace dtcrt
