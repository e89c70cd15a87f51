// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <fstream>

#include "sqlite/database.h"
#include "unit/ledger/ledger_fixture.h"

namespace cr::ledger {
namespace {

using base::ErrorCode;
using testing::HasSubstr;
namespace fs = std::filesystem;

class Recovery : public LedgerFixture {
 protected:
  // What a power cut would leave: the file and its log as they are, under another name.
  std::string copy_as(const std::string& name) {
    std::string target = (folder_ / name).string();
    for (const char* part : {"", "-wal"}) {
      if (fs::exists(options_.path + part)) {
        fs::copy_file(options_.path + part, target + part, fs::copy_options::overwrite_existing);
      }
    }
    return target;
  }
  void open_copy(const std::string& name) {
    const std::string copy = copy_as(name);
    ledger_.reset();
    options_.path = copy;
    open();
  }
  void overwrite(const std::string& path, std::streamoff at, const std::string& bytes) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(at);
    file << bytes;
  }
  void expect_refused(ErrorCode code, const std::string& words, char master = 'a') {
    const auto opened = try_open(options_.path, master);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, code) << opened.error().message;
    EXPECT_THAT(opened.error().message, HasSubstr(options_.path));
    EXPECT_THAT(opened.error().message, HasSubstr(words));
  }
  void execute(const char* sql) {
    auto db = sqlite::Database::open(options_.path, {});
    ASSERT_TRUE(db);
    const auto done = db->execute(sql);
    ASSERT_TRUE(done) << done.error().message;
  }
};

TEST_F(Recovery, open_reservations_are_posted_whole_and_flagged) {
  open();
  create_account("team", dollars(100));
  const IssuedKey one = create_token("one", dollars(10), "team");
  const IssuedKey two = create_token("two", std::nullopt, "team");
  ReserveOp settled = reservation(one, dollars(3));
  ReserveOp open_one = reservation(one, dollars(2));
  ReserveOp open_again = reservation(one, dollars(1));
  ReserveOp open_two = reservation(two, dollars(7));
  for (ReserveOp* op : {&settled, &open_one, &open_again, &open_two}) {
    reserve(*op);
    ASSERT_EQ(op->outcome, ReserveOutcome::reserved);
  }
  ledger_->settle(settlement(settled, dollars(1)));
  ASSERT_TRUE(ledger_->flush());

  open_copy("after-crash.db");
  EXPECT_EQ(balance(one.token->id).token_balance.posted, dollars(4));
  EXPECT_EQ(balance(one.token->id).token_balance.reserved, Credits());
  EXPECT_EQ(balance(two.token->id).token_balance.posted, dollars(7));
  EXPECT_EQ(balance(two.token->id).account_balance.posted, dollars(11));
  EXPECT_EQ(balance(two.token->id).account_balance.reserved, Credits());
  const auto row = read([&](Reports& reports) { return reports.request(open_one.facts.id); });
  ASSERT_TRUE(row);
  EXPECT_FALSE(row->open);
  EXPECT_EQ(row->settlement.ending, Ending::in_doubt);
  EXPECT_EQ(row->settlement.flags, std::uint32_t{k_in_doubt});
  EXPECT_EQ(row->booking.posted, dollars(2));
  EXPECT_EQ(row->token_name, "one");
  EXPECT_EQ(row->settlement.facts.model, "gpt-4o-mini");
  const auto whole = read([&](Reports& reports) { return reports.request(settled.facts.id); });
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->booking.posted, dollars(1));
  expect_sound();

  // The ending that the crash cut off comes too late and changes nothing.
  ledger_->settle(settlement(open_one, dollars(1)));
  EXPECT_EQ(balance(one.token->id).token_balance.posted, dollars(4));
  EXPECT_EQ(ledger_->counters().settlements_repeated, 1U);
  open();  // nothing more to recover
  EXPECT_EQ(balance(one.token->id).token_balance.posted, dollars(4));
  expect_sound();
}

