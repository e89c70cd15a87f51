// SPDX-License-Identifier: MIT
// DirectoryDraft: the directory that changes of the running transaction edit, and the one that was published. Ledger
// thread only.
#pragma once

#include <memory>
#include <utility>

#include "ledger/core/directory_builder.h"

namespace cr::ledger {

class DirectoryDraft {
 public:
  // The draft is what has just been published; both outlive this.
  DirectoryDraft(Directory::Impl& draft, DirectoryFeed& feed) : draft_(draft), feed_(feed), published_(draft) {}

  void look() { changed_ = !(draft_ == published_); }  // once all changes of a transaction have run
  void committed() {
    if (!std::exchange(changed_, false)) return;
    published_ = draft_;
    feed_.publish(std::make_shared<const Directory>(std::make_shared<const Directory::Impl>(published_)));
  }
  void rolled_back() {
    draft_ = published_;
    changed_ = false;
  }

 private:
  Directory::Impl& draft_;
  DirectoryFeed& feed_;
  Directory::Impl published_;
  bool changed_ = false;
};

}  // namespace cr::ledger
