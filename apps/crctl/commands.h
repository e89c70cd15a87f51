// SPDX-License-Identifier: MIT
// Commands: the tree of nouns and verbs, declared in CLI11, and what each verb runs. Built once at start; one thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crctl/context.h"

namespace CLI {
class App;
}

namespace cr::crctl {

using Run = std::function<base::Result<Exit>(Context&)>;

// What --dry-run, --reason and --if-rev mean to a verb: nothing where it reads; `adds` has no rev to be compared.
enum class Effect { reads, adds, changes };

struct VerbText {
  std::string name;
  std::string about;                  // one line, for the list of verbs and the head of --help
  std::vector<std::string> examples;  // one or two command lines
  std::string more;                   // paragraphs under the flags; may be empty
};

class Commands {
 public:
  explicit Commands(Globals& globals);
  ~Commands();
  Commands(const Commands&) = delete;
  Commands& operator=(const Commands&) = delete;

  CLI::App& noun(const std::string& name, const std::string& about);  // its plural is an alias
  CLI::App& verb(CLI::App& noun, const VerbText& text, Effect effect, Run run);
  CLI::App& word(const VerbText& text, Effect effect, Run run);  // a noun without verbs: status, usage

  CLI::App& root() { return *root_; }
  const Run* find_run(const CLI::App& app) const;
  Effect effect_of(const CLI::App& app) const;

 private:
  struct Entry {
    Effect effect = Effect::reads;
    Run run;
  };
  CLI::App& leaf(CLI::App& parent, const VerbText& text, Effect effect, Run run);

  std::unique_ptr<CLI::App> root_;
  std::map<const CLI::App*, Entry> entries_;
};

// One a noun; each declares its verbs.
void add_token(Commands& commands);
void add_channel(Commands& commands);
void add_group(Commands& commands);
void add_account(Commands& commands);
void add_price(Commands& commands);
void add_model(Commands& commands);
void add_reconcile(Commands& commands);
void add_route(Commands& commands);
void add_usage(Commands& commands);
void add_usage_of(Commands& commands, CLI::App& noun, const std::string& what, const std::string& metavar);
void add_audit(Commands& commands);
void add_metrics(Commands& commands);
void add_request(Commands& commands);
void add_config(Commands& commands);
void add_status(Commands& commands);
void add_doctor(Commands& commands);
void add_api(Commands& commands);
void add_completion(Commands& commands);
void add_help(Commands& commands);
void add_all(Commands& commands);

}  // namespace cr::crctl
