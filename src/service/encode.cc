#include "service/encode.h"

#include <set>

#include "base/error.h"
#include "base/parallel.h"
#include "dictionary/encode.h"
#include "dictionary/sites.h"
#include "io/safetensors_writer.h"
#include "measure/dictionary_metrics.h"
#include "service/activation_file.h"
#include "service/input.h"
#include "service/points.h"

namespace cajal {
namespace {

/// What the layers that were asked for receive, and what they should give.
struct Activations {
  std::vector<std::size_t> indices;  // in layers() of the dictionary
  std::vector<ConstMatRef> inputs;   // [tokens, d_in] each
  std::vector<ConstMatRef> targets;  // [tokens, d_out] each; empty: not known
};

std::vector<std::size_t> wanted_layers(const Dictionary& dictionary,
                                       std::optional<std::size_t> layer) {
  if (layer) {
    const auto index = dictionary.index_of(*layer);
    check(index.has_value(), "{}: has no layer {}: its layers are {} to {}", dictionary.info().name,
          *layer, dictionary.layers().front().layer, dictionary.layers().back().layer);
    return {*index};
  }
  std::vector<std::size_t> out(dictionary.layers().size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = i;
  }
  return out;
}

/// The tensor for each layer that is wanted. One of several may be picked from a tensor of them
/// all.
std::vector<ConstMatRef> pick(const ActivationFile& file, const std::string& name,
                              const Dictionary& dictionary, const std::vector<std::size_t>& indices,
                              std::size_t width) {
  const std::size_t all = dictionary.layers().size();
  if (indices.size() < all && file.has_layers(name, all, width)) {
    return {file.matrices(name, all, width)[indices.front()]};
  }
  return file.matrices(name, indices.size(), width);
}

Activations from_file(const EncodeRequest& request, const ActivationFile& file,
                      const Dictionary& dictionary) {
  Activations out{.indices = wanted_layers(dictionary, request.layer)};
  const DictionaryLayer& first = dictionary.layers()[out.indices.front()];
  out.inputs = pick(file, request.tensor, dictionary, out.indices, first.d_in());
  if (!request.target.empty()) {
    out.targets = pick(file, request.target, dictionary, out.indices, first.d_out());
    check(out.targets.front().rows == out.inputs.front().rows,
          "{}: '{}' has {} tokens, but '{}' has {}", request.in, request.target,
          out.targets.front().rows, request.tensor, out.inputs.front().rows);
  } else if (dictionary.kind() == DictionaryKind::Sae) {
    out.targets = out.inputs;
  }
  return out;
}

/// Encodes and decodes what is to be had.
class FeatureEncoding {
 public:
  FeatureEncoding(Backend& backend, const Dictionary& dictionary, Precision precision)
      : backend_(backend), dictionary_(dictionary), precision_(precision) {}

  EncodeResult run(const Activations& from) const {
    EncodeResult out{.tokens = from.inputs.front().rows};
    std::vector<SparseRows> codes(dictionary_.layers().size());
    for (std::size_t i = 0; i < from.indices.size(); ++i) {
      codes[from.indices[i]] =
          encode(backend_, dictionary_, from.indices[i], from.inputs[i], precision_);
    }
    std::optional<DictionaryMetrics> pooled;
    for (std::size_t i = 0; i < from.indices.size(); ++i) {
      out.layers.push_back(layer(from, i, codes, pooled));
      out.l0 += out.layers.back().l0 / static_cast<double>(from.indices.size());
    }
    if (pooled) {
      out.fvu = pooled->fvu();
    }
    for (EncodedLayer& one : out.layers) {
      one.fired = std::move(codes[*dictionary_.index_of(one.layer)]);
    }
    return out;
  }

