#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "piece.h"

namespace firn::volume {

/// Cuts extent parts into pieces, has the next few read, and yields them in order.
class PieceReader final : public ExtentReader {
 public:
  PieceReader(std::shared_ptr<Core> core, std::vector<ExtentPart> parts);

  Task<ByteView> next() override;

 private:
  struct Plan {
    Extent extent;
    RecordKey key;
    ByteRange range;  // In the chunk.
  };
  struct Ahead {
    Admission::Reservation memory;  // Before the piece: it is given back after the piece's memory.
    Piece piece;
  };
  /// The piece that begins where the last one ended; `part_` must have bytes left.
  Result<Plan> next_piece() const;
  void plan_ahead();
  /// The piece's bytes are there, read or rebuilt.
  Task<> arrival(Piece& piece);
  /// A share of the read budget for the piece, which is shortened when there is none for the first. Nothing when it has
  /// to wait for those before it.
  std::optional<Admission::Reservation> admit(Plan& plan);

  std::shared_ptr<Core> core_;
  const std::vector<ExtentPart> parts_;
  std::size_t part_ = 0;           // The next piece's part,
  std::uint64_t part_offset_ = 0;  // and how much of its range lies before that piece.

  std::deque<Ahead> pieces_;       // In order; the front one is the caller's while handed_over_.
  std::uint64_t ahead_bytes_ = 0;  // Memory of pieces_.
  std::uint64_t window_bytes_ = 0;
  bool handed_over_ = false;
  std::optional<Error> plan_failure_;
  LiveReads live_;
  std::shared_ptr<Event> done_ = std::make_shared<Event>();  // Shared with reads that outlive the reader.
};

}  // namespace firn::volume
