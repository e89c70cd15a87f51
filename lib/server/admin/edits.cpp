// SPDX-License-Identifier: MIT
#include "server/admin/edits.h"

#include "admin/token_fields.h"
#include "base/text.h"
#include "ledger/core/token_fields.h"
#include "server/admin/field_values.h"

namespace cr::server::admin {

namespace {

using base::ErrorCode;
using base::fail;
using base::Result;
using List = std::vector<std::string>;

using ledger::NewToken;
using ledger::TokenRecord;

// Visits what `given` may name: each setting of a token that is not its name.
template <class Visit>
void each_takeable(const Visit& visit) {
  base::each_field(ledger::k_token_fields, [&](const auto& field) {
    if constexpr (ledger::FieldOf<decltype(field)>::is_wanted) {
      if (field.name != "name") visit(field);
    }
  });
}

Result<void> check_given(const List& given) {
  List known;
  each_takeable([&](const auto& field) { known.emplace_back(field.name); });
  for (const auto& member : given) {
    if (has(known, member)) continue;
    const auto close = base::nearest(member, known);
    return fail(ErrorCode::invalid,
                "given: '" + base::escape_for_terminal(member.substr(0, 64)) + "' is not a setting of a token",
                close ? "did you mean '" + *close + "'?" : std::string());
  }
  return {};
}

}  // namespace

Result<NewToken> to_new_token(const cr::admin::TokenCreate& create) {
  if (auto known = check_given(create.given); !known) return tl::unexpected(known.error());
  NewToken token;
  auto taken = take_created<cr::admin::k_token_fields, ledger::k_token_fields>(create, token);
  if (!taken) return tl::unexpected(taken.error());
  token.expires_given = create.expires_at.has_value() || has(create.given, "expires_at");
  if (create.key) token.key = base::Secret(std::string_view(*create.key));
  return token;
}

void fill_like(NewToken& token, const cr::admin::TokenCreate& create, const TokenRecord& model,
               std::string_view account) {
  each_takeable([&](const auto& field) {
    using Wanted = typename ledger::FieldOf<decltype(field)>::Wanted;
    if (has(create.given, std::string(field.name))) return;
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(field.get(model))>, base::AccountId>) {
      Wanted::set(token, account);
    } else {
      Wanted::set(token, field.get(model));
    }
  });
  if (!has(create.given, "expires_at")) token.expires_given = true;
}

Result<ledger::TokenPatch> to_patch(const cr::admin::TokenEdit& edit) {
  ledger::TokenPatch patch;
  auto taken = take_edited<cr::admin::k_token_fields, ledger::k_token_fields>(edit, patch);
  if (!taken) return tl::unexpected(taken.error());
  return patch;
}

}  // namespace cr::server::admin
