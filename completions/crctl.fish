# SPDX-License-Identifier: MIT
# Completion of crctl in fish: everything is asked of `crctl __complete`.
function __crctl_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l lines (command $words[1] __complete -- $words[2..] "$current" 2>/dev/null)
    switch "$lines[1]"
        case :files
            __fish_complete_path (string replace -r '^--[^=]*=' '' -- "$current")
        case :folders
            __fish_complete_directories (string replace -r '^--[^=]*=' '' -- "$current")
        case '*'
            string join \n -- $lines
    end
end
complete -c crctl -f -a '(__crctl_complete)'
