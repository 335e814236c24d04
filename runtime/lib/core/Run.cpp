// The main of an emitted program: options, data, parameters, the training loop, evaluation, files.
#include "comm/Agreement.h"
#include "comm/Clock.h"
#include "comm/Compare.h"
#include "comm/Gather.h"
#include "comm/WorldImpl.h"
#include "core/Alike.h"
#include "core/Device.h"
#include "core/Diverged.h"
#include "core/Manifest.h"
#include "core/Options.h"
#include "core/Parameters.h"
#include "core/Places.h"
#include "core/Predictions.h"
#include "core/Probe.h"
#include "core/Report.h"
#include "core/Roles.h"
#include "data/Dataset.h"
#include "data/LabelWeights.h"
#include "data/Sampler.h"
#include "dtcrt/program.h"
#include "io/File.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <deque>
#include <functional>
#include <limits>

namespace dtcrt {

namespace {

using Clock = std::chrono::steady_clock;
f64 seconds_since(Clock::time_point start) { return std::chrono::duration<f64>(Clock::now() - start).count(); }

/// One line on stderr, whatever a file name or a library's message holds.
void tell(const std::string &program, const std::string &what) {
  std::string line = program + ": " + what;
  for (char &c : line)
    if (static_cast<unsigned char>(c) < 32)
      c = ' ';
  std::fprintf(stderr, "%s\n", line.c_str());
  std::fflush(stderr);
}

class Training {
public:
  /// Not collective. Error when this rank has no device. `name`: of the program, for messages.
  Training(World &world, const std::string &name, const Plan &plan, const Role &role, const Options &options)
      : world_(world), name_(name), plan_(plan), role_(role), program_(*role.program), options_(options), ctx_(world),
        device_(make_device(ctx_, plan, options.device)), local_batch_(role.local_batch > 0 ? role.local_batch : plan.local_batch),
        learning_rate_(options.learning_rate.value_or(plan.learning_rate)),
        first_row_(role.first_row >= 0 ? role.first_row : std::max(coordinate_of(plan, world.rank(), "data"), 0) * local_batch_) {}

  void run(std::optional<Jitter> jitter);

private:
  void prepare();
  void check_batches() const;
  void train();
  void start_step(Sampler &sampler, i64 step);
  void finish_step(Report &report, Sampler &sampler, i64 last);
  std::string why_not_finite(Sampler &sampler, i64 step);
  void check_saved(i64 step);
  LabelTotals totals_of(const LabelWeights &weights, index first, index size);
  Score evaluate(const Split &split);
  void predict();
  void gather(const Split &split, const BatchRows &rows, f32 weight);
  void fill(const Split &split, const BatchRows &rows, f32 weight);
  template <class Work> void watched(TraceEvent::Kind kind, const std::string &name, Work work);

