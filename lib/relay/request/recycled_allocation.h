// SPDX-License-Identifier: MIT
// RecycledAllocation: a free list a thread for the objects that every request makes and that are too large for what
// malloc keeps at hand. `class T : public RecycledAllocation<T>`; an object of another size than T's, of a class that
// derives from T, is allocated as usual. Any thread; a place goes to the list of the thread that frees it.
#pragma once

#include <cstddef>
#include <new>
#include <vector>

namespace cr::relay::request {

template <class T>
class RecycledAllocation {
 public:
  static void* operator new(std::size_t size) {
    static_assert(alignof(T) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);
    auto& places = free_list().places;
    if (size != sizeof(T) || places.empty()) return ::operator new(size);
    void* place = places.back();
    places.pop_back();
    return place;
  }
  static void operator delete(void* place, std::size_t size) {
    auto& places = free_list().places;
    if (size == sizeof(T) && places.size() < k_kept_max) {
      places.push_back(place);
    } else {
      ::operator delete(place);
    }
  }

 private:
  static constexpr std::size_t k_kept_max = 256;
  struct FreeList {
    FreeList() { places.reserve(k_kept_max); }  // so that freeing never allocates
    ~FreeList() {
      for (void* place : places) ::operator delete(place);
    }
    std::vector<void*> places;
  };
  static FreeList& free_list() {
    thread_local FreeList list;
    return list;
  }
};

}  // namespace cr::relay::request
