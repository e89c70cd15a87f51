// SPDX-License-Identifier: MIT
// FormScanner: what crd must know of a multipart/form-data body, found while it passes by: the model, and whether the
// form may pass at all. Bounded memory whatever the form's size. Pure; one body each.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "dialect/openai/multipart.h"
#include "dialect/request_scan.h"

namespace cr::dialect::openai {

// What is refused: a malformed form (invalid_multipart); `model`, `stream` or `n` twice, or a name that looks like one
// of them by case, blanks or brackets (duplicate_key); a file or an encoded part in their place; a model that is
// missing or not of 1 to 256 bytes, a stream but true and false, an n but 1 to 128; names that redirect a gateway, as
// in JSON, and `_charset_`, which changes how other parts are read (invalid_value).
class FormScanner {
 public:
  explicit FormScanner(std::string_view boundary) : reader_(boundary) {}

  // The next bytes of the body, cut anywhere; no more once it has refused.
  std::optional<Refusal> push(std::string_view bytes);
  // The body has ended.
  std::optional<Refusal> finish();

  bool has_model() const { return seen(Field::model); }
  // What was found so far. The span of the model indexes the body; media are unbounded in every form.
  const RequestScan& scan() const { return scan_; }

 private:
  enum class Field { model, stream, n, none };
  static Field field_of(std::string_view name);
  bool seen(Field field) const { return seen_[static_cast<std::size_t>(field)]; }
  std::optional<Refusal> take_head();
  std::optional<Refusal> take_value();

  MultipartReader reader_;
  RequestScan scan_ = media_scan();
  static RequestScan media_scan();
  std::array<bool, 3> seen_{};
  Field field_ = Field::none;  // whose content passes by
  std::string value_;          // of it, up to one byte more than it may have
  std::size_t value_begin_ = 0;
};

// The model's own name for the channel, in its place; nothing else of a form is rewritten.
std::vector<Edit> plan_form_edits(const RequestScan& scan, const Rewrite& rewrite);

}  // namespace cr::dialect::openai
