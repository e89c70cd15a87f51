# SPDX-License-Identifier: MIT
# What `cmake --install` puts where; DESTDIR and --prefix are honoured: what names where crd is gets that only then, so
# that one build serves for each of them. crctl's own CMakeLists.txt installs crctl.
set(CMAKE_INSTALL_DOCDIR ${CMAKE_INSTALL_DATAROOTDIR}/doc/code-router)
set(shared_dir ${CMAKE_INSTALL_DATADIR}/crd)

if(TARGET crd)
  install(TARGETS crd RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

# systemd looks for units, users and directories in lib/ of /usr and of /usr/local.
install(FILES packaging/crd.socket packaging/crd-admin.socket DESTINATION lib/systemd/system)
install(FILES packaging/crd.sysusers DESTINATION lib/sysusers.d RENAME crd.conf)
install(FILES packaging/crd.tmpfiles DESTINATION lib/tmpfiles.d RENAME crd.conf)
install(FILES packaging/crd.toml share/prices.json docs/admin-api.openapi.json DESTINATION ${shared_dir})
install(DIRECTORY examples/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples USE_SOURCE_PERMISSIONS
        PATTERN "*.in" EXCLUDE)
install(FILES README.md CHANGELOG.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES docs/endpoints.md docs/prices.md DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs)

install(FILES completions/crctl.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME crctl)
install(FILES completions/crctl.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)

install(CODE "
  set(CR_SOURCE_DIR \"${CMAKE_SOURCE_DIR}\")
  set(CR_BINDIR \"${CMAKE_INSTALL_BINDIR}\")
  set(CR_DATADIR \"${CMAKE_INSTALL_DATADIR}\")
  set(CR_DOCDIR \"${CMAKE_INSTALL_DOCDIR}\")
  include(\"${CMAKE_SOURCE_DIR}/cmake/install_configured.cmake\")")

# Manual pages: man/NAME.SECTION.scd -> share/man/manSECTION/NAME.SECTION.gz
find_program(SCDOC scdoc)
find_program(GZIP gzip)
file(GLOB man_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/man/*.scd)
if(man_sources AND NOT SCDOC)
  message(WARNING "scdoc is not installed: the manual pages will not be built")
  set(man_sources)
endif()
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/man)
set(man_pages)
foreach(source ${man_sources})
  get_filename_component(page ${source} NAME_WLE)
  string(REGEX MATCH "[0-9]$" section ${page})
  set(built ${CMAKE_BINARY_DIR}/man/${page})
  set(command COMMAND sh -c "'${SCDOC}' < '${source}' > '${built}'")
  if(GZIP)
    list(APPEND command COMMAND ${GZIP} -9nf ${built})
    set(built ${built}.gz)
  endif()
  add_custom_command(OUTPUT ${built} ${command} DEPENDS ${source} VERBATIM)
  list(APPEND man_pages ${built})
  install(FILES ${built} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()
add_custom_target(man ALL DEPENDS ${man_pages})
