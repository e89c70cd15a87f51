# SPDX-License-Identifier: MIT
# What `cmake --install` puts where; DESTDIR is honoured. crctl's own CMakeLists.txt installs crctl.
set(CR_CONFIG_DIR /etc/crd CACHE PATH "where crd.toml is installed")
set(CR_SYSTEM_LIB_DIR ${CMAKE_INSTALL_PREFIX}/lib CACHE PATH "what holds systemd/, sysusers.d/ and tmpfiles.d/")
set(shared_dir ${CMAKE_INSTALL_DATADIR}/crd)

if(TARGET crd)
  install(TARGETS crd RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

# systemd: the unit names where crd is installed.
configure_file(${CMAKE_SOURCE_DIR}/packaging/crd.service.in ${CMAKE_BINARY_DIR}/packaging/crd.service @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/packaging/crd.service packaging/crd.socket DESTINATION ${CR_SYSTEM_LIB_DIR}/systemd/system)
install(FILES packaging/crd.sysusers DESTINATION ${CR_SYSTEM_LIB_DIR}/sysusers.d RENAME crd.conf)
install(FILES packaging/crd.tmpfiles DESTINATION ${CR_SYSTEM_LIB_DIR}/tmpfiles.d RENAME crd.conf)

# An administrator's crd.toml is never written over.
install(FILES packaging/crd.toml DESTINATION ${shared_dir})
install(CODE "
  set(config \"\$ENV{DESTDIR}${CR_CONFIG_DIR}/crd.toml\")
  if(EXISTS \"\${config}\")
    message(STATUS \"Kept: \${config}\")
  else()
    file(INSTALL \"${CMAKE_SOURCE_DIR}/packaging/crd.toml\" DESTINATION \"${CR_CONFIG_DIR}\")
  endif()")
install(FILES share/prices.json DESTINATION ${shared_dir})
install(DIRECTORY examples/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples USE_SOURCE_PERMISSIONS)
install(FILES README.md CHANGELOG.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

install(FILES completions/crctl.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME crctl)
install(FILES completions/_crctl DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
install(FILES completions/crctl.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)

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
