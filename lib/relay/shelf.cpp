// SPDX-License-Identifier: MIT
#include "relay/shelf.h"

#include <new>
#include <vector>

namespace cr::relay {

namespace {

// The last ones' memory, of this thread.
struct Shelf {
  std::vector<void*> places;
  ~Shelf() {
    for (void* place : places) ::operator delete(place);
  }
};
thread_local Shelf g_shelf;
constexpr std::size_t k_shelf_max = 256;

}  // namespace

void* Shelved::operator new(std::size_t size) {
  if (g_shelf.places.empty()) return ::operator new(size);
  void* place = g_shelf.places.back();
  g_shelf.places.pop_back();
  return place;
}

void Shelved::operator delete(void* place) {
  if (g_shelf.places.size() < k_shelf_max) {
    g_shelf.places.push_back(place);
  } else {
    ::operator delete(place);
  }
}

}  // namespace cr::relay
