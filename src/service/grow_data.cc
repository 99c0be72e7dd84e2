#include "service/grow_data.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/error.h"
#include "corpus/reader.h"
#include "corpus/world/dice.h"
#include "text/tokenizer_json.h"
#include "text/train/train_bpe.h"

namespace cajal {
namespace {

constexpr std::uint64_t kHeldoutDocuments = 2000;  // of a world task

/// One entry of the recipe's data, read.
struct RawPart {
  std::string name;
  RecipeData options;
  std::vector<std::string> texts;
  std::vector<std::string> heldout;
  const Task* task = nullptr;  // its documents are made when they are needed
};

/// The last part of the text, from the begin of a line on, is held out.
void split_text(std::string text, RawPart& part) {
  const auto kept =
      static_cast<std::size_t>(static_cast<double>(text.size()) * (1.0 - part.options.heldout));
  const std::size_t line = kept < text.size() ? text.find('\n', kept) : std::string::npos;
  const std::size_t cut = line == std::string::npos ? text.size() : line + 1;
  if (cut < text.size()) {
    part.heldout.push_back(text.substr(cut));
    text.resize(cut);
  }
  part.texts.push_back(std::move(text));
}

/// Of several documents the last ones are held out.
void read_text(const std::filesystem::path& file, RawPart& part) {
  std::vector<Document> documents = read_documents(file);
  if (documents.size() == 1) {
    split_text(std::move(documents[0].text), part);
    return;
  }
  const auto count = static_cast<double>(documents.size());
  const std::size_t kept =
      documents.size() - static_cast<std::size_t>(count * part.options.heldout);
  for (std::size_t i = 0; i < documents.size(); ++i) {
    (i < kept ? part.texts : part.heldout).push_back(std::move(documents[i].text));
  }
}

/// Documents of a task, made when they are read.
class WorldSource final : public TokenSource {
 public:
  WorldSource(std::shared_ptr<const World> world, const Task& task, Split split, std::uint64_t seed,
              std::shared_ptr<const Tokenizer> tokenizer, Framing framing)
      : world_(std::move(world)),
        task_(task),
        split_(split),
        seed_(seed),
        tokenizer_(std::move(tokenizer)),
        framing_(framing) {}

  std::optional<std::size_t> documents() const override {
    return split_ == Split::Train ? std::nullopt : std::optional<std::size_t>(kHeldoutDocuments);
  }
  /// What is longer than the context loses its end.
  void read(std::uint64_t index, std::vector<TokenId>& out) const override {
    const Document document = task_.generate(split_, seed_, index);
    const auto ids = tokenizer_->encode_ids(document.text, {.add_special_tokens = false});
    out = std::move(framed(ids, framing_).front());
  }

 private:
  std::shared_ptr<const World> world_;
  const Task& task_;
  Split split_;
  std::uint64_t seed_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  Framing framing_;
};

double mean_bytes(const Task& task, std::uint64_t seed) {
  constexpr std::uint64_t kDocuments = 200;
  std::size_t sum = 0;
  for (std::uint64_t i = 0; i < kDocuments; ++i) {
    sum += task.generate(Split::Train, seed, i).text.size();
  }
  return static_cast<double>(sum) / kDocuments;
}

class GrowPreparation {
 public:
  explicit GrowPreparation(const Recipe& recipe) : recipe_(recipe) {}

  GrowData run() {
    for (const RecipeData& data : recipe_.data) {
      read(data);
    }
    make_tokenizer();
    data_.fingerprint =
        Json::object({{"tokenizer", fmt::format("{:016x}", name_hash(data_.tokenizer_json.dump()))},
                      {"world", kWorldVersion}});
    Json tokens(Json::Array{});
    for (RawPart& part : raw_) {
      add(part, tokens);
    }
    data_.fingerprint.set("tokens", std::move(tokens));
    return std::move(data_);
  }

 private:
  void read(const RecipeData& data) {
    if (!data.world.empty()) {
      read_world(data);
      return;
    }
    const std::filesystem::path file = recipe_.resolve(data.text);
    raw_.push_back({.name = file.string(), .options = data});
    read_text(file, raw_.back());
  }

  /// "all": every task, in the world's own mix of documents.
  void read_world(const RecipeData& data) {
    if (!data_.world) {
      data_.world = std::make_shared<const World>();
    }
    if (data.world != "all") {
      add_task(data_.world->task(data.world), data);
      return;
    }
    const std::size_t first = raw_.size();
    double sum = 0.0;
    for (const auto& task : data_.world->tasks()) {
      RecipeData share = data;
      share.weight = task->weight() * mean_bytes(*task, recipe_.seed);
      sum += share.weight;
      if (share.weight > 0.0) {
        add_task(*task, share);
      }
    }
    for (std::size_t i = first; i < raw_.size(); ++i) {
      raw_[i].options.weight *= data.weight / sum;
    }
  }

