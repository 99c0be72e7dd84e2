#include "io/pickle.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>

#include "base/error.h"
#include "base/utf8.h"
#include "io/tensor.h"

namespace cajal {
namespace {

using Kind = PickleNode::Kind;

constexpr std::size_t kMostNodes = 1'000'000;
// A value may be used many times for a byte or two each, so what is copied out of it must be small.
constexpr std::size_t kMostAxes = 16;
constexpr std::size_t kLongestKey = 255;    // of a storage
constexpr std::size_t kMostArguments = 16;  // of a call
constexpr std::string_view kRebuildTensor = "torch._utils _rebuild_tensor_v2";
constexpr std::string_view kRebuildParameter = "torch._utils _rebuild_parameter";
constexpr std::string_view kOrderedDict = "collections OrderedDict";

struct StorageName {
  std::string_view name;
  DType dtype;
};
constexpr std::array<StorageName, 8> kStorages = {{
    {"torch FloatStorage", DType::F32},
    {"torch DoubleStorage", DType::F64},
    {"torch HalfStorage", DType::F16},
    {"torch BFloat16Storage", DType::BF16},
    {"torch IntStorage", DType::I32},
    {"torch LongStorage", DType::I64},
    {"torch ByteStorage", DType::U8},
    {"torch BoolStorage", DType::Bool},
}};

std::optional<DType> storage_dtype(std::string_view name) {
  for (const StorageName& storage : kStorages) {
    if (storage.name == name) {
      return storage.dtype;
    }
  }
  return std::nullopt;
}

/// The opcodes that torch writes, by their bytes.
enum class Op : std::uint8_t {
  Mark = '(',
  Stop = '.',
  EmptyTuple = ')',
  EmptyList = ']',
  EmptyDict = '}',
  BinFloat = 'G',
  BinInt = 'J',
  BinInt1 = 'K',
  BinInt2 = 'M',
  None = 'N',
  BinPersId = 'Q',
  Reduce = 'R',
  BinUnicode = 'X',
  Append = 'a',
  Build = 'b',
  Global = 'c',
  Appends = 'e',
  BinGet = 'h',
  LongBinGet = 'j',
  BinPut = 'q',
  LongBinPut = 'r',
  SetItem = 's',
  Tuple = 't',
  SetItems = 'u',
  Proto = 0x80,
  Tuple1 = 0x85,
  Tuple2 = 0x86,
  Tuple3 = 0x87,
  NewTrue = 0x88,
  NewFalse = 0x89,
  Long1 = 0x8A,
};

/// Runs the pickle's little stack machine.
class Reader {
 public:
  Reader(std::span<const std::byte> bytes, const std::string& where)
      : bytes_(bytes), where_(where) {}

  Pickle read() {
    while (step()) {
    }
    out_.root = pop();
    return std::move(out_);
  }

 private:
  template <typename... Args>
  [[noreturn]] void fail_here(ErrorCode code, fmt::format_string<Args...> format,
                              Args&&... args) const {
    fail(code, "{}: offset {}: {}", where_, op_at_,
         fmt::format(format, std::forward<Args>(args)...));
  }
  [[noreturn]] void fail_shape() const {
    fail_here(ErrorCode::CorruptData, "the pickle does not fit together");
  }

  std::span<const std::byte> take(std::size_t count) {
    if (count > bytes_.size() - at_) {
      fail_here(ErrorCode::CorruptData, "the pickle ends within a value");
    }
    const auto out = bytes_.subspan(at_, count);
    at_ += count;
    return out;
  }
  template <typename T>
  T number() {
    T x{};
    std::memcpy(&x, take(sizeof x).data(), sizeof x);
    return x;
  }
  std::string line() {
    const auto rest = bytes_.subspan(at_);
    const auto end = std::find(rest.begin(), rest.end(), std::byte{'\n'});
    if (end == rest.end()) {
      fail_here(ErrorCode::CorruptData, "the pickle ends within a name");
    }
    const auto text = take(static_cast<std::size_t>(end - rest.begin()) + 1);
    return {reinterpret_cast<const char*>(text.data()), text.size() - 1};
  }

  std::size_t add(PickleNode node) {
    if (out_.nodes.size() == kMostNodes) {
      fail_here(ErrorCode::ResourceExhausted, "the pickle has more than {} values", kMostNodes);
    }
    out_.nodes.push_back(std::move(node));
    return out_.nodes.size() - 1;
  }
  void push(PickleNode node) { stack_.push_back(add(std::move(node))); }
  std::size_t pop() {
    const std::size_t floor = marks_.empty() ? 0 : marks_.back();
    if (stack_.size() <= floor) {
      fail_shape();
    }
    const std::size_t top = stack_.back();
    stack_.pop_back();
    return top;
  }
  /// What was pushed since the last mark, which goes.
  std::vector<std::size_t> pop_mark() {
    if (marks_.empty()) {
      fail_shape();
    }
    const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<std::size_t> out(begin, stack_.end());
    stack_.erase(begin, stack_.end());
    marks_.pop_back();
    return out;
  }
  std::vector<std::size_t> pop_many(std::size_t count) {
    std::vector<std::size_t> out(count);
    for (std::size_t i = count; i-- > 0;) {
      out[i] = pop();
    }
    return out;
  }
  PickleNode& node(std::size_t i) { return out_.nodes[i]; }
  PickleNode& top(Kind kind) {
    const std::size_t i = pop();
    stack_.push_back(i);
    return want(i, kind);
  }
  PickleNode& want(std::size_t i, Kind kind) {
    if (node(i).kind != kind) {
      fail_shape();
    }
    return node(i);
  }

