# SPDX-License-Identifier: MIT
# CPack's configuration of the Debian package: what build.sh has staged, with the scripts beside this file.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME code-router)
set(CPACK_PACKAGE_FILE_NAME code-router)  # DEB-DEFAULT names the file
set(CPACK_PACKAGE_VENDOR "Code Router")
set(CPACK_PACKAGE_CONTACT "The Code Router authors <authors@code-router.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "gateway for language models with tokens, quotas and an exact ledger")
set(CPACK_PACKAGE_DESCRIPTION "crd serves the OpenAI-compatible endpoints and Anthropic's messages to the
holders of tokens, relays their requests to the providers that are configured,
and keeps an exact account: no token spends more than its quota. crctl
administers it over a local socket.")
set(CPACK_INSTALLED_DIRECTORIES "$ENV{CR_STAGE}" .)
set(CPACK_PACKAGING_INSTALL_PREFIX /)
set(CPACK_SET_DESTDIR OFF)
set(CPACK_INCLUDE_TOPLEVEL_DIRECTORY OFF)
set(CPACK_STRIP_FILES OFF)
set(CPACK_OUTPUT_FILE_PREFIX .)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "systemd | systemd-standalone-sysusers | systemd-sysusers, init-system-helpers (>= 1.54~)")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  "$ENV{CR_CONTROL}/postinst;$ENV{CR_CONTROL}/prerm;$ENV{CR_CONTROL}/postrm;$ENV{CR_CONTROL}/conffiles")
