#include "store/atlas_store.h"

#include <sqlite3.h>

#include "base/error.h"
#include "base/file.h"
#include "store/page_bytes.h"

namespace cajal {
namespace {

constexpr const char* kSchema =
    "PRAGMA page_size = 4096;"
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;"
    "CREATE TABLE layer (site INTEGER PRIMARY KEY, layer INTEGER, input TEXT, output TEXT,"
    " features INTEGER);"
    "CREATE TABLE feature (site INTEGER, feature INTEGER, fires INTEGER, largest REAL,"
    " label TEXT, source INTEGER, score REAL, begins REAL, page BLOB, PRIMARY KEY (site, feature))"
    " WITHOUT ROWID;"
    "CREATE TABLE sequence (number INTEGER PRIMARY KEY, tokens BLOB);"
    "CREATE TABLE piece (token INTEGER PRIMARY KEY, bytes BLOB);";
constexpr const char* kFormat = "cajal atlas 2";

using Connection = std::unique_ptr<sqlite3, int (*)(sqlite3*)>;

[[noreturn]] void broken(sqlite3* database, std::string_view where) {
  fail(ErrorCode::CorruptData,
       "{}: not an atlas that can be read ({}); build it again with cajal atlas", where,
       sqlite3_errmsg(database));
}

/// A prepared statement; parameters and columns count from 0.
class Statement {
 public:
  Statement(sqlite3* database, const char* sql, std::string where)
      : database_(database), where_(std::move(where)) {
    if (sqlite3_prepare_v2(database, sql, -1, &statement_, nullptr) != SQLITE_OK) {
      broken(database, where_);
    }
  }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement() { sqlite3_finalize(statement_); }

  Statement& bind(int i, std::int64_t x) { return done(sqlite3_bind_int64(statement_, i + 1, x)); }
  Statement& bind(int i, double x) { return done(sqlite3_bind_double(statement_, i + 1, x)); }
  Statement& text(int i, std::string_view x) {
    return done(sqlite3_bind_text(statement_, i + 1, x.data(), static_cast<int>(x.size()),
                                  SQLITE_TRANSIENT));
  }
  Statement& blob(int i, std::string_view x) {
    return done(sqlite3_bind_blob(statement_, i + 1, x.empty() ? "" : x.data(),
                                  static_cast<int>(x.size()), SQLITE_TRANSIENT));
  }
  /// Whether there is a row.
  bool step() {
    const int result = sqlite3_step(statement_);
    if (result != SQLITE_ROW && result != SQLITE_DONE) {
      broken(database_, where_);
    }
    return result == SQLITE_ROW;
  }
  void run() {
    step();
    done(sqlite3_reset(statement_));
  }
  std::int64_t integer(int i) const { return sqlite3_column_int64(statement_, i); }
  double real(int i) const { return sqlite3_column_double(statement_, i); }
  /// Text or a blob; valid until the next step.
  std::string_view bytes(int i) const {
    const void* data = sqlite3_column_blob(statement_, i);
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, i));
    return data == nullptr ? std::string_view()
                           : std::string_view(static_cast<const char*>(data), size);
  }

 private:
  Statement& done(int result) {
    if (result != SQLITE_OK) {
      broken(database_, where_);
    }
    return *this;
  }
  sqlite3* database_;
  std::string where_;
  sqlite3_stmt* statement_ = nullptr;
};

Connection open(const char* name, int flags, const std::string& where) {
  sqlite3* raw = nullptr;
  const int result = sqlite3_open_v2(name, &raw, flags, nullptr);
  Connection out(raw, sqlite3_close);
  if (result != SQLITE_OK) {
    broken(raw, where);
  }
  return out;
}

std::int64_t integer(std::uint64_t x) {
  return static_cast<std::int64_t>(x);
}

void write_contents(sqlite3* db, const AtlasContents& contents, const std::string& where) {
  Statement meta(db, "INSERT INTO meta VALUES (?, ?)", where);
  meta.text(0, "format").text(1, kFormat).run();
  meta.text(0, "tokens").text(1, fmt::format("{}", contents.tokens)).run();
  for (const auto& [key, value] : contents.meta) {
    meta.text(0, key).text(1, value).run();
  }
  Statement layer(db, "INSERT INTO layer VALUES (?, ?, ?, ?, ?)", where);
  for (std::size_t site = 0; site < contents.layers.size(); ++site) {
    const AtlasLayer& l = contents.layers[site];
    layer.bind(0, integer(site)).bind(1, integer(l.layer)).text(2, l.input_point);
    layer.text(3, l.output_point).bind(4, integer(l.features)).run();
  }
  Statement sequence(db, "INSERT INTO sequence VALUES (?, ?)", where);
  for (const auto& [number, tokens] : contents.sequences) {
    sequence.bind(0, integer(number)).blob(1, bytes_of(tokens)).run();
  }
  Statement piece(db, "INSERT INTO piece VALUES (?, ?)", where);
  for (const auto& [token, bytes] : contents.pieces) {
    piece.bind(0, std::int64_t{token}).blob(1, bytes).run();
  }
}

void write_pages(sqlite3* db, std::span<const FeaturePage> pages, const std::string& where) {
  Statement feature(db, "INSERT INTO feature VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", where);
  for (const FeaturePage& page : pages) {
    feature.bind(0, std::int64_t{page.id.site}).bind(1, std::int64_t{page.id.feature});
    feature.bind(2, integer(page.fires)).bind(3, static_cast<double>(page.largest));
    feature.text(4, page.label.text).bind(5, static_cast<std::int64_t>(page.label.source));
    feature.bind(6, page.label.score).bind(7, page.label.from).blob(8, bytes_of(page)).run();
  }
}