  bool step();
  void push_number(Op op);
  void push_long();
  void push_text();
  void push_global();
  void memory(Op op);
  void remember(std::size_t place);
  void recall(std::size_t place);
  void extend(Kind kind, const std::vector<std::size_t>& items);
  void push_storage();
  std::vector<std::size_t> arguments(std::size_t tuple);
  void reduce();
  PickleNode tensor(const std::vector<std::size_t>& arguments);
  std::vector<std::int64_t> sizes(std::size_t tuple);
  void build();

  std::span<const std::byte> bytes_;
  const std::string& where_;
  std::size_t at_ = 0;
  std::size_t op_at_ = 0;  // where the present opcode is
  Pickle out_;
  std::vector<std::size_t> stack_;  // of nodes
  std::vector<std::size_t> marks_;  // heights of the stack
  std::unordered_map<std::size_t, std::size_t> memo_;
};

bool Reader::step() {
  op_at_ = at_;
  const auto op = static_cast<Op>(take(1)[0]);
  switch (op) {
    case Op::Proto:
      take(1);
      break;
    case Op::Stop:
      return false;
    case Op::Mark:
      marks_.push_back(stack_.size());
      break;
    case Op::EmptyTuple:
      push({.kind = Kind::Tuple});
      break;
    case Op::EmptyList:
      push({.kind = Kind::List});
      break;
    case Op::EmptyDict:
      push({.kind = Kind::Dict});
      break;
    case Op::None:
      push({});
      break;
    case Op::NewTrue:
    case Op::NewFalse:
      push({.kind = Kind::Bool, .integer = op == Op::NewTrue ? 1 : 0});
      break;
    case Op::BinInt:
    case Op::BinInt1:
    case Op::BinInt2:
    case Op::BinFloat:
      push_number(op);
      break;
    case Op::Long1:
      push_long();
      break;
    case Op::BinUnicode:
      push_text();
      break;
    case Op::Tuple:
      push({.kind = Kind::Tuple, .items = pop_mark()});
      break;
    case Op::Tuple1:
    case Op::Tuple2:
    case Op::Tuple3:
      push({.kind = Kind::Tuple,
            .items =
                pop_many(static_cast<std::size_t>(op) - static_cast<std::size_t>(Op::Tuple1) + 1)});
      break;
    case Op::BinPut:
    case Op::LongBinPut:
    case Op::BinGet:
    case Op::LongBinGet:
      memory(op);
      break;
    case Op::SetItem:
      extend(Kind::Dict, pop_many(2));
      break;
    case Op::SetItems:
      extend(Kind::Dict, pop_mark());
      break;
    case Op::Append:
      extend(Kind::List, pop_many(1));
      break;
    case Op::Appends:
      extend(Kind::List, pop_mark());
      break;
    case Op::Global:
      push_global();
      break;
    case Op::BinPersId:
      push_storage();
      break;
    case Op::Reduce:
      reduce();
      break;
    case Op::Build:
      build();
      break;
    default:
      fail_here(ErrorCode::Unsupported,
                "the pickle has the opcode 0x{:02X}, which files of tensors do not need; save it "
                "as safetensors, or with torch.save as it is by default",
                static_cast<unsigned>(op));
  }
  return true;
}

void Reader::push_number(Op op) {
  if (op == Op::BinFloat) {
    std::array<std::byte, sizeof(double)> reversed{};  // the one big-endian thing
    const auto raw = take(sizeof(double));
    std::reverse_copy(raw.begin(), raw.end(), reversed.begin());
    push({.kind = Kind::Float, .number = std::bit_cast<double>(reversed)});
    return;
  }
  std::int64_t value = 0;
  if (op == Op::BinInt) {
    value = number<std::int32_t>();
  } else if (op == Op::BinInt2) {
    value = number<std::uint16_t>();
  } else {
    value = number<std::uint8_t>();
  }
  push({.kind = Kind::Int, .integer = value});
}

void Reader::push_long() {
  const std::size_t size = number<std::uint8_t>();
  if (size > sizeof(std::int64_t)) {
    fail_here(ErrorCode::Unsupported, "an integer of {} bytes is too large", size);
  }
  const auto raw = take(size);
  const bool negative = size != 0 && (raw.back() & std::byte{0x80}) != std::byte{0};
  std::int64_t value = negative ? -1 : 0;
  std::memcpy(&value, raw.data(), size);
  push({.kind = Kind::Int, .integer = value});
}

void Reader::push_text() {
  const auto raw = take(number<std::uint32_t>());
  push({.kind = Kind::Text,
        .text = sanitize_utf8({reinterpret_cast<const char*>(raw.data()), raw.size()})});
}

void Reader::push_global() {
  std::string name = line();
  name += ' ' + line();
  if (name != kRebuildTensor && name != kRebuildParameter && name != kOrderedDict &&
      !storage_dtype(name)) {
    std::replace(name.begin(), name.end(), ' ', '.');
    fail_here(ErrorCode::Unsupported,
              "the pickle wants to use '{}', which a file of tensors has no need of and which is "
              "not done here; save the tensors alone, as safetensors or with torch.save of their "
              "state_dict",
              printable(name));
  }
  push({.kind = Kind::Global, .text = std::move(name)});
}

void Reader::memory(Op op) {
  const bool wide = op == Op::LongBinPut || op == Op::LongBinGet;
  const std::size_t place = wide ? number<std::uint32_t>() : number<std::uint8_t>();
  if (op == Op::BinPut || op == Op::LongBinPut) {
    remember(place);
  } else {
    recall(place);
  }
}

void Reader::remember(std::size_t place) {
  const std::size_t i = pop();
  stack_.push_back(i);
  memo_[place] = i;
}

void Reader::recall(std::size_t place) {
  const auto found = memo_.find(place);
  if (found == memo_.end()) {
    fail_shape();
  }
  stack_.push_back(found->second);
}

void Reader::extend(Kind kind, const std::vector<std::size_t>& items) {
  if (kind == Kind::Dict && items.size() % 2 != 0) {
    fail_shape();
  }
  PickleNode& container = top(kind);
  container.items.insert(container.items.end(), items.begin(), items.end());
}

/// ("storage", type, key, device, element count).
void Reader::push_storage() {
  const std::vector<std::size_t> items = arguments(pop());
  if (items.size() != 5 || want(items[0], Kind::Text).text != "storage" ||
      want(items[2], Kind::Text).text.size() > kLongestKey) {
    fail_shape();
  }
  const auto dtype = storage_dtype(want(items[1], Kind::Global).text);
  const std::int64_t count = want(items[4], Kind::Int).integer;
  if (!dtype || count < 0) {
    fail_shape();
  }
  push({.kind = Kind::Storage,
        .dtype = *dtype,
        .integer = count,
        .text = want(items[2], Kind::Text).text});
}

std::vector<std::size_t> Reader::arguments(std::size_t tuple) {
  const std::vector<std::size_t>& items = want(tuple, Kind::Tuple).items;
  if (items.size() > kMostArguments) {
    fail_shape();
  }
  return items;
}

void Reader::reduce() {
  const std::vector<std::size_t> given = arguments(pop());
  const std::string name = want(pop(), Kind::Global).text;
  if (name == kOrderedDict && given.empty()) {
    push({.kind = Kind::Dict});
  } else if (name == kRebuildTensor) {
    push(tensor(given));
  } else if (name == kRebuildParameter && given.size() >= 2) {
    want(given[0], Kind::Tensor);
    stack_.push_back(given[0]);
  } else {
    fail_shape();
  }
}

/// (storage, offset, shape, stride, requires_grad, hooks[, metadata]).
PickleNode Reader::tensor(const std::vector<std::size_t>& arguments) {
  if (arguments.size() < 6) {
    fail_shape();
  }
  PickleNode out{.kind = Kind::Tensor,
                 .dtype = want(arguments[0], Kind::Storage).dtype,
                 .integer = want(arguments[1], Kind::Int).integer,
                 .items = {arguments[0]},
                 .sizes = sizes(arguments[2])};
  const std::vector<std::int64_t> strides = sizes(arguments[3]);
  if (out.integer < 0 || strides.size() != out.sizes.size()) {
    fail_shape();
  }
  out.sizes.insert(out.sizes.end(), strides.begin(), strides.end());
  return out;
}

std::vector<std::int64_t> Reader::sizes(std::size_t tuple) {
  const std::vector<std::size_t>& items = want(tuple, Kind::Tuple).items;
  if (items.size() > kMostAxes) {
    fail_here(ErrorCode::Unsupported, "a tensor of {} axes; up to {} can be read", items.size(),
              kMostAxes);
  }
  std::vector<std::int64_t> out;
  for (const std::size_t i : items) {
    out.push_back(want(i, Kind::Int).integer);
    if (out.back() < 0) {
      fail_shape();
    }
  }
  return out;
}

/// A state for an object made before: only OrderedDicts get one (their _metadata), and it says
/// nothing about tensors.
void Reader::build() {
  pop();
  top(Kind::Dict);
}

}  // namespace

Pickle read_pickle(std::span<const std::byte> bytes, const std::string& where) {
  return Reader(bytes, where).read();
}

}  // namespace cajal
