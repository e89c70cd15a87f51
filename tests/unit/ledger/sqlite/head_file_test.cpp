// SPDX-License-Identifier: MIT
#include "ledger/sqlite/head_file.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "unit/ledger/ledger_fixture.h"

namespace cr::ledger {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class HeadFile : public LedgerFixture {
 protected:
  static Head sample() {
    return {.store_id = "00112233445566778899aabbccddeeff",
            .seq = 57,
            .at = base::from_unix_ms(1'796'000'000'123),
            .tokens = 3,
            .audit_seq = 12,
            .audit_chain = std::string(64, 'c'),
            .settings = std::string(64, 'd'),
            .pruned_before = base::from_unix_ms(1'790'000'000'000),
            .overrun = dollars(2),
            .newest = std::string(32, 'e')};
  }
  std::string path() const { return (folder_ / "head").string(); }
  token::Vault vault_ = vault_of();
};

TEST_F(HeadFile, is_one_line_that_reads_as_it_was_written) {
  const std::string text = to_text(sample(), vault_);
  EXPECT_LE(text.size(), 512U);
  EXPECT_EQ(text.find('\n'), text.size() - 1);
  const auto read = parse_head(text, vault_);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, sample());
}

TEST_F(HeadFile, of_no_audit_yet_too) {
  Head head = sample();
  head.audit_seq = 0;
  head.audit_chain.clear();
  const auto read = parse_head(to_text(head, vault_), vault_);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, head);
}

TEST_F(HeadFile, cut_or_altered_at_any_byte_is_refused) {
  const std::string text = to_text(sample(), vault_);
  for (std::size_t at = 0; at < text.size(); ++at) {
    EXPECT_FALSE(parse_head(text.substr(0, at), vault_)) << at;
    std::string altered = text;
    altered[at] = static_cast<char>(altered[at] ^ 1);
    EXPECT_FALSE(parse_head(altered, vault_)) << at;
    EXPECT_FALSE(parse_head(text.substr(0, at) + '0' + text.substr(at), vault_)) << at;
  }
  EXPECT_FALSE(parse_head(text + text, vault_));
  EXPECT_FALSE(parse_head("", vault_));
}

TEST_F(HeadFile, of_another_master_key_is_named_as_such) {
  const auto read = parse_head(to_text(sample(), vault_), vault_of('b'));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, base::ErrorCode::corrupt);
  EXPECT_THAT(read.error().message, HasSubstr("another master key"));
}

TEST_F(HeadFile, is_saved_whole_for_the_owner_alone_and_replaced) {
  const auto none = load_head(path(), vault_);
  ASSERT_TRUE(none);
  EXPECT_FALSE(*none);
  ASSERT_TRUE(save_head(path(), sample(), vault_));
  Head later = sample();
  later.seq = 58;
  ASSERT_TRUE(save_head(path(), later, vault_));
  const auto read = load_head(path(), vault_);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, later);
  EXPECT_FALSE(fs::exists(path() + ".new"));
  struct stat status {};
  ASSERT_EQ(stat(path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST_F(HeadFile, a_link_and_what_cannot_be_made_are_named) {
  fs::create_symlink(folder_ / "elsewhere", path());
  const auto linked = load_head(path(), vault_);
  ASSERT_FALSE(linked);
  EXPECT_EQ(linked.error().code, base::ErrorCode::unavailable);
  EXPECT_THAT(linked.error().message, HasSubstr(path()));
  const std::string nowhere = (folder_ / "no" / "folder" / "head").string();
  const auto saved = save_head(nowhere, sample(), vault_);
  ASSERT_FALSE(saved);
  EXPECT_THAT(saved.error().message, HasSubstr(nowhere));
  EXPECT_THAT(saved.error().hint, HasSubstr("[store] head"));
  EXPECT_FALSE(make_head_folder(nowhere));
  ASSERT_TRUE(make_head_folder((folder_ / "new" / "head").string()));
  ASSERT_TRUE(make_head_folder((folder_ / "new" / "head").string())) << "again";
  ASSERT_TRUE(save_head((folder_ / "new" / "head").string(), sample(), vault_));
}

}  // namespace
}  // namespace cr::ledger
