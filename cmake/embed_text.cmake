# SPDX-License-Identifier: MIT
# cmake -DIN=file -DOUT=header -DNAME=symbol -P embed_text.cmake: a text file as a C++ string constant.
file(READ ${IN} text)
file(WRITE ${OUT}.new "// SPDX-License-Identifier: MIT
#pragma once
namespace cr::ledger {
inline constexpr char k_${NAME}[] = R\"embedded(${text})embedded\";
}  // namespace cr::ledger
")
file(RENAME ${OUT}.new ${OUT})
