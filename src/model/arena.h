// Memory for the matrices of a pass, handed out in order and taken back as a whole.
//
// Passes of training are alike: what one of them needed is there for the next, without asking the
// system for pages again, which costs as much as the arithmetic of a small layer.
#pragma once

#include <vector>

#include "ops/backend.h"

namespace cajal {

/// Not for use by two threads at once.
class Arena {
 public:
  /// `backend` must outlive the object.
  explicit Arena(Backend& backend) : backend_(&backend) {}

  /// Not initialised. Valid until it is released. Throws ResourceExhausted.
  MatRef make(std::size_t rows, std::size_t cols, DType dtype);
  /// Of the backend's activation type.
  MatRef make(std::size_t rows, std::size_t cols) {
    return make(rows, cols, backend_->activation_dtype());
  }

  struct Mark {
    std::size_t chunk = 0;
    std::size_t used = 0;
  };
  Mark mark() const noexcept { return {chunk_, used_}; }
  /// Takes back all that was made since. The memory is kept.
  void release(Mark mark) noexcept {
    chunk_ = mark.chunk;
    used_ = mark.used;
  }
  /// Takes back everything and joins the memory into one piece.
  void clear();

 private:
  struct Chunk {
    Buffer buffer;
    std::size_t size = 0;
  };
  void add_chunk(std::size_t bytes);

  Backend* backend_;
  std::vector<Chunk> chunks_;
  std::size_t chunk_ = 0;  // the one being handed out; chunks_.size() if there is none
  std::size_t used_ = 0;   // bytes of it
};

/// Takes back what was made since its construction.
class ArenaScope {
 public:
  explicit ArenaScope(Arena& arena) : arena_(arena), mark_(arena.mark()) {}
  ArenaScope(const ArenaScope&) = delete;
  ArenaScope& operator=(const ArenaScope&) = delete;
  ~ArenaScope() { arena_.release(mark_); }

 private:
  Arena& arena_;
  Arena::Mark mark_;
};

}  // namespace cajal