// A stream's connection was closed with crd's process, if the kernel went on: by then so much can have been made.
TEST_F(Recovery, an_open_stream_is_posted_with_what_can_have_been_made) {
  open();
  create_account("team", dollars(100));
  const IssuedKey token = create_token("ci", dollars(50), "team");
  const auto stream = [&](Credits amount, UnseenCost unseen) {
    ReserveOp op = reservation(token, amount);
    op.facts.stream = true;
    op.unseen = unseen;
    reserve(op);
    return op.facts.id;
  };
  const auto short_one = stream(dollars(9), {dollars(1), Credits::from_nano(1)});
  const auto bounded = stream(dollars(2), {dollars(1), dollars(3000)});
  const auto endless = stream(dollars(3), {Credits::max(), Credits::max()});
  const auto lost = stream(dollars(5), {dollars(1), Credits::from_nano(1)});
  ReserveOp note;
  note.facts.id = lost;
  for (const std::int64_t cost : {1, 2}) {
    note.lost = dollars(cost);
    reserve(note);
    EXPECT_EQ(note.outcome, ReserveOutcome::reserved);
    EXPECT_EQ(note.amount, Credits());
  }
  ReserveOp plain = reservation(token, dollars(4));
  reserve(plain);
  const auto posted = [&](const RequestId& id) {
    const auto row = read([&](Reports& reports) { return reports.request(id); });
    EXPECT_TRUE(row);
    EXPECT_EQ(row->settlement.ending, Ending::in_doubt);
    return row->booking.posted;
  };

  open_copy("after-crash.db");
  // The seconds that this test takes are nano-dollars.
  EXPECT_GE(posted(short_one), dollars(1));
  EXPECT_LT(posted(short_one), dollars(1) + Credits::from_nano(1000));
  EXPECT_GE(posted(lost), dollars(3));
  EXPECT_LT(posted(lost), dollars(3) + Credits::from_nano(1000));
  EXPECT_EQ(posted(endless), dollars(3));
  EXPECT_LE(posted(bounded), dollars(2));
  EXPECT_EQ(posted(plain.facts.id), dollars(4));
  EXPECT_EQ(balance(token.token->id).token_balance.reserved, Credits());
  EXPECT_EQ(balance(token.token->id).account_balance.posted, balance(token.token->id).token_balance.posted);
  expect_sound();
}

// Another kernel or network: nothing closed the connections of then.
TEST_F(Recovery, after_a_power_cut_a_stream_is_posted_whole) {
  for (const char* boot : {"UPDATE meta SET value = 'another' WHERE key = 'boot'",
                           "DELETE FROM meta WHERE key = 'boot'", "UPDATE meta SET value = '' WHERE key = 'boot'"}) {
    open();
    const IssuedKey token = create_token("ci", dollars(50));
    ReserveOp op = reservation(token, dollars(9));
    op.facts.stream = true;
    op.unseen = {dollars(1), Credits::from_nano(1)};
    reserve(op);
    const std::string crashed = options_.path;
    const std::string copy = copy_as("after-power-cut.db");
    ledger_.reset();
    options_.path = copy;
    execute(boot);
    open();
    EXPECT_EQ(balance(token.token->id).token_balance.posted, dollars(9)) << boot;
    expect_sound();
    ledger_.reset();
    for (const char* part : {"", "-wal", "-shm"}) {
      fs::remove(copy + part);
      fs::remove(crashed + part);
    }
    options_.path = crashed;
  }
}

TEST_F(Recovery, what_was_lost_is_forgotten_with_its_request) {
  open();
  const IssuedKey token = create_token("ci", dollars(50));
  ReserveOp op = reservation(token, dollars(9));
  op.facts.stream = true;
  op.unseen = {dollars(1), dollars(1)};
  reserve(op);
  ReserveOp note;
  note.facts.id = op.facts.id;
  note.lost = dollars(2);
  reserve(note);
  EXPECT_EQ(*database().query_int("SELECT count(*) FROM lost_attempt"), 1);
  ledger_->settle(settlement(op, dollars(3)));
  ASSERT_TRUE(ledger_->flush());
  EXPECT_EQ(*database().query_int("SELECT count(*) FROM lost_attempt"), 0);
  EXPECT_EQ(balance(token.token->id).token_balance.posted, dollars(3));
  reserve(note);
  EXPECT_EQ(note.outcome, ReserveOutcome::gone) << "it is over";
  expect_sound();
}

TEST_F(Recovery, what_was_not_committed_is_absent) {
  open();
  const IssuedKey token = create_token("ci", dollars(10));
  ReserveOp op = reservation(token, dollars(2));
  reserve(op);
  const std::string copy = copy_as("torn.db");
  // The last frame of the log is torn: its transaction never was.
  fs::resize_file(copy + "-wal", fs::file_size(copy + "-wal") - 100);
  ledger_.reset();
  options_.path = copy;
  open();
  EXPECT_EQ(balance(token.token->id).token_balance.posted, Credits());
  expect_sound();
}

TEST_F(Recovery, second_daemon_is_refused_and_told_who_has_it) {
  open();
  expect_refused(ErrorCode::unavailable, "another crd (pid " + std::to_string(getpid()) + ") uses it");
  ledger_.reset();
  open();
}

TEST_F(Recovery, wrong_master_key_is_refused) {
  open();
  ledger_.reset();
  expect_refused(ErrorCode::invalid, "master.key is not the one that this store was made with", 'b');
  open();
}

