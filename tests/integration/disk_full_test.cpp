// SPDX-License-Identifier: MIT
// A disk without room: new requests are told so, running ones finish, and it goes on by itself once there is room.
// On a file system of two megabytes, which only root can mount: skipped otherwise.
#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "integration/gateway.h"

namespace cr::test {
namespace {

class TinyDisk {
 public:
  TinyDisk() {
    mounted_ = ::mount("tmpfs", folder_.path().c_str(), "tmpfs", MS_NODEV | MS_NOSUID, "size=2m,mode=0700") == 0;
    if (!mounted_) why_not_ = std::string("cannot mount a tmpfs: ") + std::strerror(errno);
  }
  ~TinyDisk() {
    if (mounted_) ::umount2(folder_.path().c_str(), MNT_DETACH);
  }
  TinyDisk(const TinyDisk&) = delete;
  TinyDisk& operator=(const TinyDisk&) = delete;
  const std::string& why_not() const { return why_not_; }  // empty: it is there
  std::string path() const { return folder_.path().string(); }

  void fill() {
    const int fd = ::open(filler().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    const std::string page(4096, 'x');
    while (::write(fd, page.data(), page.size()) > 0) continue;
    ::close(fd);
  }
  void make_room() { ::unlink(filler().c_str()); }
  void grow() { ASSERT_EQ(::mount("tmpfs", path().c_str(), "tmpfs", MS_REMOUNT, "size=64m"), 0); }

 private:
  std::string filler() const { return folder_ / "filler"; }
  TempDir folder_;
  bool mounted_ = false;
  std::string why_not_;
};

class DiskFull : public testing::Test {
 protected:
  void SetUp() override {
    if (!disk_.why_not().empty()) GTEST_SKIP() << disk_.why_not();
    DaemonOptions options;
    options.state_dir = disk_.path();
    gateway_ = std::make_unique<Gateway>(options);
    key_ = gateway_->token("t", {"--quota", "100"});
  }
  HttpAnswer post_until(int status) {
    const auto until = std::chrono::steady_clock::now() + k_deadline;
    HttpAnswer answer;
    do {
      answer = gateway_->post(key_, chat());
      sent_ += answer.status == 200 ? 1 : 0;
    } while (answer.status != status && std::chrono::steady_clock::now() < until);
    return answer;
  }

  TinyDisk disk_;
  std::unique_ptr<Gateway> gateway_;
  std::string key_;
  int sent_ = 0;
};

TEST_F(DiskFull, RefusesFinishesAndGoesOn) {
  gateway_->upstream.close_gate(2);
  RawClient running(gateway_->daemon.port());
  running.send(raw_request("POST", "/v1/chat/completions", key_, chat("fake-a", {{"stream", true}}).dump()));
  const auto head = running.read_head();
  ASSERT_TRUE(head);
  ASSERT_TRUE(running.read_event(*head));
  disk_.fill();
  const auto refused = post_until(503);  // the log may have had some room in it
  ASSERT_EQ(refused.status, 503);
  EXPECT_EQ(error_code(refused), "unavailable");
  EXPECT_NE(refused.header("retry-after"), "");
  const auto arrived = gateway_->arrived();
  EXPECT_EQ(gateway_->post(key_, chat()).status, 503);
  EXPECT_EQ(gateway_->arrived(), arrived);

  gateway_->upstream.open_gate();
  while (running.read_event(*head)) continue;
  EXPECT_TRUE(running.clean_end());
  EXPECT_EQ(gateway_->post(key_, chat()).status, 503);

  disk_.make_room();
  // The line alone does not tell: a probe may have said it before, of the last room that there was.
  ASSERT_TRUE(gateway_->daemon.process().wait_for_line(Stream::err, "the store can commit again"));
  ASSERT_EQ(post_until(200).status, 200);
  EXPECT_EQ(gateway_->posted("t"), (sent_ + 1) * 50'000);
  check_witness(*gateway_, Run::clean);
  check_books(gateway_->daemon);
}

// Its own log takes the room, too: some megabytes that the next idle second would have given back.
TEST_F(DiskFull, GoesOnWhereItsOwnLogHasFilledIt) {
  ASSERT_EQ(post_until(503).status, 503);
  disk_.grow();
  ASSERT_EQ(post_until(200).status, 200);
  EXPECT_EQ(gateway_->posted("t"), sent_ * 50'000);
  check_witness(*gateway_, Run::clean);
  check_books(gateway_->daemon);
}

// A recovery that cannot be written is no start: the reservation is still there for the next one.
TEST_F(DiskFull, RefusesToStartUntilItCanRecover) {
  gateway_->upstream.close_gate();
  RawClient lost(gateway_->daemon.port());
  lost.send(raw_request("POST", "/v1/chat/completions", key_, chat("fake-a", {{"max_tokens", 100}}).dump()));
  gateway_->upstream.wait_for("held", 1);
  gateway_->daemon.kill9();
  disk_.fill();
  std::string why;
  try {
    gateway_->daemon.start();
  } catch (const std::exception& error) {
    why = error.what();
  }
  EXPECT_THAT(why, testing::AllOf(testing::HasSubstr("exit 1"), testing::HasSubstr(gateway_->daemon.ledger())));
  disk_.make_room();
  gateway_->daemon.start();
  EXPECT_EQ(gateway_->daemon.sql_value("SELECT count(*) FROM request WHERE ending = 6 AND posted = held"), "1");
  gateway_->upstream.open_gate();
  EXPECT_EQ(gateway_->post(key_, chat()).status, 200);
  check_witness(*gateway_, Run::with_faults);
  check_books(gateway_->daemon);
}

}  // namespace
}  // namespace cr::test
