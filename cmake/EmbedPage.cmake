# Writes OUTPUT, a source that holds page.css and page.js of FOLDER as texts: explain/chart/page_texts.h.
file(READ ${FOLDER}/page.css style)
file(READ ${FOLDER}/page.js script)
file(WRITE ${OUTPUT} "#include \"explain/chart/page_texts.h\"

namespace cajal {

std::string_view page_style() noexcept {
  return R\"page(${style})page\";
}

std::string_view page_script() noexcept {
  return R\"page(${script})page\";
}

}  // namespace cajal
")