  World &world_;
  std::string name_;
  const Plan &plan_;
  const Role &role_;
  Program &program_;
  const Options &options_;
  std::unique_ptr<Probe> probe_;
  Context ctx_;
  std::unique_ptr<Device> device_;
  index local_batch_;
  f64 learning_rate_;
  index first_row_;
  std::unique_ptr<Arena> arena_;
  Binding binding_;
  Manifest manifest_;
  Dataset data_;
  Split validation_; ///< the tail of the training samples: the same columns, from validation_first_ on
  index validation_first_ = 0;
  LabelWeights train_labels_, test_labels_; ///< where labels do not count alike
  LabelTotals validation_totals_, test_totals_; ///< on all ranks
  i64 done_ = 0; ///< steps that made the parameters
  /// Steps that were started and not finished yet, with the samples of their global batches.
  struct Started {
    i64 step;
    index samples;
  };
  std::deque<Started> under_way_;
  Clock::time_point last_end_; ///< of a step, or when the loop began
  f64 loss_ = 0;               ///< of the last step that was finished
  std::vector<std::string> not_finite_; ///< tensors that hold such values from the start
};

void Training::prepare() {
  together(world_, [&] {
    if (plan_.batch < 1 || local_batch_ < 1)
      throw std::logic_error("the plan has no batch");
    // A program without arguments has nothing to do; one that only initialises and saves needs no data.
    if (options_.data.empty() && options_.steps.value_or(1) != 0)
      throw Error("no data: --data=idx:DIR, cifar10:DIR, npy:INPUT=FILE,label=FILE, tokens:FILE or synthetic (--help tells more)");
    if (options_.data.empty() && options_.validation > 0)
      throw Error("--validation needs --data");
    if (!options_.predict.empty() && !program_.has_predict())
      throw Error("--predict=" + options_.predict + ": the program makes no output of the samples that could be written");
    if (world_.rank() == 0)
      check_places(options_, plan_);
  });
  world_.set_mesh(plan_.mesh);
  arena_ = std::make_unique<Arena>(device_->allocate(role_.arena_bytes, role_.shared_bytes));
  if (world_.rank() == 0 && !world_.notice().empty())
    tell(name_, world_.notice() + ": ranks of one host send by MPI, which is slower (docker run --shm-size gives more)");
  together(world_, [&] {
    binding_ = program_.bind(*arena_);
    device_->bind(binding_);
  });
  manifest_ = make_manifest(world_, plan_, binding_);
  manifest_.wishes.label_may_lack = !options_.predict.empty() && !trains(options_);
  together(world_, [&] {
    if (!options_.data.empty())
      data_ = load_dataset(options_.data, manifest_.wishes, options_.seed);
  });
  require_alike(world_, options_.data, manifest_.wishes, data_);
  together(world_, [&] {
    if (options_.validation > 0 && options_.validation >= data_.train.size)
      throw Error("--validation=" + std::to_string(options_.validation) + " leaves nothing of " + std::to_string(data_.train.size) +
                  " training samples");
    validation_first_ = data_.train.size - options_.validation;
    if (data_.train.size > std::numeric_limits<std::uint32_t>::max())
      throw Error("more than 2^32 training samples");
    check_batches();
    train_labels_ = LabelWeights(plan_, data_.train);
    if (data_.test)
      test_labels_ = LabelWeights(plan_, *data_.test);
  });
  if (LabelWeights::are_wanted(plan_)) {
    validation_totals_ = totals_of(train_labels_, validation_first_, options_.validation);
    test_totals_ = totals_of(test_labels_, 0, data_.test ? data_.test->size : 0);
  }
  std::vector<Fact> read; // from files, which may differ between hosts
  together(world_, [&] {
    read = initialise(ctx_, *device_, plan_, world_.rank(), binding_, options_.seed, !options_.load.empty());
    if (!options_.load.empty())
      done_ = load_checkpoint(ctx_, *device_, plan_, world_.rank(), options_.load, manifest_, binding_, read);
    not_finite_ = tensors_not_finite(*device_, binding_);
  });
  compare(world_, "the ranks read different parameters: ", read);
}

/// Of the samples from `first` on, from a rank that binds labels, on all. Collective.
LabelTotals Training::totals_of(const LabelWeights &weights, index first, index size) {
  LabelTotals own;
  if (weights)
    own = weights.of(size, [&](index i) { return first + i; });
  std::string bytes(reinterpret_cast<const char *>(&own), sizeof own);
  for (const std::string &theirs : all_gather(world_, weights ? bytes : std::string()))
    if (!theirs.empty()) {
      std::memcpy(&own, theirs.data(), sizeof own);
      break;
    }
  return own;
}

/// A program that mixes the samples of a batch and knows no padding must not meet a partial one.
void Training::check_batches() const {
  if (plan_.whole_batches.empty() || options_.data.empty())
    return;
  const std::pair<const char *, index> splits[] = {
      {"training", validation_first_}, {"validation", options_.validation}, {"test", data_.test ? data_.test->size : 0},
      {"predicted", options_.predict.empty() ? 0 : data_.train.size}};
  for (const auto &[split, size] : splits)
    if (size % plan_.batch != 0)
      throw Error("--data=" + options_.data + ": " + std::to_string(size) + " " + split + " samples end in a batch of " +
                  std::to_string(size % plan_.batch) + ", but " + plan_.whole_batches + " mixes the samples of a batch and needs all " +
                  std::to_string(plan_.batch) + ": leave out samples, or compile with a --batch that divides their number");
}

/// Runs `work`, which stands in a trace as an event of its own.
template <class Work> void Training::watched(TraceEvent::Kind kind, const std::string &name, Work work) {
  if (!probe_)
    return work();
  TraceEvent event{.kind = kind, .name = name.c_str(), .start = steady_nanoseconds(), .busy = -probe_->busy(), .blocked = -probe_->blocked()};
  work();
  event.busy += probe_->busy();
  event.blocked += probe_->blocked();
  probe_->record(event);
}

void Training::gather(const Split &split, const BatchRows &rows, f32 weight) {
  watched(TraceEvent::Kind::data, "data", [&] { fill(split, rows, weight); });
}

void Training::fill(const Split &split, const BatchRows &rows, f32 weight) {
  const Binding &batch = device_->batch();
  for (std::size_t i = 0; i < split.inputs.size(); ++i) {
    const Wanted &wanted = manifest_.wishes.inputs[i];
    for (const InputBinding &input : batch.inputs)
      if (input.name == wanted.name)
        split.inputs[i].gather(ctx_, rows.ids, input.tensor);
  }
  if (split.label)
    split.label->gather(ctx_, rows.ids, batch.label);
  if (batch.weight)
    for (index r = 0; r < local_batch_; ++r)
      batch.weight.data()[r] = r < rows.valid ? weight : 0;
  // Padding has numbers of its own behind those of the batch.
  if (batch.sample_index)
    for (index r = 0; r < local_batch_; ++r)
      batch.sample_index.data()[r] = first_row_ + r;
}

void Training::start_step(Sampler &sampler, i64 step) {
  if (probe_)
    probe_->set_step(step);
  const BatchRows rows = sampler.rows(step - 1);
  gather(data_.train, rows, 1.0f / static_cast<f32>(rows.global_valid));
  if (const Tensor<f32> &weight = device_->batch().loss_weight) {
    const std::span<const std::uint32_t> samples = sampler.samples(step - 1);
    const LabelTotals totals = train_labels_.of(static_cast<index>(samples.size()), [&](index i) { return samples[static_cast<std::size_t>(i)]; });
    const f64 labels = static_cast<f64>(totals.labels) / static_cast<f64>(samples.size()), divisor = plan_.loss_is_sum ? 1 : totals.weight;
    // Where no label counts there is no loss: PyTorch's mean is then 0 / 0, and its gradients are 0.
    const f32 share = divisor > 0 ? static_cast<f32>(labels / divisor) : 0;
    for (index r = 0; r < local_batch_; ++r)
      weight.data()[r] = r < rows.valid ? share : 0;
  }
  if (const Tensor<i64> &number = device_->batch().step)
    *number.data() = step;
  if (const Tensor<f64> &rate = device_->batch().learning_rate)
    *rate.data() = learning_rate_;
  watched(TraceEvent::Kind::step, std::to_string(step), [&] { device_->start(Device::Phase::train, [&] { program_.step(ctx_); }); });
  under_way_.push_back({step, rows.global_valid});
}

void Training::finish_step(Report &report, Sampler &sampler, i64 last) {
  loss_ = device_->finish().loss;
  const Started started = under_way_.front();
  under_way_.pop_front();
  const auto end = Clock::now();
  report.step(started.step, last, loss_, learning_rate_,
              static_cast<f64>(started.samples) / std::chrono::duration<f64>(end - last_end_).count());
  last_end_ = end;
  if (!std::isfinite(loss_)) // on all ranks: the loss is all-reduced
    world_.agree("the loss is " + std::string(word_for(loss_)) + " at step " + std::to_string(started.step) + ": " +
                 why_not_finite(sampler, started.step));
}

/// What can be known of it: the step's own values are gone, and its update has spread them. Collective.
std::string Training::why_not_finite(Sampler &sampler, i64 step) {
  if (const std::string tensors = all_tensors(world_, not_finite_); !tensors.empty())
    return tensors + " held values that are not finite before the first step";
  const BatchRows rows = sampler.rows(step - 1);
  fill(data_.train, rows, 0);
  for (const std::string &input : all_gather(world_, input_not_finite(device_->batch(), rows)))
    if (!input.empty())
      return input + " is not finite";
  const std::string tensors = all_tensors(world_, tensors_not_finite(*device_, binding_));
  return "training has diverged" + (tensors.empty() ? "" : "; behind it " + tensors + " hold values that are not finite");
}

/// Nothing that training has spoilt is saved.
void Training::check_saved(i64 step) {
  for (const std::string &name : tensors_not_finite(*device_, binding_))
    if (std::find(not_finite_.begin(), not_finite_.end(), name) == not_finite_.end())
      throw Error("'" + name + "' holds values that are not finite after step " + std::to_string(step) + ": nothing is saved");
}

Score Training::evaluate(const Split &split) {
  const bool is_validation = &split == &validation_;
  const Split &source = is_validation ? data_.train : split;
  const index first = is_validation ? validation_first_ : 0, size = is_validation ? options_.validation : split.size;
  Sampler sampler(size, plan_.batch, local_batch_, first_row_, false, 0);
  if (probe_)
    probe_->set_step(0);
  Score score;
  score.has_accuracy = plan_.has_accuracy && binding_.correct;
  for (index batch = 0; batch < sampler.batches_per_epoch(); ++batch) {
    BatchRows rows = sampler.rows(batch);
    for (index &id : rows.ids)
      id += first;
    gather(source, rows, 1);
    watched(TraceEvent::Kind::evaluation, "evaluation",
            [&] { device_->start(Device::Phase::evaluate, [&] { program_.evaluate(ctx_); }); });
    const Outcome outcome = device_->finish();
    score.loss += outcome.loss;
    if (score.has_accuracy)
      score.accuracy += outcome.correct;
  }
  // Of `size` samples a weight of 1 for each; where labels do not count alike, over what they count. What nothing counts in is 0.
  f64 divisor = static_cast<f64>(size), counted = divisor;
  if (LabelWeights::are_wanted(plan_)) {
    const LabelTotals &totals = is_validation ? validation_totals_ : test_totals_;
    const f64 positions = static_cast<f64>(totals.labels) / static_cast<f64>(size);
    divisor = plan_.loss_is_sum ? 1 / positions : totals.weight / positions;
    counted = static_cast<f64>(totals.counted) / positions;
  }
  score.loss = divisor > 0 ? score.loss / divisor : 0;
  score.accuracy = counted > 0 ? score.accuracy / counted : 0;
  return score;
}

/// Batch by batch, of all training samples in their order.
void Training::predict() {
  Sampler sampler(data_.train.size, plan_.batch, local_batch_, first_row_, false, 0);
  if (probe_)
    probe_->set_step(0);
  const auto run = [&](index batch) {
    gather(data_.train, sampler.rows(batch), 1);
    watched(TraceEvent::Kind::evaluation, "prediction",
            [&] { device_->start(Device::Phase::predict, [&] { program_.predict(ctx_); }); });
    static_cast<void>(device_->finish());
  };
  write_predictions(world_, *device_, options_.predict, binding_.output, {data_.train.size, plan_.batch, local_batch_, first_row_}, run);
}

void Training::train() {
  std::unique_ptr<Report> report;
  together(world_, [&] { report = std::make_unique<Report>(world_.rank() == 0, options_.metrics); });
  const bool evaluates = program_.has_evaluate() && binding_.loss && !options_.data.empty();
  i64 last = done_, step = done_;
  f64 training_seconds = 0;
  if (!options_.data.empty()) {
    Sampler sampler(validation_first_, plan_.batch, local_batch_, first_row_, options_.shuffle, options_.seed);
    const i64 per_epoch = sampler.batches_per_epoch();
    if (!options_.steps && options_.epochs > std::numeric_limits<i64>::max() / 2 / per_epoch)
      throw Error("--epochs=" + std::to_string(options_.epochs) + ": more steps than can be counted");
    last = done_ + (options_.steps ? *options_.steps : options_.epochs * per_epoch);
    auto resumed = last_end_ = Clock::now();
    while (step < last) {
      start_step(sampler, ++step);
      const bool pauses = step % per_epoch == 0 || step == last;
      while (!under_way_.empty() && (pauses || static_cast<int>(under_way_.size()) == device_->depth()))
        finish_step(*report, sampler, last);
      if (!pauses)
        continue;
      training_seconds += seconds_since(resumed);
      together(world_, [&] { report->check(); });
      if (evaluates && options_.validation > 0)
        report->evaluation(step, "validation", evaluate(validation_));
      resumed = last_end_ = Clock::now();
    }
  }

  std::string summary = std::to_string(step - done_) + " steps in " + std::to_string(static_cast<i64>(training_seconds * 10) / 10) + "." +
                        std::to_string(static_cast<i64>(training_seconds * 10) % 10) + " s";
  char number[64];
  if (step > done_) {
    std::snprintf(number, sizeof number, ", loss %.4f", loss_);
    summary += number;
  }
  if (evaluates && data_.test && data_.test->has_label) {
    const Score score = evaluate(*data_.test);
    report->evaluation(step, "test", score);
    std::snprintf(number, sizeof number, ", test loss %.4f", score.loss);
    summary += number;
    if (score.has_accuracy) {
      std::snprintf(number, sizeof number, ", test accuracy %.4f", score.accuracy);
      summary += number;
    }
  }
  together(world_, [&] { report->check(); });
  if (!options_.save.empty()) {
    together(world_, [&] { check_saved(step); });
    save_checkpoint(world_, *device_, options_.save, plan_, manifest_, binding_, step);
  }
  if (!options_.predict.empty()) {
    predict();
    summary += ", outputs of " + std::to_string(data_.train.size) + (data_.train.size == 1 ? " sample" : " samples") + " written";
  }
  if (!options_.trace.empty())
    probe_->write(options_.trace, plan_, role_);
  report->summary(summary);
  world_.agree(report->not_finite()); // of an evaluation: its loss is the same on all ranks
}

void Training::run(std::optional<Jitter> jitter) {
  ctx_.set_seed(options_.seed);
  if (!options_.trace.empty() || jitter) {
    probe_ = std::make_unique<Probe>(world_, !options_.trace.empty(), std::move(jitter));
    ctx_.set_probe(probe_.get());
  }
  prepare();
  train();
}

} // namespace

int run(int argc, char **argv, const Plan &plan, Program &program) {
  // The caller keeps the program.
  return run(argc, argv, plan, {Role{.arena_bytes = plan.arena_bytes, .shared_bytes = plan.shared_bytes, .flops = plan.flops, .program = {std::shared_ptr<void>(), &program}}});
}

int run(int argc, char **argv, const Plan &plan, const std::vector<Role> &roles) {
  constexpr int failed = 2;
  const std::string path = argc > 0 ? argv[0] : plan.model, name = path.substr(path.rfind('/') + 1);
  std::optional<World> started;
  try {
    World &world = started.emplace(&argc, &argv);
    Options options;
    const Role *role = nullptr;
    std::optional<Jitter> jitter;
    together(world, [&] { options = parse_options(argc, argv); });
    require_alike(world, plan, options);
    together(world, [&] {
      if (options.help)
        return;
      static_cast<void>(world.threads()); // says if DTCRT_THREADS makes no sense
      if (world.ranks() != plan.devices)
        throw Error("compiled for " + std::to_string(plan.devices) + (plan.devices == 1 ? " rank" : " ranks") + ", started with " +
                    std::to_string(world.ranks()) + ": run it with mpirun -n " + std::to_string(plan.devices));
      jitter = Jitter::from_environment(world.rank());
      role = &role_of(plan, roles, world.rank());
    });
    if (options.help) {
      if (world.rank() == 0)
        std::fputs(help_text(plan, path).c_str(), stdout);
      return 0;
    }
    std::unique_ptr<Training> training;
    together(world, [&] { training = std::make_unique<Training>(world, name, plan, *role, options); });
    training->run(std::move(jitter));
    return 0;
  } catch (const AgreedError &failure) {
    if (failure.is_told_here)
      tell(name, failure.what());
    return failed;
  } catch (const PeerFailure &) {
    started->leave(failed);
    return failed;
  } catch (const std::exception &failure) {
    if (!started) {
      tell(name, failure.what());
      return failed;
    }
    started->fail([&] { tell(name, failure.what()); });
    started->abandon();
    started->leave(failed);
    return failed;
  }
}

} // namespace dtcrt
