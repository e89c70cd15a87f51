// SPDX-License-Identifier: MIT
#include "ledger/sqlite/checkpoint.h"

#include <sqlite3.h>

namespace cr::ledger {
namespace {

int note_frames(void* frames, sqlite3* /*db*/, const char* /*name*/, int in_log) {
  *static_cast<int*>(frames) = in_log;
  return SQLITE_OK;
}

}  // namespace

Checkpoint::Checkpoint(sqlite::Database& db) : db_(&db) {
  sqlite3_wal_hook(db.raw(), note_frames, &frames_);  // takes the place of SQLite's own automatic checkpoint
}

Checkpoint::~Checkpoint() {
  sqlite3_wal_hook(db_->raw(), nullptr, nullptr);
}

base::Result<void> Checkpoint::run() {
  int in_log = 0;
  int moved = 0;
  const int result = sqlite3_wal_checkpoint_v2(db_->raw(), "main", SQLITE_CHECKPOINT_PASSIVE, &in_log, &moved);
  frames_ = 0;
  // What a reader kept back stays in a log that goes on growing: not to be tried at each commit.
  kept_ = moved < in_log ? in_log : 0;
  if (result == SQLITE_OK || result == SQLITE_BUSY) return {};
  return tl::unexpected(sqlite::error_of(db_->raw(), "checkpoint"));
}

void Checkpoint::forbid_at_close(sqlite::Database& db) {
  sqlite3_db_config(db.raw(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

bool is_sync_failure(const sqlite::Database& db) {
  const int code = db.extended_error();
  return code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC;
}

}  // namespace cr::ledger
