// SPDX-License-Identifier: MIT
// token rotate: one token, those named, or those whose key is old.
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/secret.h"
#include "base/text.h"
#include "crctl/fetch.h"
#include "crctl/flags.h"
#include "crctl/interrupt.h"
#include "crctl/json_text.h"
#include "crctl/token.h"
#include "crctl/values.h"

namespace cr::crctl {
namespace {

using admin::TokenRotate;
using base::ErrorCode;
using base::fail;
using base::Result;

struct RotateWords {
  Texts names;
  std::optional<std::chrono::milliseconds> grace, quiet_for, older_than;
  std::optional<std::string> out_dir;
  bool now = false, finish = false, undo = false;
  KeyTarget target;
};

const admin::KeyInfo* current_key(const admin::Token& token) {
  const auto found = std::find_if(token.keys.begin(), token.keys.end(),
                                  [](const admin::KeyInfo& key) { return key.state == "current"; });
  return found == token.keys.end() ? nullptr : &*found;
}

void describe(Context& context, const admin::Token& token, const KeySink& sink) {
  std::string line = fmt::format("{}rotated token '{}'", context.would(), token.name);
  for (const auto& key : token.keys) {
    if (key.state != "old" || !key.not_after) continue;
    line += fmt::format("; the old key {}...{} works until {}", key.first, key.last,
                        when_text(*key.not_after, context.view()));
  }
  context.output.note(line);
  if (sink.is_file() && !context.globals.dry_run) context.output.note(fmt::format("the key is in '{}'", sink.file()));
}

TakeBack take_back_of(Context& context, const admin::Token& token) {
  const admin::KeyInfo* key = current_key(token);
  return [&context, path = token_path(token.name) + "/revoke-new", id = key ? key->id : 0]() -> Result<void> {
    admin::CallOptions undo;
    undo.reason = "its key could not be written";
    auto done = context.client().call("POST", path, fmt::format(R"({{"key_id":{}}})", id), undo);
    if (!done) return tl::unexpected(done.error());
    return {};
  };
}

Result<admin::TokenWithKey> finish_now(Context& context, const std::string& name, std::string* raw) {
  TokenRotate finish;
  finish.action = "finish";
  finish.force = true;
  admin::CallOptions options = context.call_options();
  options.if_rev.reset();  // the rotation itself has moved it
  return context.client().send<admin::TokenWithKey>("POST", token_path(name) + "/rotate", finish, options, raw);
}

// --now ends the old key only once the new one is written: a token never has no key that anybody holds. A rotation
// under way is finished first, so that there is one old key to go back to.
Result<void> make_room(Context& context, const std::string& name) {
  auto token = context.client().get<admin::Token>(token_path(name));
  if (!token) return tl::unexpected(token.error());
  if (token->keys.size() < 2) return {};
  std::string raw;
  auto finished = finish_now(context, name, &raw);
  if (!finished) return tl::unexpected(finished.error());
  return {};
}

Result<Exit> end_old_key(Context& context, const admin::Token& token, const KeySink& sink) {
  std::string raw;
  auto finished = finish_now(context, token.name, &raw);
  if (!finished) {
    return context.refuse(
        {finished.error().code,
         fmt::format("the new key of '{}' is out, but the old one works on: {}", token.name, finished.error().message),
         fmt::format("end it with: crctl token rotate {} --finish --force", token.name)},
        Exit::failed);
  }
  describe(context, finished->token, sink);
  return sink.is_file() ? print_done(context, {}, token_object(raw)) : Exit::done;
}

// Mints the new key and writes it; anything but Exit::done has been reported already.
Result<Exit> rotate_one(Context& context, const std::string& name, const RotateWords& words, KeyTarget target) {
  auto sink = KeySink::open(context, std::move(target));
  if (!sink) return tl::unexpected(sink.error());
  const bool dry_run = context.globals.dry_run;
  TokenRotate rotate;
  if (words.grace) rotate.grace_ms = words.grace->count();
  if (words.now && dry_run) rotate.grace_ms = 0;
  const UninterruptedSection section;
  if (words.now && !dry_run) {
    if (auto room = make_room(context, name); !room) return tl::unexpected(room.error());
  }
  std::string raw;
  auto rotated = context.client().send<admin::TokenWithKey>("POST", token_path(name) + "/rotate", rotate,
                                                            context.call_options(), &raw);
  if (!rotated) return tl::unexpected(rotated.error());
  NewKey key{rotated->token.name, std::move(rotated->key), token_object(raw)};
  base::wipe(raw);
  if (!dry_run) {
    auto delivered = deliver_key(context, *sink, key, take_back_of(context, rotated->token));
    if (!delivered || *delivered != Exit::done) return delivered;
    // A token that was restored had no key to end.
    if (words.now && rotated->token.keys.size() > 1) return end_old_key(context, rotated->token, *sink);
  }
  describe(context, rotated->token, *sink);
  return sink->is_file() || dry_run ? print_done(context, {}, key.token_json) : Exit::done;
}

Result<Exit> end_rotation(Context& context, const RotateWords& words) {
  TokenRotate rotate;
  rotate.action = words.finish ? "finish" : "undo";
  rotate.force = words.target.force;
  if (words.quiet_for) rotate.quiet_for_ms = words.quiet_for->count();
  return context.each(words.names, [&](const std::string& name) -> Result<void> {
    std::string raw;
    auto done = context.client().send<admin::TokenWithKey>("POST", token_path(name) + "/rotate", rotate,
                                                           context.call_options(), &raw);
    if (!done) return tl::unexpected(done.error());
    context.output.note(fmt::format("{}{} token '{}'", context.would(),
                                    words.finish ? "ended the old key of" : "taken back the new key of", name));
    return context.output.object(token_object(raw));
  });
}

// Those whose current key was made before; a token in a rotation, or one that no longer works, is left alone.
Result<Texts> tokens_to_rotate(Context& context, std::chrono::milliseconds older_than) {
  Texts names;
  auto done = each_page<admin::Token>(
      context,
      [](const std::optional<std::string>& cursor, std::optional<int> limit) {
        admin::TokenFilter filter;
        filter.cursor = cursor;
        filter.limit = limit;
        return "/tokens" + admin::query_of(filter);
      },
      std::nullopt,
      [&](std::vector<Record<admin::Token>>& tokens) -> Result<void> {
        for (const auto& [token, json] : tokens) {
          const bool works =
              token.status == "enabled" || token.status == "exhausted" || token.status == "not_yet_valid";
          const admin::KeyInfo* key = current_key(token);
          if (works && key != nullptr && token.keys.size() == 1 && key->created_at <= context.now - older_than) {
            names.push_back(token.name);
          }
        }
        return {};
      });
  if (!done) return tl::unexpected(done.error());
  return names;
}

Result<Exit> rotate_into_folder(Context& context, const Texts& names, const RotateWords& words) {
  struct stat info {};
  if (::stat(words.out_dir->c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
    return fail(ErrorCode::invalid, fmt::format("--out-dir '{}' is not a directory", *words.out_dir));
  }
  Exit aborted = Exit::done;
  auto done = context.each(names, [&](const std::string& name) -> Result<void> {
    if (aborted != Exit::done) return {};
    KeyTarget target = words.target;
    target.file = *words.out_dir + "/" + name;
    auto exit = rotate_one(context, name, words, std::move(target));
    if (!exit) return tl::unexpected(exit.error());
    aborted = *exit;
    return {};
  });
  return done && aborted != Exit::done ? Result<Exit>(aborted) : done;
}

Result<void> check_words(const RotateWords& words) {
  const bool ends = words.finish || words.undo;
  const bool makes_flag = words.grace || words.now || words.target.file || words.target.format || words.out_dir;
  if (ends && (makes_flag || words.older_than)) {
    return fail(ErrorCode::invalid, fmt::format("{} makes no key, so the flags for one do not apply",
                                                words.finish ? "--finish" : "--undo"));
  }
  if (words.quiet_for && !words.finish) return fail(ErrorCode::invalid, "--quiet-for needs --finish");
  if (words.older_than && !words.names.empty()) {
    return fail(ErrorCode::invalid, "--older-than chooses the tokens itself: name none");
  }
  if (!words.older_than && words.names.empty()) {
    return fail(ErrorCode::invalid, "'crctl token rotate' needs NAME", "or --older-than 80d --out-dir DIR");
  }
  if (!ends && !words.out_dir && (words.older_than || words.names.size() > 1)) {
    return fail(ErrorCode::invalid, "several keys need --out-dir DIR, where each gets a file of its own");
  }
  if (words.out_dir && words.target.file)
    return fail(ErrorCode::invalid, "--out and --out-dir cannot be given together");
  return {};
}

Result<Exit> run_rotate(Context& context, const RotateWords& words) {
  if (auto good = check_words(words); !good) return tl::unexpected(good.error());
  if (words.finish || words.undo) return end_rotation(context, words);
  if (!words.out_dir) return rotate_one(context, words.names.front(), words, words.target);
  Texts names = words.names;
  if (words.older_than) {
    auto old = tokens_to_rotate(context, *words.older_than);
    if (!old) return tl::unexpected(old.error());
    names = *std::move(old);
    if (names.empty()) context.output.note("no key is that old");
  }
  return rotate_into_folder(context, names, words);
}

}  // namespace

void add_token_rotate(Commands& commands, CLI::App& token) {
  auto words = std::make_shared<RotateWords>();
  CLI::App& verb = commands.verb(
      token,
      {"rotate",
       "Give a token a new key; the old one works until its grace ends.",
       {"KEY=$(crctl token rotate ci --grace 24h)", "crctl token rotate --older-than 80d --out-dir /etc/keys --force"},
       "The token keeps its name, settings and usage; it has two keys at most. 'token show' says when\n"
       "and from where the old key was last used."},
      Effect::adds, [words](Context& context) { return run_rotate(context, *words); });
  add_optional_names(verb, "NAME", "TOKEN", "The token; several with --out-dir.", words->names);
  auto* grace =
      add_duration(verb, "--grace", "DURATION", "How long the old key works on, at most 30d (24h).", words->grace);
  exclude(add_flag(verb, "--now", "End the old key as soon as the new one is written.", words->now), grace);
  add_text(verb, "--out", "FILE", "Write the key to a new file of mode 0600 instead of stdout.", words->target.file);
  add_choice(verb, "--format", "key|env|json", "Form of that file: the key, OPENAI_API_KEY=..., or JSON (key).",
             words->target.format);
  add_text(verb, "--out-dir", "DIR", "Write each key to DIR/NAME.", words->out_dir);
  add_duration(verb, "--older-than", "DURATION", "Rotate every usable token whose key is older.", words->older_than);
  auto* finish = add_flag(verb, "--finish", "End the old key now; refused while it is used.", words->finish);
  add_duration(verb, "--quiet-for", "DURATION", "With --finish: not used for this long (10m).", words->quiet_for);
  exclude(add_flag(verb, "--undo", "Take the new key back; the old one is the only one again.", words->undo), finish);
  add_flag(verb, "--force", "Replace the file; with --finish, although the old key is used.", words->target.force);
}

}  // namespace cr::crctl
