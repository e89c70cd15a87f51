# SPDX-License-Identifier: MIT
# Sources given as arguments -> lines "GROUP SOURCE": which may be compiled as one, since no name that one of them keeps to
# itself (in an unnamed namespace) is defined by another. Reads layout as clang-format writes it: what is defined in a
# namespace begins in the first column. Finds a name too many sooner than one too few: a file then gets another group.
#   awk -v most=8 -f unity_groups.awk A.cpp B.cpp ...

function note(name) {
  if (name !~ /^[A-Za-z_][A-Za-z_0-9]*$/ || name == "operator") return
  if (hidden) mine[FILENAME, name] = 1
  names[FILENAME] = names[FILENAME] " " name
}

FNR == 1 { order[++files] = FILENAME; hidden = 0 }
/^namespace \{/ { hidden = 1; next }
/^\}  \/\/ namespace$/ { hidden = 0; next }
/^(TEST|TEST_F|TEST_P)\(/ { next }
# Says of a name of another namespace only what every file may say of it.
/^using [A-Za-z_0-9: ]*;/ { next }
/^[A-Za-z_]/ {
  line = $0
  if (line ~ /^(struct|class|enum|using|enum class) /) {
    sub(/^(struct|class|enum class|enum|using) /, "", line)
    sub(/[^A-Za-z_0-9].*/, "", line)
    note(line)
    next
  }
  # The word before the first of ( = { [ ; is what the line defines.
  if (match(line, /[({=;[]/)) {
    line = substr(line, 1, RSTART - 1)
    sub(/ +$/, "", line)
    sub(/.*[^A-Za-z_0-9]/, "", line)
    note(line)
  }
}

END {
  for (i = 1; i <= files; ++i) {
    file = order[i]
    for (group = 1; group <= groups && !fits(file, group); ++group) continue
    if (group > groups) groups = group
    ++size[group]
    members[group] = members[group] " " file
    print group, file
  }
}

function fits(file, group,   i, j, n, m, others, words) {
  if (size[group] >= most) return 0
  n = split(members[group], others, " ")
  for (i = 1; i <= n; ++i) {
    m = split(names[others[i]], words, " ")
    for (j = 1; j <= m; ++j) if ((file, words[j]) in mine) return 0
    m = split(names[file], words, " ")
    for (j = 1; j <= m; ++j) if ((others[i], words[j]) in mine) return 0
  }
  return 1
}
