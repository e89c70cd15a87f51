# SPDX-License-Identifier: MIT
# Run by `cmake --install`: the files whose text or place depends on the prefix, and the configuration, which is the
# administrator's once it is there.
set(root "$ENV{DESTDIR}")

# What is given is a template of names in @...@.
function(cr_install_text from to)
  message(STATUS "Installing: ${root}${to}")
  configure_file("${from}" "${root}${to}" @ONLY)
  file(CHMOD "${root}${to}" PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
endfunction()

set(CR_FULL_BINDIR "${CMAKE_INSTALL_PREFIX}/${CR_BINDIR}")
set(CR_FULL_DOCDIR "${CMAKE_INSTALL_PREFIX}/${CR_DOCDIR}")
set(CR_CONFIG_FILE /etc/crd/crd.toml)

set(unit "${CMAKE_INSTALL_PREFIX}/lib/systemd/system/crd.service")
cr_install_text("${CR_SOURCE_DIR}/packaging/crd.service.in" "${unit}")
set(example "${CR_FULL_DOCDIR}/examples/rotate-keys.service")
cr_install_text("${CR_SOURCE_DIR}/examples/rotate-keys.service.in" "${example}")

# Debian's zsh looks in vendor-completions of /usr; what an administrator installs is in site-functions.
if(CMAKE_INSTALL_PREFIX STREQUAL "/usr")
  set(zsh "/usr/${CR_DATADIR}/zsh/vendor-completions")
else()
  set(zsh "${CMAKE_INSTALL_PREFIX}/${CR_DATADIR}/zsh/site-functions")
endif()
file(INSTALL "${CR_SOURCE_DIR}/completions/_crctl" DESTINATION "${zsh}")
list(APPEND CMAKE_INSTALL_MANIFEST_FILES "${unit}" "${example}")

if(EXISTS "${root}${CR_CONFIG_FILE}")
  message(STATUS "Kept: ${root}${CR_CONFIG_FILE}")
else()
  file(INSTALL "${CR_SOURCE_DIR}/packaging/crd.toml" DESTINATION /etc/crd)
endif()
