// SPDX-License-Identifier: MIT
// Output: the two streams. Data goes to stdout in the mode asked for; notes and errors go to stderr. One thread.
// Every write is checked: a full disk or a closed pipe is an Error, never a truncated answer with exit 0.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "admin/token_messages.h"
#include "base/result.h"
#include "crctl/exit.h"
#include "crctl/globals.h"
#include "crctl/listing.h"
#include "crctl/table.h"
#include "crctl/terminal.h"

namespace cr::crctl {

class Output {
 public:
  Output(const Globals& globals, const Terminal& terminal) : globals_(globals), terminal_(terminal) {}

  // Many records: an array in JSON. One record: an object, a block of lines for eyes.
  base::Result<void> list(const Listing& listing);
  // The same of a list that comes in pages of the same columns: each is written as it comes, and nothing of it is kept.
  class Pages {
   public:
    explicit Pages(Output& output) : output_(output) {}
    base::Result<void> add(const Listing& page);
    base::Result<void> end(const std::string& summary);  // in any case: the end of an array, the last line for eyes

   private:
    base::Result<void> add_json(const Listing& page);
    base::Result<void> add_separated(const Listing& page, Mode mode);
    base::Result<void> add_table(const Listing& page, Mode mode);
    Output& output_;
    std::optional<Table> table_;
    bool begun_ = false;  // something was written, of an array at least one item
  };
  base::Result<void> show(const Listing& one);
  // What an edit changed; `after` is the object's JSON and `kind` what it is, both for the other modes.
  base::Result<void> changes(const std::vector<admin::Change>& changes, const std::string& after);
  // --fields=help: the columns and the JSON members there are.
  base::Result<void> field_names(const std::vector<Column>& columns, const std::vector<std::string>& members);

  base::Result<void> text(std::string_view text);  // stdout, as it is
  // What --field or a JSON mode wants of an object; nothing where neither was asked for.
  base::Result<void> object(const std::string& json);
  // Of several names: what object() is given from here on is one array with --json, however many of them succeed.
  void begin_array();
  base::Result<void> end_array();
  void note(std::string_view line);  // stderr; silent with --quiet and in JSON modes
  void error(const base::Error& error, Exit exit, std::string_view request_id = {});

  Needs list_needs() const;  // of a list's records, to be printed in this mode
  bool wants_json() const;   // a mode in which stdout is JSON
  bool wants_data() const;   // that, or --field: an object is wanted, not prose
  bool pipe_broken() const { return pipe_broken_; }

 private:
  base::Result<Listing> with_fields(const Listing& listing) const;
  base::Result<void> json_object(std::string_view json);
  base::Result<void> raw_field(const Listing& listing);
  base::Result<void> json_rows(const Listing& listing, Mode mode);
  base::Result<std::string> picked_json(const Listing& listing, const Row& row) const;
  Mode mode_for_stdout() const;

  const Globals& globals_;
  const Terminal& terminal_;
  bool pipe_broken_ = false;
  enum class Array { none, empty, begun } array_ = Array::none;
};

// What errno says, lower-case.
std::string system_reason();
std::string system_reason(int number);
// All of it, or the reason why not.
base::Result<void> write_all(int fd, std::string_view text);
// {"code","message","hint","exit","request_id"}
std::string error_as_json(const base::Error& error, Exit exit, std::string_view request_id);

}  // namespace cr::crctl
