#include "text/models/model.h"

namespace cajal {

void TokenModel::ids(std::string_view text, std::span<const ByteRange> pieces,
                     std::vector<TokenId>& out) const {
  std::vector<ModelToken> found;
  for (const ByteRange piece : pieces) {
    found.clear();
    tokens(text, piece, found);
    for (const ModelToken& token : found) {
      out.push_back(token.id);
    }
  }
}

}  // namespace cajal