 private:
  EncodedLayer layer(const Activations& from, std::size_t i, const std::vector<SparseRows>& codes,
                     std::optional<DictionaryMetrics>& pooled) const {
    const std::size_t index = from.indices[i];
    const SparseRows& fired = codes[index];
    EncodedLayer out{.layer = dictionary_.layers()[index].layer, .features = fired.cols};
    out.l0 = static_cast<double>(fired.stored()) / static_cast<double>(fired.rows());
    const bool all_sources =
        from.indices.size() == codes.size() || dictionary_.kind() != DictionaryKind::CrossLayer;
    if (!all_sources) {
      return out;
    }
    out.reconstruction = make_matrix(backend_, fired.rows(), dictionary_.layers()[index].d_out());
    decode(backend_, dictionary_, index, codes, from.inputs[i], out.reconstruction.ref());
    if (from.targets.empty() || fired.rows() < 2) {  // one token has no variance to explain
      return out;
    }
    Matrix target = make_matrix(backend_, from.targets[i].rows, from.targets[i].cols);
    convert(from.targets[i], target.ref());
    DictionaryMetrics metrics(fired.cols);
    metrics.add(std::as_const(target).ref(), std::as_const(out.reconstruction).ref(), fired);
    out.fvu = metrics.fvu();
    if (pooled) {
      pooled->pool(metrics);
    } else {
      pooled = std::move(metrics);
    }
    return out;
  }

