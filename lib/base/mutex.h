// SPDX-License-Identifier: MIT
// Mutex and MutexLock: std::mutex with the annotations of clang's thread safety analysis, which libstdc++'s has none
// of. CR_GUARDED_BY on a member and CR_REQUIRES on a function say which mutex must be held; `make lint` fails where it
// is not. Other compilers see a std::mutex and a std::unique_lock. Any thread. Source of the attributes: the Thread
// Safety Analysis page of clang's documentation.
#pragma once

#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define CR_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define CR_THREAD_ATTRIBUTE(x)
#endif
#define CR_GUARDED_BY(mutex) CR_THREAD_ATTRIBUTE(guarded_by(mutex))
#define CR_REQUIRES(...) CR_THREAD_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define CR_EXCLUDES(...) CR_THREAD_ATTRIBUTE(locks_excluded(__VA_ARGS__))

namespace cr::base {

class CR_THREAD_ATTRIBUTE(capability("mutex")) Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

 private:
  friend class MutexLock;
  std::mutex mutex_;
};

// Holds a mutex while it lives, but for what unlock() and lock() make of it.
class CR_THREAD_ATTRIBUTE(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) CR_THREAD_ATTRIBUTE(acquire_capability(mutex)) : lock_(mutex.mutex_) {}
  ~MutexLock() CR_THREAD_ATTRIBUTE(release_capability()) {}
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

  void lock() CR_THREAD_ATTRIBUTE(acquire_capability()) { lock_.lock(); }
  void unlock() CR_THREAD_ATTRIBUTE(release_capability()) { lock_.unlock(); }
  // For std::condition_variable, which lets go of it while it waits and has it again when it returns.
  std::unique_lock<std::mutex>& native() { return lock_; }

 private:
  std::unique_lock<std::mutex> lock_;
};

}  // namespace cr::base
