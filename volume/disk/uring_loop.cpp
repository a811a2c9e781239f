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

  const int event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (event_fd < 0) return error(Errc::io_error, describe("eventfd", -errno));
  events_.assign(event_fd);
  answer = io_uring_register_eventfd(&ring_, event_fd);
  if (answer < 0) return error(Errc::io_error, describe("io_uring_register_eventfd", answer));
  await_events();
  return {};
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