  void add_task(const Task& task, const RecipeData& data) {
    raw_.push_back({.name = fmt::format("world: {}", task.name()), .options = data, .task = &task});
    if (std::find(data_.tasks.begin(), data_.tasks.end(), &task) == data_.tasks.end()) {
      data_.tasks.push_back(&task);
    }
  }

  void make_tokenizer() {
    std::string where = "the trained tokenizer";
    if (recipe_.tokenizer.file.empty()) {
      data_.tokenizer_json = train_tokenizer();
    } else {
      const std::filesystem::path file = recipe_.resolve(recipe_.tokenizer.file);
      where = file.string();
      data_.tokenizer_json = Json::load(file);
    }
    const std::string text = data_.tokenizer_json.dump();
    data_.tokenizer = read_tokenizer_json(data_.tokenizer_json, where, text.size());
    data_.bos =
        first_known(std::array{"<bos>", "<s>", "<|begin_of_text|>", "<|endoftext|>"}, "begins");
    data_.eos =
        first_known(std::array{"<eos>", "</s>", "<|end_of_text|>", "<|endoftext|>"}, "ends");
    data_.pad = data_.tokenizer->id_of("<pad>").value_or(data_.eos);
  }

  template <typename Names>
  TokenId first_known(const Names& names, std::string_view what) const {
    for (const char* name : names) {
      if (const auto id = data_.tokenizer->id_of(name)) {
        return *id;
      }
    }
    fail(ErrorCode::InvalidArgument,
         "{}: the tokenizer has no token that {} a document, such as {}; give another",
         recipe_.file.string(), what, names.front());
  }

  Json train_tokenizer() const {
    const RecipeTokenizer& t = recipe_.tokenizer;
    BpeRecipe bpe{.vocab = t.vocab,
                  .whole = t.whole,
                  .spelled = t.spelled,
                  .min_count = static_cast<std::int64_t>(t.min_count),
                  .min_names = t.min_names};
    for (const Task* task : data_.tasks) {
      for (const std::string& word : task->whole_words()) {
        if (is_one_word(word)) {
          bpe.whole.push_back(word);
        }
      }
      const auto names = task->split_words();
      bpe.spelled.insert(bpe.spelled.end(), names.begin(), names.end());
    }
    bpe.spelled = words_to_spell(bpe.spelled);
    BpeTrainer trainer(std::move(bpe));
    for (const RawPart& part : raw_) {
      count_words(part, trainer);
    }
    return to_tokenizer_json(trainer.train());
  }

  void count_words(const RawPart& part, BpeTrainer& trainer) const {
    for (const std::string& text : part.texts) {
      trainer.add(text);
    }
    for (std::uint64_t i = 0; part.task != nullptr && i < recipe_.tokenizer.sample; ++i) {
      trainer.add(part.task->generate(Split::Train, recipe_.seed, i).text);
    }
  }

  std::shared_ptr<const TokenSource> tokenized(std::vector<std::string>& texts,
                                               Json& tokens) const {
    auto source = std::make_shared<TokenizedTexts>(framing());
    std::uint64_t hash = 0;
    for (std::string& text : texts) {
      source->add(*data_.tokenizer, text);
      hash = hash * 0x100000001B3U ^ name_hash(text);
      std::string().swap(text);
    }
    tokens.push_back(
        Json::object({{"count", source->tokens()}, {"hash", fmt::format("{:016x}", hash)}}));
    return source;
  }

  void add(RawPart& part, Json& tokens) {
    const RecipeData& o = part.options;
    const auto source = [&](Split split) -> std::shared_ptr<const TokenSource> {
      if (part.task == nullptr) {
        return tokenized(split == Split::Train ? part.texts : part.heldout, tokens);
      }
      return std::make_shared<WorldSource>(data_.world, *part.task, split, recipe_.seed,
                                           data_.tokenizer, framing());
    };
    data_.parts.push_back({.name = part.name,
                           .source = source(Split::Train),
                           .weight = o.weight,
                           .from = o.from,
                           .until = o.until});
    auto heldout = source(Split::Heldout);
    if (heldout->documents() != std::size_t{0}) {
      data_.heldout.push_back(std::move(heldout));
    }
  }

  Framing framing() const { return {data_.bos, data_.eos, recipe_.model.context}; }

  const Recipe& recipe_;
  GrowData data_;
  std::vector<RawPart> raw_;
};

}  // namespace

GrowData prepare_data(const Recipe& recipe) {
  return GrowPreparation(recipe).run();
}

}  // namespace cajal
