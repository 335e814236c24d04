// Point-to-point messages: within a host through the shared arenas, between hosts by MPI.
//
//   sender                                    channel (16 entries)            receiver
//   send_start: describe the bytes, sent += 1  ── offset, bytes, name ──>      recv_start: posted, in order
//   ... computes ...                                                           whenever it starts or waits: the first posted
//                                                                              receive takes the first entry: checks it, copies
//   wait: until taken >= its number            <── taken += 1 ──               out of the sender's arena
//
// A send that finds the channel full stays in the sender's queue, and enters when the receiver has taken another.
// Bytes outside the sender's arena are described in the same way and come by MPI. Between hosts the description is a message of its own,
// ahead of the bytes.
#include "comm/HostComm.h"
#include "comm/WorldImpl.h"

#include <algorithm>
#include <cstring>
#include <memory>

namespace dtcrt {

namespace {

/// MPI counts with an int.
constexpr std::size_t mpi_bytes = std::size_t(1) << 30;
constexpr int envelope_tag = 0, bytes_tag = 1;

class Message : public Pending::Operation {
public:
  Message(World::Impl &world, void *data, std::size_t bytes, const Group &group, const MessageOptions &options)
      : Operation(world.progress), world_(world), data_(static_cast<std::byte *>(data)), bytes_(bytes),
        peer_(group.first + options.peer * group.stride), own_{0, bytes, options.microbatch, 0, 0, {}} {
    own_.hash = 2166136261u; // FNV-1a
    for (const char *c = options.name; *c; ++c)
      own_.hash = (own_.hash ^ static_cast<u8>(*c)) * 16777619u;
    std::strncpy(own_.name, options.name, Envelope::name_bytes - 1);
  }

  void finish() override {
    world_.wait_until([&] { return complete(); });
  }
  bool test() override {
    int done = 0;
    check_mpi(MPI_Testall(static_cast<int>(requests_.size()), requests_.data(), &done, MPI_STATUSES_IGNORE), "move a message");
    return transferred_ = done;
  }

protected:
  virtual bool complete() const { return transferred_; }
  static std::string quoted(const Envelope &envelope) {
    return "'" + std::string(envelope.name) + "'" +
           (envelope.microbatch >= 0 ? " (microbatch " + std::to_string(envelope.microbatch) + ")" : "");
  }
  static std::string between(int from, int to) { return " from rank " + std::to_string(from) + " to rank " + std::to_string(to); }
  int local_peer() const { return world_.local_of[static_cast<std::size_t>(peer_)]; }
  void send_bytes() {
    for (std::size_t at = 0; at < bytes_; at += mpi_bytes)
      check_mpi(MPI_Isend(data_ + at, static_cast<int>(std::min(mpi_bytes, bytes_ - at)), MPI_BYTE, peer_, bytes_tag, world_.messages,
                          &requests_.emplace_back()),
                "send a message");
  }
  void receive_bytes() {
    for (std::size_t at = 0; at < bytes_; at += mpi_bytes)
      check_mpi(MPI_Irecv(data_ + at, static_cast<int>(std::min(mpi_bytes, bytes_ - at)), MPI_BYTE, peer_, bytes_tag, world_.messages,
                          &requests_.emplace_back()),
                "receive a message");
  }

  World::Impl &world_;
  std::byte *data_;
  std::size_t bytes_;
  int peer_; ///< its rank
  Envelope own_;
  std::vector<MPI_Request> requests_;
  bool transferred_ = false;
};

class Send final : public Message {
public:
  static constexpr auto trace_kind = TraceEvent::Kind::send;
  using Message::Message;
  ~Send() override {
    for (MPI_Request &request : requests_)
      if (request != MPI_REQUEST_NULL)
        MPI_Request_free(&request);
  }

  void start() {
    if (local_peer() >= 0) {
      progress_.enqueue(Progress::sends(peer_), *this);
      return;
    }
    check_mpi(MPI_Isend(&own_, sizeof own_, MPI_BYTE, peer_, envelope_tag, world_.messages, &requests_.emplace_back()), "send a message");
    send_bytes();
    progress_.watch(*this);
  }

  bool begin() override {
    Channel &channel = world_.channel(world_.local_rank, local_peer());
    const std::uint32_t sent = channel.sent.load(std::memory_order_relaxed);
    if (sent - channel.taken.load(std::memory_order_acquire) >= channel_size)
      return false;
    number_ = sent + 1;
    own_.outside = bytes_ > 0 && !world_.is_shared(data_, bytes_);
    if (own_.outside) {
      send_bytes();
      progress_.watch(*this);
    } else {
      own_.offset = bytes_ > 0 ? static_cast<std::uint64_t>(data_ - world_.arena()) : 0;
      transferred_ = true;
    }
    channel.envelopes[sent % channel_size] = own_;
    channel.sent.store(number_, std::memory_order_release);
    ring(world_.bells[local_peer()]);
    is_described_ = true;
    return true;
  }

