#include "disk/uring_loop.h"

#include <sys/eventfd.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <system_error>

#include "firn/base/log.h"

namespace firn::volume {
namespace {

/// Room for what the sessions of one core start in one turn of the loop; when it is full the turn just submits early.
constexpr unsigned kSubmissionEntries = 512;
/// Completions may pile up while a handler runs. More than this are kept by the kernel, at a cost.
constexpr unsigned kCompletionEntries = 4096;
constexpr unsigned kReapBatch = 64;

std::string describe(const char* what, int negative_errno) {
  return std::string(what) + ": " + std::generic_category().message(-negative_errno);
}

}  // namespace

Result<std::unique_ptr<UringLoop>> UringLoop::make(boost::asio::io_context& context) {
  std::unique_ptr<UringLoop> loop(new UringLoop(context));
  if (auto opened = loop->open(); !opened) return std::move(opened).error();
  return loop;
}

UringLoop::UringLoop(boost::asio::io_context& context) : context_(context), events_(context) {}

UringLoop::~UringLoop() {
  if (opened_) io_uring_queue_exit(&ring_);
}

Result<> UringLoop::open() {
  io_uring_params params{};
  params.cq_entries = kCompletionEntries;
  // One thread submits, so completions need no interrupt of it: they are run when it asks (Linux 6.1 on).
  params.flags = IORING_SETUP_CQSIZE | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
  int answer = io_uring_queue_init_params(kSubmissionEntries, &ring_, &params);
  if (answer == -EINVAL) {
    params = {};
    params.cq_entries = kCompletionEntries;
    params.flags = IORING_SETUP_CQSIZE;
    answer = io_uring_queue_init_params(kSubmissionEntries, &ring_, &params);
  }
  if (answer < 0) return error(Errc::io_error, describe("io_uring_queue_init", answer));
  opened_ = true;
  io_uring_register_ring_fd(&ring_);  // Spares a file lookup per call; older kernels refuse, which is fine.

  // From Linux 5.19 on; before, every request looks for its pages.
  if (io_uring_register_buffers_sparse(&ring_, Buffer::kRegions) != 0) regions_.fill(Pinning::refused);

  const int event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (event_fd < 0) return error(Errc::io_error, describe("eventfd", -errno));
  events_.assign(event_fd);
  answer = io_uring_register_eventfd(&ring_, event_fd);
  if (answer < 0) return error(Errc::io_error, describe("io_uring_register_eventfd", answer));
  await_events();
  return {};
}

std::optional<int> UringLoop::pinned_region(const std::byte* memory) {
  const auto region = Buffer::region_of(memory);
  if (!region) return std::nullopt;
  Pinning& pinning = regions_[*region];
  if (pinning == Pinning::untried) pinning = pin(*region) ? Pinning::pinned : Pinning::refused;
  return pinning == Pinning::pinned ? std::optional(static_cast<int>(*region)) : std::nullopt;
}

bool UringLoop::pin(std::size_t region) {
  const MutableBytes memory = Buffer::region(region);
  const iovec pages{memory.data(), memory.size()};
  const int answer = io_uring_register_buffers_update_tag(&ring_, static_cast<unsigned>(region), &pages, nullptr, 1);
  if (answer == 1) return true;
  // Mostly ENOMEM, the limit of locked memory: nothing is wrong but some CPU time.
  log::info("{}: reads and writes will look for their pages each time", describe("io_uring_register_buffers", answer));
  return false;
}

void UringLoop::prepare_read(io_uring_sqe* sqe, int file, MutableBytes into, std::uint64_t offset_bytes) {
  const auto bytes = static_cast<unsigned>(into.size());
  if (const auto region = pinned_region(into.data())) {
    io_uring_prep_read_fixed(sqe, file, into.data(), bytes, offset_bytes, *region);
  } else {
    io_uring_prep_read(sqe, file, into.data(), bytes, offset_bytes);
  }
}

void UringLoop::prepare_write(io_uring_sqe* sqe, int file, ByteView bytes, std::uint64_t offset_bytes) {
  const auto size = static_cast<unsigned>(bytes.size());
  if (const auto region = pinned_region(bytes.data())) {
    io_uring_prep_write_fixed(sqe, file, bytes.data(), size, offset_bytes, *region);
  } else {
    io_uring_prep_write(sqe, file, bytes.data(), size, offset_bytes);
  }
}

io_uring_sqe* UringLoop::next_entry() {
  io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
  while (sqe == nullptr) {
    submit();
    sqe = io_uring_get_sqe(&ring_);
  }
  if (!submit_scheduled_) {
    submit_scheduled_ = true;
    boost::asio::post(context_, [this] {
      submit_scheduled_ = false;
      submit();
    });
  }
  return sqe;
}

void UringLoop::submit() {
  while (io_uring_sq_ready(&ring_) > 0) {
    const int answer = io_uring_submit(&ring_);
    if (answer == -EINTR) continue;
    if (answer == -EAGAIN || answer == -EBUSY) {
      // The kernel is short of memory or completions have piled up: it takes more when those are gone. Handlers must
      // not run inside a caller that is queueing, so this only makes room.
      io_uring_get_events(&ring_);
      continue;
    }
    if (answer < 0) {
      log::error("{}", describe("io_uring_submit", answer));
      FIRN_ASSERT(answer >= 0);
    }
  }
}

void UringLoop::await_events() {
  events_.async_read_some(boost::asio::buffer(&event_count_, sizeof event_count_),
                          [this](const boost::system::error_code& failure, std::size_t) {
                            if (failure == boost::asio::error::operation_aborted) return;
                            reap();
                            await_events();
                          });
}

void UringLoop::reap() {
  io_uring_get_events(&ring_);
  struct Answer {
    Completion* completion;
    std::int32_t result;
  };
  std::array<io_uring_cqe*, kReapBatch> entries;
  std::array<Answer, kReapBatch> answers;
  for (;;) {
    const unsigned count = io_uring_peek_batch_cqe(&ring_, entries.data(), kReapBatch);
    if (count == 0) return;
    for (unsigned i = 0; i < count; ++i) {
      answers[i] = {static_cast<Completion*>(io_uring_cqe_get_data(entries[i])), entries[i]->res};
    }
    // Given back before anybody is resumed: a resumed coroutine queues its next request here.
    io_uring_cq_advance(&ring_, count);
    for (unsigned i = 0; i < count; ++i) answers[i].completion->complete(answers[i].result);
  }
}

}  // namespace firn::volume
