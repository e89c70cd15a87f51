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
#include "crctl/prompt.h"
#include "crctl/token.h"
#include "crctl/token_old_keys.h"
#include "crctl/values.h"

namespace cr::crctl {
namespace {

using admin::TokenRotate;
using base::ErrorCode;
using base::fail;
using base::Result;

struct RotateWords {
  Texts names;
  std::optional<std::chrono::milliseconds> grace, quiet_for, older_than, extend;
  OldKeyFilter filter;
  std::optional<std::string> out_dir, expires;
  bool now = false, finish = false, undo = false;
  KeyTarget target;
};

constexpr std::chrono::hours k_soon{30 * 24};  // to the next rotation, where nobody says when that is

// What nobody wants to find out on the day.
void warn_of_end(Context& context, const admin::Token& token, const RotateWords& words) {
  const auto due = context.now + words.older_than.value_or(k_soon);
  if (!token.expires_at || *token.expires_at >= due) return;
  const bool over = *token.expires_at <= context.now;
  context.output.note(fmt::format(
      "warning: token '{}' {} {}, {}: move its end with 'crctl token edit {} --expires 90d', or rotate with --expires",
      token.name, over ? "ended" : "ends", when_text(*token.expires_at, context.view()),
      over               ? "and its new key does not work"
      : words.older_than ? "before its key is that old again"
                         : "and its new key with it",
      token.name));
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

// Whoever still uses the old key is refused from then on, and nothing brings it back.
Result<Answer> confirm_now(Context& context, const std::string& name) {
  std::string question = fmt::format("end the old key of token '{}' at once?", name);
  if (!context.globals.yes && context.terminal.in_tty && !context.globals.no_input) {
    auto token = context.client().get<admin::Token>(token_path(name));
    if (!token) return tl::unexpected(token.error());
    const auto* key = current_key(*token);
    if (key != nullptr) {
      const auto used = key->last_used_at ? "last used " + when_text(*key->last_used_at, context.view()) +
                                                (key->last_used_ip ? " from " + *key->last_used_ip : std::string())
                                          : std::string("never used");
      question = fmt::format("end the key {}...{} of token '{}' ({}) at once?", key->first, key->last, name, used);
    }
  }
  return confirm(context, question);
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

// When a token is to end from then on, and whether that is to change; an inner none is never.
using End = std::optional<std::optional<base::Time>>;

Result<End> end_of(Context& context, const RotateWords& words) {
  if (!words.expires || *words.expires == "keep") return End();
  auto end = parse_expiry(*words.expires, context.now);
  if (!end) return tl::unexpected(end.error());
  return End(*end);
}

// Of many tokens those that never end do not begin to, and none ends sooner.
End end_of(const admin::Token& token, const End& wanted) {
  if (!wanted || !token.expires_at || (*wanted && **wanted <= *token.expires_at)) return {};
  return wanted;
}

// Mints the new key and writes it; anything but Exit::done has been reported already.
Result<Exit> rotate_one(Context& context, const std::string& name, const RotateWords& words, KeyTarget target,
                        const End& end) {
  if (words.now && !context.globals.dry_run) {
    const auto answer = confirm_now(context, name);
    if (!answer) return tl::unexpected(answer.error());
    if (*answer == Answer::no) return context.refuse({ErrorCode::refused, "nothing was rotated", {}}, Exit::declined);
  }
  auto sink = KeySink::open(context, std::move(target));
  if (!sink) return tl::unexpected(sink.error());
  const bool dry_run = context.globals.dry_run;
  TokenRotate rotate;
  if (words.grace) rotate.grace_ms = words.grace->count();
  if (words.now && dry_run) rotate.grace_ms = 0;
  if (end) {
    rotate.expires_at = *end;
    rotate.expires_never = !*end;
  }
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
    if (words.now && rotated->token.keys.size() > 1) {
      warn_of_end(context, rotated->token, words);
      return end_old_key(context, rotated->token, *sink);
    }
  }
  describe(context, rotated->token, *sink);
  warn_of_end(context, rotated->token, words);
  return sink->is_file() || dry_run ? print_done(context, {}, key.token_json) : Exit::done;
}

Result<Exit> end_rotation(Context& context, const RotateWords& words) {
  TokenRotate rotate;
  rotate.action = words.extend ? "extend" : words.finish ? "finish" : "undo";
  if (words.extend) rotate.grace_ms = words.extend->count();
  rotate.force = words.target.force;
  if (words.quiet_for) rotate.quiet_for_ms = words.quiet_for->count();
  return context.each(words.names, [&](const std::string& name) -> Result<void> {
    std::string raw;
    auto done = context.client().send<admin::TokenWithKey>("POST", token_path(name) + "/rotate", rotate,
                                                           context.call_options(), &raw);
    if (!done) return tl::unexpected(done.error());
    if (words.extend) {
      for (const auto& key : done->token.keys) {
        if (key.state == "old" && key.not_after)
          context.output.note(fmt::format("the old key {}...{} of token '{}' works until {}", key.first, key.last, name,
                                          when_text(*key.not_after, context.view())));
      }
    } else {
      context.output.note(fmt::format("{}{} token '{}'", context.would(),
                                      words.finish ? "ended the old key of" : "taken back the new key of", name));
    }
    return context.output.object(token_object(raw));
  });
}

// `ends`: of each name, in their order.
Result<Exit> rotate_into_folder(Context& context, const Texts& names, const std::vector<End>& ends,
                                const RotateWords& words) {
  struct stat info {};
  if (::stat(words.out_dir->c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
    return fail(ErrorCode::invalid, fmt::format("--out-dir '{}' is not a directory", *words.out_dir));
  }
  Exit aborted = Exit::done;
  std::size_t at = 0, left = 0;
  const auto rotate = [&](const std::string& name) -> Result<void> {
    const auto& end = ends[at++];
    if (aborted != Exit::done) return ++left, Result<void>();
    KeyTarget target = words.target;
    target.file = *words.out_dir + "/" + name;
    auto exit = rotate_one(context, name, words, std::move(target), end);
    if (!exit) return tl::unexpected(exit.error());
    aborted = *exit;
    return {};
  };
  auto done = words.older_than ? context.every(names, rotate) : context.each(names, rotate);
  if (!done || aborted == Exit::done) return done;
  if (left == 0) return aborted;
  // The folder is full, or was left: each further key would be made in vain.
  return context.refuse({ErrorCode::unavailable,
                         fmt::format("{} more token{} left as they are", left, left == 1 ? " was" : "s were"),
                         {}},
                        Exit::some_failed);
}

const char* ending_flag(const RotateWords& words) {
  return words.finish ? "--finish" : words.undo ? "--undo" : words.extend ? "--extend" : nullptr;
}

Result<void> check_words(const RotateWords& words) {
  const char* ends = ending_flag(words);
  const bool makes_flag = words.grace || words.now || words.target.file || words.target.format || words.target.mode ||
                          words.target.owner || words.out_dir || words.expires;
  if (ends != nullptr && (makes_flag || words.older_than)) {
    return fail(ErrorCode::invalid, fmt::format("{} makes no key, so the flags for one do not apply", ends));
  }
  if (words.quiet_for && !words.finish) return fail(ErrorCode::invalid, "--quiet-for needs --finish");
  if (words.older_than && !words.names.empty()) {
    return fail(ErrorCode::invalid, "--older-than chooses the tokens itself: name none");
  }
  if (words.filter.given() && !words.older_than) {
    return fail(ErrorCode::invalid, "a filter chooses among old keys: it needs --older-than",
                "name the tokens, or the age");
  }
  if (words.older_than && !words.filter.given()) {
    return fail(ErrorCode::invalid, "--older-than needs to know whose keys: each new one has to reach its user",
                "--tag K=V, --group, --account or --name GLOB; --all for everybody's");
  }
  if (!words.older_than && words.names.empty()) {
    return fail(ErrorCode::invalid, "'crctl token rotate' needs NAME", "or --older-than 80d --tag K=V --out-dir DIR");
  }
  if (ends == nullptr && !words.out_dir && (words.older_than || words.names.size() > 1)) {
    return fail(ErrorCode::invalid, "several keys need --out-dir DIR, where each gets a file of its own");
  }
  if (words.out_dir && words.target.file)
    return fail(ErrorCode::invalid, "--out and --out-dir cannot be given together");
  return {};
}

Result<Exit> run_rotate(Context& context, const RotateWords& words) {
  if (auto good = check_words(words); !good) return tl::unexpected(good.error());
  if (ending_flag(words) != nullptr) return end_rotation(context, words);
  const auto end = end_of(context, words);
  if (!end) return tl::unexpected(end.error());
  if (!words.out_dir) return rotate_one(context, words.names.front(), words, words.target, *end);
  if (!words.older_than)
    return rotate_into_folder(context, words.names, std::vector<End>(words.names.size(), *end), words);
  const auto old = tokens_with_old_keys(context, words.filter, *words.older_than);
  if (!old) return tl::unexpected(old.error());
  Texts names;
  std::vector<End> ends;
  for (const auto& token : *old) {
    names.push_back(token.name);
    ends.push_back(end_of(token, *end));
  }
  if (names.empty()) context.output.note("no key is that old");
  return rotate_into_folder(context, names, ends, words);
}

}  // namespace

void add_token_rotate(Commands& commands, CLI::App& token) {
  auto words = std::make_shared<RotateWords>();
  CLI::App& verb = commands.verb(
      token,
      {"rotate",
       "Give a token a new key; the old one works until its grace ends.",
       {"KEY=$(crctl token rotate ci --grace 24h)",
        "crctl token rotate --older-than 80d --tag rotate=auto --expires 90d --out-dir /etc/keys --force"},
       "The token keeps its name, settings and usage; it has two keys at most. 'token show' says when\n"
       "and from where the old key was last used."},
      Effect::adds, [words](Context& context) { return run_rotate(context, *words); });
  add_optional_names(verb, "NAME", "TOKEN", "The token; several with --out-dir.", words->names);
  auto* grace =
      add_duration(verb, "--grace", "DURATION", "How long the old key works on, at most 30d (24h).", words->grace);
  exclude(add_flag(verb, "--now", "End the old key as soon as the new one is written.", words->now), grace);
  add_text(verb, "--out", "FILE", "Write the key to a file instead, which only its owner may read; - is stdout.",
           words->target.file);
  add_choice(verb, "--format", "key|env|json", "Form of it: the key, OPENAI_API_KEY=..., or JSON (key).",
             words->target.format);
  add_text(verb, "--mode", "MODE", "Permissions of the file (0600, or those of the one replaced).", words->target.mode);
  add_text(verb, "--owner", "USER:GROUP", "Whose it is (yours, or the owner of the one replaced).",
           words->target.owner);
  add_text(verb, "--out-dir", "DIR", "Write each key to DIR/NAME.", words->out_dir);
  add_text(verb, "--expires", "WHEN",
           "When the token ends from then on, or keep (keep). With --older-than only tokens that end, and none sooner.",
           words->expires);
  add_duration(verb, "--older-than", "DURATION", "Rotate the tokens of a filter whose key is older.",
               words->older_than);
  add_text(verb, "--tag", "K=V", "Of them those with this tag; a bare K for any value.", words->filter.tag);
  add_text(verb, "--group", "GROUP", "Those of this group.", words->filter.group);
  add_text(verb, "--account", "ACCOUNT", "Those of this account.", words->filter.account);
  add_text(verb, "--name", "GLOB", "Those whose names match, such as 'ci-*'.", words->filter.name);
  add_flag(verb, "--all", "Everybody's.", words->filter.all);
  auto* finish = add_flag(verb, "--finish", "End the old key now; refused while it is used.", words->finish);
  add_duration(verb, "--quiet-for", "DURATION", "With --finish: not used for this long (10m).", words->quiet_for);
  auto* undo = add_flag(verb, "--undo", "Take the new key back; the old one is the only one again.", words->undo);
  exclude(undo, finish);
  auto* extend =
      add_duration(verb, "--extend", "DURATION", "Let the old key work for this long from now on.", words->extend);
  exclude(extend, finish);
  exclude(extend, undo);
  add_flag(verb, "--force", "Replace the file; with --finish, although the old key is used.", words->target.force);
}

}  // namespace cr::crctl
