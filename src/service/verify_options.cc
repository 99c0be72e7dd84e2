// What may be asked of verify.
#include "base/error.h"
#include "base/split.h"
#include "service/verify.h"

namespace cajal {

NamedGroup named_group(const std::string& text) {
  const std::size_t equals = text.find('=');
  check(equals != std::string::npos && equals != 0 && equals + 1 < text.size(),
        "the group '{}' is not LABEL=ID,ID,...: a name and ids of the graph's nodes", text);
  NamedGroup out = {.label = text.substr(0, equals), .ids = {}};
  for (const std::string_view id : split(std::string_view(text).substr(equals + 1), ',')) {
    check(!id.empty(), "the group '{}' has an empty id", text);
    out.ids.emplace_back(id);
  }
  return out;
}

const FieldTable<VerifyRequest>& verify_fields() {
  static const FieldTable<VerifyRequest> table = [] {
    FieldTable<VerifyRequest> out = {
        {{.name = "graph",
          .help = "a graph file, as cajal trace -o and other tools write them",
          .value = "GRAPH",
          .positional = true},
         &VerifyRequest::graph}};
    append(out, model_fields<VerifyRequest>());
    append<VerifyRequest>(
        out,
        {{dictionary_field(), &VerifyRequest::dictionary},
         {{.name = "group",
           .help = "nodes to try as one, as LABEL=ID,ID,...; may be given again (default: the "
                   "groups in the file, or its strongest features)",
           .value = "GROUP"},
          &VerifyRequest::group},
         {{.name = "number",
           .help =
               "features to try where there are no groups (20), or prompts of --calibrate (500)",
           .letter = 'n',
           .min = 1,
           .max = 1000000},
          &VerifyRequest::number},
         {{.name = "controls", .help = "random groups beside each", .min = 1, .max = 1000},
          &VerifyRequest::controls},
         {{.name = "seed", .help = "chooses random groups and prompts"}, &VerifyRequest::seed},
         {{.name = "calibrate",
           .help = "instead of one graph, try the ideas of many prompts of the specimen's world"},
          &VerifyRequest::calibrate},
         {{.name = "world", .help = "with --calibrate: prompts of this task", .value = "TASK"},
          &VerifyRequest::world},
         {k_field(), &VerifyRequest::k},
         {trust_field(), &VerifyRequest::trust}});
    return out;
  }();
  return table;
}

void check_verify(const VerifyRequest& request) {
  check(request.graph.has_value() != request.calibrate,
        "give either a graph file or --calibrate, which makes its own graphs");
  check(!request.calibrate || request.group.empty(), "--group is about a graph file");
  check(request.calibrate || !request.world, "--world is about --calibrate");
  check(request.group.empty() || !request.number,
        "-n is how many of a graph's strongest features are tried, but --group says what is: leave "
        "one of them away");
  for (const std::string& text : request.group) {
    named_group(text);
  }
}

}  // namespace cajal
