// SPDX-License-Identifier: MIT
#include "support/crash_point.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <stdexcept>

#include "support/crash_control.h"
#include "support/process.h"

namespace cr::test {

std::string CrashPoint::to_string() const {
  const std::string name = call == Call::write ? "write" : call == Call::sync ? "sync" : "commit";
  return (when == When::before ? "before " : "after ") + name + ' ' + std::to_string(at);
}

CrashFile::CrashFile(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || ::ftruncate(fd, sizeof(crash_control)) != 0) throw std::runtime_error("cannot make " + path);
  void* mapped = ::mmap(nullptr, sizeof(crash_control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  if (mapped == MAP_FAILED) throw std::runtime_error("cannot map " + path);
  control_ = static_cast<crash_control*>(mapped);
}

CrashFile::~CrashFile() {
  ::munmap(control_, sizeof(crash_control));
}

void CrashFile::arm(const CrashPoint& point) {
  control_->left = 0;
  control_->call = point.call == CrashPoint::Call::write  ? CRASH_WRITE
                   : point.call == CrashPoint::Call::sync ? CRASH_SYNC
                                                          : CRASH_COMMIT;
  control_->effect = point.effect == CrashPoint::Effect::kill   ? CRASH_KILL
                     : point.effect == CrashPoint::Effect::fail ? CRASH_FAIL
                                                                : CRASH_HANG;
  control_->error = point.error;
  control_->met = 0;
  control_->open = 0;
  control_->when = point.when == CrashPoint::When::before ? CRASH_BEFORE : CRASH_AFTER;
  control_->left = point.at;
}

void CrashFile::disarm() {
  control_->left = 0;
  control_->open = 1;
  ::syscall(SYS_futex, &control_->open, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

void CrashFile::wait_met() {
  const timespec deadline{k_deadline.count(), 0};
  while (control_->met == 0) {
    const auto waited = ::syscall(SYS_futex, &control_->met, FUTEX_WAIT, 0, &deadline, nullptr, 0);
    if (waited != 0 && errno == ETIMEDOUT) throw std::runtime_error("the store was not used as expected");
  }
}

bool CrashFile::armed() const {
  return control_->left > 0;
}

}  // namespace cr::test