TEST_F(Recovery, newer_store_is_refused) {
  open();
  ledger_.reset();
  execute("PRAGMA user_version = 99");
  expect_refused(ErrorCode::invalid, "written by a newer crd");
}

TEST_F(Recovery, file_that_is_no_database_is_refused_and_kept) {
  const std::string words(8192, 'x');
  std::ofstream(options_.path) << words;
  expect_refused(ErrorCode::corrupt, "not a database");
  EXPECT_EQ(fs::file_size(options_.path), words.size());
}

TEST_F(Recovery, empty_file_is_refused_and_kept) {
  std::ofstream(options_.path).close();
  expect_refused(ErrorCode::corrupt, "the file is empty");
  EXPECT_EQ(fs::file_size(options_.path), 0U);
}

TEST_F(Recovery, somebody_elses_database_is_refused) {
  execute("CREATE TABLE t (a)");
  expect_refused(ErrorCode::corrupt, "not one of crd's");
}

TEST_F(Recovery, missing_table_is_refused) {
  open();
  ledger_.reset();
  execute("DROP TABLE reservation_batch");
  expect_refused(ErrorCode::corrupt, "its table 'reservation_batch' is missing");
}

TEST_F(Recovery, token_without_its_balance_is_refused) {
  open();
  create_token("kept", dollars(10));
  create_token("ci", dollars(10));
  ledger_.reset();
  execute("DELETE FROM token_balance WHERE token_id = (SELECT id FROM token WHERE name = 'ci')");
  expect_refused(ErrorCode::corrupt, "token 'ci': its balance is missing");
}

TEST_F(Recovery, token_without_its_account_is_refused) {
  open();
  create_token("ci", dollars(10));
  ledger_.reset();
  execute("PRAGMA foreign_keys = OFF; UPDATE token SET account_id = 99");
  expect_refused(ErrorCode::corrupt, "token 'ci': its account is missing");
}

TEST_F(Recovery, every_page_that_is_overwritten_is_noticed) {
  open();
  create_token("ci", dollars(10));
  ledger_.reset();
  const auto pages = static_cast<std::streamoff>(fs::file_size(options_.path) / 4096);
  const std::string whole = options_.path;
  for (std::streamoff page = 1; page < pages; ++page) {
    options_.path = copy_as("damaged.db");
    overwrite(options_.path, page * 4096, std::string(4096, '\xA5'));
    const auto opened = try_open(options_.path);
    EXPECT_FALSE(opened) << "page " << page;
    if (!opened) {
      EXPECT_EQ(opened.error().code, ErrorCode::corrupt) << page << ": " << opened.error().message;
    }
    if (!opened) {
      EXPECT_THAT(opened.error().message, HasSubstr(options_.path));
    }
    options_.path = whole;
  }
}

TEST_F(Recovery, missing_file_with_its_log_there_is_refused) {
  open();
  create_token("ci", dollars(10));
  const std::string copy = copy_as("lost.db");
  ledger_.reset();  // whose folder it is
  fs::remove(copy);
  options_.path = copy;
  expect_refused(ErrorCode::corrupt, "the file is missing, but its log");
  EXPECT_FALSE(fs::exists(copy));
}

TEST_F(Recovery, missing_folder_and_a_folder_for_a_file_are_named) {
  options_.path = (folder_ / "no" / "crd.db").string();
  expect_refused(ErrorCode::unavailable, "No such file or directory");
  options_.path = (folder_ / "dir.db").string();
  fs::create_directory(options_.path);
  expect_refused(ErrorCode::invalid, "not a regular file");
}

TEST_F(Recovery, start_that_was_cut_short_leaves_nothing_in_the_way) {
  std::ofstream(options_.path + ".new") << "half a store";
  open();
  EXPECT_FALSE(fs::exists(options_.path + ".new"));
  create_token("ci", dollars(10));
}

TEST_F(Recovery, files_are_for_the_owner_alone) {
  open();
  create_token("ci", dollars(10));
  for (const char* part : {"", "-wal", "-shm", ".lock"}) {
    const auto mode = fs::status(options_.path + part).permissions();
    EXPECT_EQ(mode, fs::perms::owner_read | fs::perms::owner_write) << part;
  }
  ledger_.reset();
  fs::permissions(options_.path, fs::perms::group_read | fs::perms::others_read, fs::perm_options::add);
  expect_refused(ErrorCode::invalid, "can be read or written by others");
}

TEST_F(Recovery, lock_of_a_stranger_is_waited_for_and_named) {
  open();
  ledger_.reset();
  auto stranger = sqlite::Database::open(options_.path, {});
  ASSERT_TRUE(stranger);
  ASSERT_TRUE(stranger->execute("BEGIN IMMEDIATE"));
  expect_refused(ErrorCode::unavailable, "locked");
}

}  // namespace
}  // namespace cr::ledger