  std::string describe() const override { return "sending " + quoted(own_) + between(world_.rank, peer_); }

protected:
  bool complete() const override {
    if (local_peer() < 0 || !transferred_)
      return transferred_;
    const Channel &channel = world_.channel(world_.local_rank, local_peer());
    return is_described_ && static_cast<std::int32_t>(channel.taken.load(std::memory_order_acquire) - number_) >= 0;
  }

private:
  std::uint32_t number_ = 0; ///< among the messages of the pair
  bool is_described_ = false;
};

class Receive final : public Message {
public:
  static constexpr auto trace_kind = TraceEvent::Kind::receive;
  using Message::Message;
  ~Receive() override {
    for (MPI_Request &request : requests_)
      if (request != MPI_REQUEST_NULL) {
        MPI_Cancel(&request);
        MPI_Request_free(&request);
      }
    if (envelope_request_ != MPI_REQUEST_NULL) {
      MPI_Cancel(&envelope_request_);
      MPI_Request_free(&envelope_request_);
    }
  }

  void start() {
    if (local_peer() >= 0) {
      progress_.enqueue(Progress::receives(peer_), *this);
      return;
    }
    check_mpi(MPI_Irecv(&theirs_, sizeof theirs_, MPI_BYTE, peer_, envelope_tag, world_.messages, &envelope_request_), "receive a message");
    receive_bytes();
    progress_.watch(*this);
  }

  bool begin() override {
    Channel &channel = world_.channel(local_peer(), world_.local_rank);
    const std::uint32_t taken = channel.taken.load(std::memory_order_relaxed);
    if (channel.sent.load(std::memory_order_acquire) == taken)
      return false;
    theirs_ = channel.envelopes[taken % channel_size];
    check();
    if (theirs_.outside) {
      receive_bytes();
      progress_.watch(*this);
    } else {
      if (bytes_ > 0)
        std::memcpy(data_, world_.arenas[static_cast<std::size_t>(local_peer())] + theirs_.offset, bytes_);
      transferred_ = true;
    }
    channel.taken.store(taken + 1, std::memory_order_release);
    ring(world_.bells[local_peer()]);
    return true;
  }

  bool test() override {
    // The description comes first: a size that is wrong is told before MPI complains of it.
    if (envelope_request_ != MPI_REQUEST_NULL) {
      int done = 0;
      check_mpi(MPI_Test(&envelope_request_, &done, MPI_STATUS_IGNORE), "receive a message");
      if (!done)
        return false;
      check();
    }
    return Message::test();
  }

  std::string describe() const override { return "receiving " + quoted(own_) + between(peer_, world_.rank); }

private:
  void check() const {
    const std::string ends = between(peer_, world_.rank) + ": ";
    if (theirs_.hash != own_.hash || theirs_.microbatch != own_.microbatch)
      throw Error("messages" + ends + "the next that is sent is " + quoted(theirs_) + ", the next that is received " + quoted(own_));
    if (theirs_.bytes != own_.bytes)
      throw Error("message " + quoted(own_) + ends + std::to_string(theirs_.bytes) + " bytes are sent, " + std::to_string(own_.bytes) +
                  " received");
  }

  Envelope theirs_{};
  MPI_Request envelope_request_ = MPI_REQUEST_NULL;
};

template <class Kind> Pending start_message(Context &ctx, void *data, std::size_t bytes, const MessageOptions &options) {
  const auto refuse = [&](const std::string &what) { throw std::logic_error("message '" + std::string(options.name) + "': " + what); };
  if (!ctx.world())
    refuse("the rank is alone");
  World::Impl &world = ctx.world()->impl();
  const Group &group = world.group(options.axis);
  if (options.peer < 0 || options.peer >= group.size)
    refuse("no coordinate " + std::to_string(options.peer) + " on the axis '" + group.axis + "' of size " + std::to_string(group.size));
  if (options.peer == group.coordinate)
    refuse("rank " + std::to_string(world.rank) + " would be its own peer on the axis '" + group.axis + "'");
  if (ctx.probe())
    ctx.probe()->jitter();
  auto message = std::make_unique<Kind>(world, data, bytes, group, options);
  message->watch(ctx.probe(), {.kind = Kind::trace_kind,
                               .peer = options.peer,
                               .peer_rank = group.first + options.peer * group.stride,
                               .name = options.name,
                               .axis = options.axis,
                               .microbatch = options.microbatch,
                               .bytes = bytes});
  message->start();
  world.progress.advance();
  return Pending(message.release());
}

} // namespace

Pending host::send_start(Context &ctx, const void *data, std::size_t bytes, const MessageOptions &options) {
  return start_message<Send>(ctx, const_cast<void *>(data), bytes, options);
}

Pending host::recv_start(Context &ctx, void *data, std::size_t bytes, const MessageOptions &options) {
  return start_message<Receive>(ctx, data, bytes, options);
}

void detail::message_not_dense(const MessageOptions &options) {
  throw std::logic_error("message '" + std::string(options.name) + "': the tensor is dense");
}

} // namespace dtcrt
