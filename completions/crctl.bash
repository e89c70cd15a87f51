# SPDX-License-Identifier: MIT
# Completion of crctl in bash: everything is asked of `crctl __complete`.
_crctl() {
  local words=() word glue='' current part line value i
  # bash cuts words at = and :, crctl does not.
  for ((i = 1; i <= COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if [[ -n $glue || $word == [=:] ]] && ((${#words[@]} > 0)); then
      words[${#words[@]} - 1]+=$word
    else
      words+=("$word")
    fi
    if [[ $word == [=:] ]]; then glue=1; else glue=''; fi
  done
  current=${words[${#words[@]} - 1]}
  part=${COMP_WORDS[COMP_CWORD]}
  if [[ $part == [=:] ]]; then part=''; fi
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :files) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$part"); return ;;
      :folders) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$part"); return ;;
    esac
    value=${line%%$'\t'*}
    COMPREPLY+=("${value#"${current%"$part"}"}")
  done < <("$1" __complete -- "${words[@]}" 2>/dev/null)
}
complete -F _crctl crctl
