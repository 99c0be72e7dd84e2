# bin/cajal (and cajal-bench beside it), share/cajal with what they read at run time, and the pages.
foreach(program cajal cajal-bench)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  endif()
endforeach()
# Looked at when installing: a clone may have no specimen yet.
foreach(part model transcoders atlas)
  install(DIRECTORY specimen/${part} DESTINATION ${CMAKE_INSTALL_DATADIR}/cajal/specimen OPTIONAL
          PATTERN training EXCLUDE)
endforeach()
install(FILES specimen/README.md DESTINATION ${CMAKE_INSTALL_DATADIR}/cajal/specimen OPTIONAL)
install(FILES LICENSE README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.md")