void execute(sqlite3* db, const char* sql, const std::string& where) {
  if (sqlite3_exec(db, sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
    broken(db, where);
  }
}

/// Throws CorruptData for a page of a feature that no layer has.
FeaturePage page_of(const Statement& row, std::span<const AtlasLayer> layers,
                    std::string_view where) {
  FeaturePage out{
      .id = {static_cast<std::uint32_t>(row.integer(0)),
             static_cast<std::uint32_t>(row.integer(1))},
      .fires = static_cast<std::uint64_t>(row.integer(2)),
      .largest = static_cast<float>(row.real(3)),
      .label = {.text = std::string(row.bytes(4)),
                .source = static_cast<LabelSource>(std::clamp<std::int64_t>(row.integer(5), 0, 4)),
                .score = row.real(6),
                .from = row.real(7)}};
  if (out.id.site >= layers.size() || out.id.feature >= layers[out.id.site].features) {
    fail(ErrorCode::CorruptData, "{}: a page of feature {} of dictionary layer {}, which has none",
         where, out.id.feature, out.id.site);
  }
  read_page(row.bytes(8), where, out);
  return out;
}

}  // namespace

void write_atlas(const std::filesystem::path& path, const AtlasContents& contents,
                 std::span<const FeaturePage> pages) {
  const std::string where = path.string();
  const Connection memory = open(":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, where);
  execute(memory.get(), kSchema, where);
  execute(memory.get(), "BEGIN", where);
  write_contents(memory.get(), contents, where);
  write_pages(memory.get(), pages, where);
  execute(memory.get(), "COMMIT", where);
  sqlite3_int64 size = 0;
  const std::unique_ptr<unsigned char, void (*)(void*)> bytes(
      sqlite3_serialize(memory.get(), "main", &size, 0), sqlite3_free);
  if (bytes == nullptr) {
    fail(ErrorCode::ResourceExhausted, "{}: there is no memory for an atlas of {} features", where,
         pages.size());
  }
  write_file(path, {reinterpret_cast<const char*>(bytes.get()), static_cast<std::size_t>(size)});
}

struct AtlasStore::Database {
  std::string where;
  Connection connection;
};

AtlasStore::AtlasStore(const std::filesystem::path& path) {
  const std::string where = path.string();
  if (!std::filesystem::is_regular_file(path)) {
    fail(ErrorCode::NotFound, "{}: no such atlas; build one with cajal atlas", where);
  }
  database_ =
      std::make_unique<Database>(Database{where, open(where.c_str(), SQLITE_OPEN_READONLY, where)});
  if (meta("format") != kFormat) {
    fail(ErrorCode::CorruptData, "{}: its format is not \"{}\"; build it again with cajal atlas",
         where, kFormat);
  }
  sqlite3* db = database_->connection.get();
  Statement tokens(db, "SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'tokens'", where);
  tokens_ = tokens.step() ? static_cast<std::uint64_t>(tokens.integer(0)) : 0;
  Statement layer(db, "SELECT layer, input, output, features FROM layer ORDER BY site", where);
  while (layer.step()) {
    layers_.push_back({.layer = static_cast<std::size_t>(layer.integer(0)),
                       .input_point = std::string(layer.bytes(1)),
                       .output_point = std::string(layer.bytes(2)),
                       .features = static_cast<std::size_t>(layer.integer(3))});
  }
  Statement piece(db, "SELECT token, bytes FROM piece", where);
  while (piece.step()) {
    pieces_[static_cast<TokenId>(piece.integer(0))] = std::string(piece.bytes(1));
  }
}

AtlasStore::~AtlasStore() = default;

std::optional<std::string> AtlasStore::meta(const std::string& key) const {
  Statement row(database_->connection.get(), "SELECT value FROM meta WHERE key = ?",
                database_->where);
  row.text(0, key);
  return row.step() ? std::optional(std::string(row.bytes(0))) : std::nullopt;
}

std::string AtlasStore::piece(TokenId token) const {
  const auto found = pieces_.find(token);
  return found == pieces_.end() ? std::string() : found->second;
}

std::optional<FeaturePage> AtlasStore::page(FeatureId id) const {
  Statement row(database_->connection.get(), "SELECT * FROM feature WHERE site = ? AND feature = ?",
                database_->where);
  row.bind(0, std::int64_t{id.site}).bind(1, std::int64_t{id.feature});
  return row.step() ? std::optional(page_of(row, layers_, database_->where)) : std::nullopt;
}

AtlasSequence AtlasStore::sequence(std::uint64_t number) const {
  Statement row(database_->connection.get(), "SELECT tokens FROM sequence WHERE number = ?",
                database_->where);
  row.bind(0, integer(number));
  if (!row.step()) {
    fail(ErrorCode::CorruptData, "{}: an example shows text {}, which is not there",
         database_->where, number);
  }
  return read_sequence(row.bytes(0), database_->where);
}

void AtlasStore::visit(const std::function<bool(const FeaturePage&)>& visit) const {
  Statement row(database_->connection.get(), "SELECT * FROM feature ORDER BY site, feature",
                database_->where);
  while (row.step() && visit(page_of(row, layers_, database_->where))) {
  }
}

}  // namespace cajal
