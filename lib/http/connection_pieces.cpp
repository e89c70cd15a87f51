// SPDX-License-Identifier: MIT
// Connection, bodies in pieces: for one that is passed on while it comes, through one buffer whatever its size.
#include <algorithm>
#include <cstring>

#include "http/body_pieces.h"
#include "http/connection.h"

namespace cr::http {

namespace {

// A steady client may take as long as its body does at this rate, and body_timeout on top: the deadline of all of the
// body would cut a large one, and a deadline for each read alone would let one byte a minute hold a connection.
constexpr std::uint64_t k_bytes_per_second_min = 16 * 1024;

}  // namespace

// Many small chunks leave as one piece.
bool BodyPieces::decode(std::string& after, std::string_view& piece) {
  std::string_view raw(buffer.get(), filled);
  std::size_t size = 0;
  while (!raw.empty() && !ended) {
    const auto step = decoder.step(raw);
    raw.remove_prefix(step.consumed);
    if (step.state == ChunkState::refused) return false;
    ended = step.state == ChunkState::done;
    if (step.state != ChunkState::data) continue;
    std::memmove(buffer.get() + size, step.data.data(), step.data.size());
    size += step.data.size();
  }
  after.assign(raw);
  piece = {buffer.get(), size};
  return true;
}

void Connection::begin_pieces(const RequestHead& head) {
  pieces_ = std::make_unique<BodyPieces>();
  pieces_->chunked = head.chunked;
  pieces_->left = head.content_length.value_or(0);
  pieces_->ended = !head.chunked && pieces_->left == 0;
  body_.clear();
}

bool Connection::pieces_ended() const {
  return pieces_->ended;
}

Task<ReadOutcome> Connection::read_piece(std::string_view& piece) {
  BodyPieces& pieces = *pieces_;
  piece = {};
  while (piece.empty() && !pieces.ended) {
    const auto most =
        static_cast<std::size_t>(pieces.chunked ? BodyPieces::k_piece_bytes_max
                                                : std::min<std::uint64_t>(BodyPieces::k_piece_bytes_max, pieces.left));
    pieces.filled = std::min(most, end_ - begin_ - consumed_);
    if (pieces.filled > 0) {  // came with the head
      std::memcpy(pieces.buffer.get(), buffer_.get() + begin_ + consumed_, pieces.filled);
      consumed_ += pieces.filled;
    } else {
      const auto outcome = co_await fill_piece(most);
      if (outcome != ReadOutcome::ok) co_return outcome;
    }
    pieces.received += pieces.filled;
    if (pieces.chunked) {
      if (!pieces.decode(pipelined_, piece)) co_return ReadOutcome::refused;
    } else {
      piece = {pieces.buffer.get(), pieces.filled};
      pieces.left -= pieces.filled;
      pieces.ended = pieces.left == 0;
    }
  }
  co_return ReadOutcome::ok;
}

Task<ReadOutcome> Connection::fill_piece(std::size_t most) {
  BodyPieces& pieces = *pieces_;
  const auto earned = std::chrono::milliseconds(pieces.received * 1000 / k_bytes_per_second_min);
  const auto left = limits_->body_timeout + earned - pieces.waited;
  timed_out_ = false;
  const auto began = base::coarse_now();
  watch_.expire_after(std::clamp(left, std::chrono::milliseconds(0), limits_->body_timeout));
  const auto outcome = co_await read_into(pieces.buffer.get(), most, pieces.filled);
  watch_.disarm();
  // Only its own time counts against a client: not what the upstream took to read.
  pieces.waited += std::chrono::duration_cast<std::chrono::milliseconds>(base::coarse_now() - began);
  co_return outcome;
}

void Connection::hold(std::string_view piece) {
  body_.append(piece);
  body_view_ = body_;
}

void Connection::drop_body() {
  std::string().swap(body_);
  body_view_ = {};
}

void Connection::cancel_read() {
  ErrorCode ignored;
  socket_.cancel(ignored);
}

}  // namespace cr::http