  Backend& backend_;
  const Dictionary& dictionary_;
  Precision precision_;
};

EncodeResult encode_file(const EncodeRequest& request) {
  if (request.threads) {
    set_threads(static_cast<int>(*request.threads));
  }
  const OpenedDictionary opened = open_dictionary(request.dictionary, load_options(request.k));
  const auto backend = make_backend(request.device);
  const Precision precision =
      request.precision.empty() ? Precision::F32 : parse_precision(request.precision);
  const ActivationFile file(request.in);
  EncodeResult out = FeatureEncoding(*backend, *opened.dictionary, precision)
                         .run(from_file(request, file, *opened.dictionary));
  out.notes = opened.notes;
  opened.describe(out.provenance);
  out.provenance.device = backend->name();
  out.provenance.precision =
      backend->activation_dtype() == DType::F64 ? "f64" : std::string(name_of(precision));
  return out;
}

/// Values of the points that the sites name, of one text.
std::map<Point, Matrix> read_sites(Session& session, const std::vector<TokenId>& ids,
                                   const std::vector<DictionarySite>& sites,
                                   const std::stop_token& cancel) {
  std::map<Point, Matrix> values;
  for (const DictionarySite& site : sites) {
    values[site.input];
    values[site.output];
  }
  PointSet points;
  for (const auto& [point, none] : values) {
    points.read(point, [&](ConstMatRef value, const PointContext& context) {
      Matrix copy = Matrix::host(value.rows, value.cols, value.dtype);
      convert(value, copy.ref());
      values[context.point] = std::move(copy);
    });
  }
  run_reading(session, ids, std::move(points), LogitRows::None, cancel);
  return values;
}

EncodeResult encode_text(const EncodeRequest& request, const std::stop_token& cancel) {
  Session session = open_session(request);
  const std::vector<TokenId> ids = input_ids(session, request);
  const OpenedDictionary opened = open_dictionary_for(
      session, request.dictionary, load_options(request.k), request.trust, cancel, ids);
  const auto sites = sites_of(*opened.dictionary, session.model->config());
  const auto values = read_sites(session, ids, sites, cancel);
  Activations from{.indices = wanted_layers(*opened.dictionary, request.layer)};
  for (const std::size_t index : from.indices) {
    from.inputs.push_back(values.at(sites[index].input).ref());
    from.targets.push_back(values.at(sites[index].output).ref());
  }
  EncodeResult out =
      FeatureEncoding(*session.backend, *opened.dictionary, session.precision).run(from);
  out.notes = session.notes;
  out.notes.insert(out.notes.end(), opened.notes.begin(), opened.notes.end());
  out.provenance = session.provenance();
  opened.describe(out.provenance);
  return out;
}

/// Rows of a matrix as F32, written one after the other.
void write_rows(SafetensorsWriter& writer, std::string_view name, ConstMatRef from) {
  Matrix row = Matrix::host(1, from.cols, DType::F32);
  for (std::size_t r = 0; r < from.rows; ++r) {
    convert(from.row_range(r, 1), row.ref());
    writer.write(name, std::as_const(row).ref());
  }
}

void write_rows(SafetensorsWriter& writer, std::string_view name, const SparseRows& from) {
  Matrix row = Matrix::host(1, from.cols, DType::F32);
  const std::span<float> values = row.as<float>().row(0);
  for (std::size_t r = 0; r < from.rows(); ++r) {
    std::fill(values.begin(), values.end(), 0.0F);
    const SparseRows::Row entries = from.row(r);
    for (std::size_t i = 0; i < entries.size(); ++i) {
      values[entries.columns[i]] = entries.values[i];
    }
    writer.write(name, std::as_const(row).ref());
  }
}

std::vector<std::size_t> shape_of(const EncodeResult& result, std::size_t cols) {
  return result.layers.size() == 1 ? std::vector{result.tokens, cols}
                                   : std::vector{result.layers.size(), result.tokens, cols};
}

std::size_t fired_at_all(const SparseRows& rows) {
  return std::set<std::uint32_t>(rows.columns.begin(), rows.columns.end()).size();
}

Json number_or_null(const std::optional<double>& value) {
  return value ? Json(*value) : Json();
}

}  // namespace

const FieldTable<EncodeRequest>& encode_fields() {
  static const FieldTable<EncodeRequest> table = [] {
    auto out = input_fields<EncodeRequest>();
    append(out, model_fields<EncodeRequest>());
    append(out,
           {{{.name = "dictionary",
              .help = "the dictionary: a folder or file (default: the specimen's)",
              .letter = 'd',
              .value = "DICTIONARY"},
             &EncodeRequest::dictionary},
            {{.name = "in",
              .help = "activations from this safetensors file instead of a model",
              .value = "FILE"},
             &EncodeRequest::in},
            {{.name = "tensor",
              .help = "which tensor of the file: [tokens, width], with several layers before that",
              .value = "NAME"},
             &EncodeRequest::tensor},
            {{.name = "target",
              .help = "which tensor of the file holds what should come out, for FVU (default: an "
                      "SAE's own input)",
              .value = "NAME"},
             &EncodeRequest::target},
            {{.name = "layer", .help = "only this layer", .value = "L"}, &EncodeRequest::layer},
            {k_field(), &EncodeRequest::k},
            {trust_field(), &EncodeRequest::trust}});
    return out;
  }();
  return table;
}

void check_encode(const EncodeRequest& request) {
  const bool has_text = request.text || !request.ids.empty();
  check(request.in.empty() == has_text,
        "give activations with --in FILE or a text for the model to read, and not both");
  check(!request.in.empty() || (request.tensor.empty() && request.target.empty()),
        "--tensor and --target name tensors of a file: give it with --in");
}

EncodeResult run_encode(const EncodeRequest& request, const std::stop_token& cancel) {
  check_encode(request);
  return request.in.empty() ? encode_text(request, cancel) : encode_file(request);
}

void save_encoded(const EncodeResult& result, const std::filesystem::path& file) {
  const EncodedLayer& first = result.layers.front();
  for (const EncodedLayer& layer : result.layers) {
    check(layer.features == first.features,
          "{}: layers have {} and {} features, which fit no tensor; save each with --layer",
          file.string(), first.features, layer.features);
  }
  std::vector<TensorSpec> specs = {{"features", DType::F32, shape_of(result, first.features)}};
  if (!first.reconstruction.empty()) {
    specs.push_back({"reconstruction", DType::F32, shape_of(result, first.reconstruction.cols())});
  }
  SafetensorsWriter writer(file, std::move(specs),
                           {{"dictionary", result.provenance.dictionary},
                            {"dictionary_hash", result.provenance.dictionary_hash},
                            {"model", result.provenance.model},
                            {"precision", result.provenance.precision},
                            {"version", version_text()}});
  for (const EncodedLayer& layer : result.layers) {
    write_rows(writer, "features", layer.fired);
  }
  for (const EncodedLayer& layer : result.layers) {
    if (!layer.reconstruction.empty()) {
      write_rows(writer, "reconstruction", layer.reconstruction.ref());
    }
  }
  writer.commit();
}

Json to_json(const EncodeResult& result) {
  Json layers(Json::Array{});
  for (const EncodedLayer& layer : result.layers) {
    layers.push_back(Json::object({{"layer", layer.layer},
                                   {"features", layer.features},
                                   {"fired", fired_at_all(layer.fired)},
                                   {"l0", layer.l0},
                                   {"fvu", number_or_null(layer.fvu)}}));
  }
  return Json::object({{"tokens", result.tokens},
                       {"l0", result.l0},
                       {"fvu", number_or_null(result.fvu)},
                       {"layers", std::move(layers)}});
}

}  // namespace cajal
