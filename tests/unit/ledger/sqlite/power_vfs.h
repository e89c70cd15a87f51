// SPDX-License-Identifier: MIT
// PowerVfs: SQLite's file system over a disk that can lose its power, as the default one of this program. What was
// written and not yet synced is kept apart; a cut freezes the disk at one call, and leave() makes of it one of the many
// states in which the next start may find it: unsynced writes are there, missing or torn, whatever their order. Any
// thread; the callback of a cut runs on the one that made the call.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <random>

namespace cr::ledger::power_vfs {

enum class Syncs { honest, lying };  // lying: says that it synced, and makes nothing durable

void install();  // once a program; before the first database
// What was opened before is forgotten; what the files opened from now on hold at first is durable.
void begin(Syncs syncs);
enum class Calls { all, checkpoint };  // checkpoint: those on the store's file, not on its log
// The power goes before the `at`-th write, truncation or sync from now on (0 = the next). Everything goes on as if it
// had not: only leave() shows what the disk has.
void cut_at(Calls calls, std::int64_t at, std::function<void()> on_cut);
void cut_now();
bool was_cut();
bool was_cut_in_checkpoint();  // with writes to the file itself, not to its log alone, under way
// One of the states that the cut may have left, under the names the files had, in another folder.
void leave(const std::filesystem::path& folder, std::mt19937& random);

}  // namespace cr::ledger::power_vfs
