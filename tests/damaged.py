"""Damaged and absurd inputs for the program: each must end with exit code 1 (2 for wrong usage) and
one sentence, soon, and without a huge allocation. Run by tests/damaged_test.sh.

Everything is made from the golden models: a copy of a folder or file with one thing broken.
"""
import contextlib
import json
import os
import pathlib
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time

from tiny_model import tiny_tokenizer

PROGRAM = sys.argv[1]
GOLDEN = pathlib.Path(__file__).resolve().parent / "golden"
SECONDS = 20
RESIDENT_LIMIT = 200 << 20  # bytes; the golden models have 0.2 MB, the program itself some 30 MB
ADDRESS_LIMIT = 6 << 30
GENERATE = ["--ids", "1,2,3", "-n", "2"]


class Case:
    """One input: arguments for the program, the exit code it must give, and what its sentence must
    name (one of these words; none: a file made here that the arguments name)."""

    def __init__(self, name, arguments, code=1, stdin=b"", names=()):
        self.name, self.arguments, self.code, self.stdin = name, arguments, code, stdin
        self.names = names


# --- files ---------------------------------------------------------------------------------------

def read_safetensors(path):
    data = path.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    return json.loads(data[8:8 + size]), data[8 + size:]


def safetensors_bytes(header, data):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


class Workshop:
    """Makes copies with something broken in a folder of its own."""

    def __init__(self, root):
        self.root, self.count = root, 0

    def path(self, name):
        self.count += 1
        folder = self.root / f"{self.count:03d}"
        folder.mkdir()
        return folder / name

    def model(self, family="llama", drop=()):
        folder = self.path(family)
        folder.mkdir()
        for file in (GOLDEN / "models" / family).iterdir():
            if not file.name.startswith(("expected", "config.")) and file.name not in drop:
                shutil.copy(file, folder)
        if "config.json" not in drop:
            shutil.copy(GOLDEN / "models" / family / "config.json", folder)
        return folder

    def with_config(self, edit, family="llama"):
        folder = self.model(family)
        config = json.loads((folder / "config.json").read_text())
        edit(config)
        (folder / "config.json").write_text(json.dumps(config))
        return folder

    def with_file(self, name, content, family="llama"):
        folder = self.model(family)
        if isinstance(content, str):
            content = content.encode()
        (folder / name).write_bytes(content)
        return folder

    def with_weights(self, edit, family="llama"):
        folder = self.model(family)
        header, data = read_safetensors(folder / "model.safetensors")
        (folder / "model.safetensors").write_bytes(edit(header, data))
        return folder

    def file(self, name, content):
        path = self.path(name)
        path.write_bytes(content)
        return path


def generate(name, model):
    return Case(name, ["generate", "-m", str(model), *GENERATE])


# --- configurations ------------------------------------------------------------------------------

LLAMA_VALUES = {
    "num_attention_heads": [0, -4, 10**9, "four", 3, 4.5, True, [4], 2**63],
    "num_hidden_layers": [0, -1, 10**9, 4, "3", {}],
    "hidden_size": [0, -32, 10**9, 33, "wide"],
    "head_dim": [0, -8, 7, 10**9],
    "intermediate_size": [0, -1, 10**12, 65],
    "num_key_value_heads": [0, 3, -2, 8],
    "vocab_size": [0, -1, 10**9, 161],
    "max_position_embeddings": [0, -1, 10**18, "long"],
    "rms_norm_eps": [-1, "small", [], 0.0 - 1e300],
    "hidden_act": ["tanhshrink", 5],
    "model_type": ["bert", 7, None, ""],
    "tie_word_embeddings": ["yes", 2],
    "rope_parameters": [
        "none", {"rope_type": "spiral"}, {"rope_type": "default", "rope_theta": 0},
        {"rope_type": "default", "rope_theta": -1}, {"rope_type": "default", "rope_theta": "big"},
        {"rope_type": "linear", "factor": 0}, {"rope_type": "yarn", "factor": -2},
        {"rope_type": "longrope", "short_factor": [1], "long_factor": [1]}, [1, 2]],
}
OTHER_VALUES = [
    ("mistral", "sliding_window", [-1, "wide", 1.5]),
    ("gemma2", "layer_types", [[], ["sliding_attention"], ["diagonal_attention"] * 4, "all", 3]),
    ("gemma2", "attn_logit_softcapping", ["x", {}]),
    ("gemma2", "query_pre_attn_scalar", [0, -1, "x"]),
    ("gemma3_nested", "text_config", [None, [], 3]),
    ("gpt2", "n_head", [0, 5, -1]),
    ("gpt2", "n_positions", [0, 10**15, -5]),
    ("gpt2", "n_inner", [-3, "wide"]),
    ("smollm3", "no_rope_layers", ["none", 5]),
    ("gpt_neox", "num_key_value_heads", [1]),
    ("gemma2", "attn_logit_softcapping", [-1]),
    ("gemma2", "final_logit_softcapping", [-1]),
]
LLAMA3 = {"rope_type": "llama3", "rope_theta": 10000, "factor": 8,
          "original_max_position_embeddings": 32, "low_freq_factor": 1, "high_freq_factor": 4}
ABSURD_ROPES = [
    {"rope_type": "yarn", "factor": 4, "rope_theta": 10000, "attention_factor": 1e300},
    {"rope_type": "yarn", "factor": 4, "rope_theta": 1},
    {**LLAMA3, "high_freq_factor": 1}, {**LLAMA3, "low_freq_factor": 0},
    {"rope_type": "longrope", "rope_theta": 10000, "original_max_position_embeddings": 1,
     "short_factor": [1] * 4, "long_factor": [1] * 4},
]
GPT_OSS = {"model_type": "gpt_oss", "vocab_size": 160, "hidden_size": 32, "intermediate_size": 24,
           "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 12,
           "num_local_experts": 5, "num_experts_per_tok": 2, "rms_norm_eps": 0.001}
CONFIG_FILES = {
    "empty": b"", "not JSON": b"model_type: llama", "a list": b"[]", "a number": b"7",
    "null": b"null", "cut off": b'{"model_type": "llama", "vocab_si', "deep": b"[" * 100000,
    "a key twice": b'{"model_type": "llama", "model_type": "gpt2"}',
    "zero bytes": b"\0" * 4096, "NaN": b'{"model_type": "llama", "rms_norm_eps": NaN}',
    "no keys": b'{"model_type": "llama"}', "bytes that are not UTF-8": b'{"model_type": "\xff\xfe"}',
}


def config_cases(shop):
    def setter(key, value):
        return lambda config: config.update({key: value})

    for key, values in LLAMA_VALUES.items():
        for value in values:
            yield generate(f"config {key} = {value}", shop.with_config(setter(key, value)))
    for family, key, values in OTHER_VALUES:
        for value in values:
            folder = shop.with_config(setter(key, value), family)
            yield generate(f"{family} config {key} = {value}", folder)
    for value in ([], [["global"]], "local", 7):
        folder = shop.with_config(lambda config, value=value: (
            config.pop("attention_layers", None), config.update(attention_types=value)), "gpt_neo")
        yield generate(f"gpt_neo attention_types = {value}", folder)
    for rope in ABSURD_ROPES:
        folder = shop.with_config(setter("rope_parameters", rope))
        yield generate(f"config rope_parameters = {rope}", folder)
    yield generate("olmo config clip_qkv = -1", shop.with_config(
        lambda config: config.update(model_type="olmo", clip_qkv=-1)))
    yield generate("gpt_oss config swiglu_limit = -3", shop.with_file(
        "config.json", json.dumps({**GPT_OSS, "swiglu_limit": -3})))
    for name, content in CONFIG_FILES.items():
        yield generate(f"config.json: {name}", shop.with_file("config.json", content))
    for key in ["model_type", "hidden_size", "num_attention_heads", "vocab_size"]:
        folder = shop.with_config(lambda config, key=key: config.pop(key))
        yield generate(f"config without {key}", folder)
    yield generate("no config.json", shop.model(drop=["config.json"]))
    folder = shop.model()
    (folder / "config.json").unlink()
    (folder / "config.json").mkdir()
    yield generate("config.json is a folder", folder)


# --- safetensors ---------------------------------------------------------------------------------

EMBED = "model.embed_tokens.weight"


def change(header, name, **members):
    header = dict(header)
    header[name] = {**header[name], **members}
    return header


def without(header, name):
    return {key: value for key, value in header.items() if key != name}


WEIGHT_EDITS = {
    "no bytes": lambda h, d: b"",
    "seven bytes": lambda h, d: b"\1\0\0\0\0\0\0",
    "header length 0": lambda h, d: struct.pack("<Q", 0) + d,
    "header length past the end": lambda h, d: struct.pack("<Q", 1 << 40) + d,
    "header length 2^64 - 1": lambda h, d: b"\xff" * 8 + d,
    "header cut off": lambda h, d: safetensors_bytes(h, d)[:100],
    "data cut off": lambda h, d: safetensors_bytes(h, d[:-4]),
    "data too long": lambda h, d: safetensors_bytes(h, d + b"1234"),
    "header not JSON": lambda h, d: safetensors_bytes(b"x" * 64, d),
    "header a list": lambda h, d: safetensors_bytes(b"[1, 2, 3]", d),
    "header deep": lambda h, d: safetensors_bytes(b'{"a":' * 50000, d),
    "no tensors": lambda h, d: safetensors_bytes({}, b""),
    "a tensor missing": lambda h, d: safetensors_bytes(
        {("spare" if k == "model.norm.weight" else k): v for k, v in h.items()}, d),
    "embedding renamed": lambda h, d: safetensors_bytes(
        {("spare" if k == EMBED else k): v for k, v in h.items()}, d),
    "offsets reversed": lambda h, d: safetensors_bytes(
        change(h, EMBED, data_offsets=h[EMBED]["data_offsets"][::-1]), d),
    "offsets overlap": lambda h, d: safetensors_bytes(
        change(h, EMBED, data_offsets=[x + 4 for x in h[EMBED]["data_offsets"]]), d),
    "offsets negative": lambda h, d: safetensors_bytes(change(h, EMBED, data_offsets=[-8, 0]), d),
    "offsets huge": lambda h, d: safetensors_bytes(
        change(h, EMBED, data_offsets=[1 << 62, (1 << 62) + 8]), d),
    "offsets missing": lambda h, d: safetensors_bytes(
        {**h, EMBED: {"dtype": "F32", "shape": [160, 32]}}, d),
    "three offsets": lambda h, d: safetensors_bytes(change(h, EMBED, data_offsets=[0, 1, 2]), d),
    "shape transposed": lambda h, d: safetensors_bytes(
        change(h, EMBED, shape=h[EMBED]["shape"][::-1]), d),
    "shape huge": lambda h, d: safetensors_bytes(change(h, EMBED, shape=[1 << 40, 1 << 40]), d),
    "shape negative": lambda h, d: safetensors_bytes(change(h, EMBED, shape=[-160, -32]), d),
    "shape empty": lambda h, d: safetensors_bytes(change(h, EMBED, shape=[]), d),
    "dtype integers": lambda h, d: safetensors_bytes(change(h, EMBED, dtype="I32"), d),
    "dtype unknown": lambda h, d: safetensors_bytes(change(h, EMBED, dtype="F37"), d),
    "dtype of another width": lambda h, d: safetensors_bytes(change(h, EMBED, dtype="F64"), d),
    "dtype a number": lambda h, d: safetensors_bytes(change(h, EMBED, dtype=32), d),
    "a name twice": lambda h, d: safetensors_bytes(
        json.dumps(h)[:-1].encode() + b', "model.norm.weight": ' +
        json.dumps(h["model.norm.weight"]).encode() + b"}", d),
    "metadata a number": lambda h, d: safetensors_bytes({**h, "__metadata__": 7}, d),
}


def with_nan(header, data):
    """One NaN in the final norm: every logit is NaN."""
    begin = header["model.norm.weight"]["data_offsets"][0]
    return safetensors_bytes(header, patched(data, begin, struct.pack("<f", float("nan"))))


def weight_cases(shop):
    broken = str(shop.with_weights(with_nan))
    for arguments in (["generate", *GENERATE], ["generate", *GENERATE, "--temperature", "1"],
                      ["score", "--ids", "1,2,3"], ["lens", "--ids", "1,2,3"]):
        yield Case(f"weights with NaN: {' '.join(arguments)}", [*arguments, "-m", broken],
                   names=["not finite"])
    yield Case("weights with NaN: inspect --check", ["inspect", "--check", broken])
    for name, edit in WEIGHT_EDITS.items():
        yield generate(f"safetensors: {name}", shop.with_weights(edit))
    yield generate("no weights", shop.model(drop=["model.safetensors"]))
    index = "model.safetensors.index.json"
    yield generate("shard missing", shop.model(
        "llama_sharded", drop=["model-00002-of-00004.safetensors"]))
    for name, content in {
        "not JSON": "x", "a list": "[]", "no weight_map": "{}",
        "weight_map a list": '{"weight_map": []}',
        "weight_map outside": '{"weight_map": {"%s": "../../model.safetensors"}}' % EMBED,
        "weight_map to a number": '{"weight_map": {"%s": 3}}' % EMBED,
        "weight_map to nowhere": '{"weight_map": {"%s": "none.safetensors"}}' % EMBED,
    }.items():
        yield generate(f"index: {name}", shop.with_file(index, content, "llama_sharded"))


# --- GGUF ----------------------------------------------------------------------------------------

def patched(data, offset, content):
    return data[:offset] + content + data[offset + len(content):]


def gguf_key(data, key):
    """Offset of the value type of a metadata key."""
    place = data.index(struct.pack("<Q", len(key)) + key.encode())
    return place + 8 + len(key)


def without_padding(data, place, count):
    """Where a GGUF header ends whose first tensor's description is at `place`, and its data begin."""
    for _ in range(count):
        place += 8 + struct.unpack_from("<Q", data, place)[0]
        place += 4 + 8 * struct.unpack_from("<I", data, place)[0] + 4 + 8
    return place, -(-place // 32) * 32


def with_dims(data, name, dims):
    """A GGUF file whose first tensor, of one axis, has other dims."""
    place = data.index(struct.pack("<Q", len(name)) + name)
    end, begin = without_padding(data, place, struct.unpack_from("<Q", data, 8)[0])
    axes = place + 8 + len(name)
    header = (data[:axes] + struct.pack(f"<I{len(dims)}Q", len(dims), *dims) + data[axes + 12:end])
    return header + b"\0" * (-len(header) % 32) + data[begin:]


def gguf_cases(shop):
    data = (GOLDEN / "gguf" / "llama3_rope.gguf").read_bytes()
    layers = gguf_key(data, "llama.block_count")
    heads = gguf_key(data, "llama.attention.head_count")
    name = gguf_key(data, "general.architecture")
    tensor = data.index(b"token_embd.weight") + len(b"token_embd.weight")
    edits = {
        "no bytes": b"", "three bytes": data[:3], "another magic": b"GGML" + data[4:],
        "version 1": patched(data, 4, struct.pack("<I", 1)),
        "version 99": patched(data, 4, struct.pack("<I", 99)),
        "big-endian version": patched(data, 4, struct.pack(">I", 3)),
        "2^60 tensors": patched(data, 8, struct.pack("<Q", 1 << 60)),
        "2^60 keys": patched(data, 16, struct.pack("<Q", 1 << 60)),
        "no keys": patched(data, 16, struct.pack("<Q", 0)),
        "a key of 2^62 bytes": patched(data, 24, struct.pack("<Q", 1 << 62)),
        "architecture of 2^40 bytes": patched(data, name + 4, struct.pack("<Q", 1 << 40)),
        "architecture mamba": data.replace(b"\x05\0\0\0\0\0\0\0llama", b"\x05\0\0\0\0\0\0\0mamba", 1)
        .replace(struct.pack("<Q", 5) + b"llama", struct.pack("<Q", 5) + b"mamba"),
        "a value of type 77": patched(data, layers, struct.pack("<I", 77)),
        "0 layers": patched(data, layers + 4, struct.pack("<I", 0)),
        "10^9 layers": patched(data, layers + 4, struct.pack("<I", 10**9)),
        "one layer too many": patched(data, layers + 4, struct.pack("<I", 4)),
        "0 heads": patched(data, heads + 4, struct.pack("<I", 0)),
        "2^32 - 1 heads": patched(data, heads + 4, b"\xff" * 4),
        "no layer count": data.replace(b"llama.block_count", b"llama.block_sauce"),
        "a tensor with 9 axes": patched(data, tensor, struct.pack("<I", 9)),
        "a tensor of 2^60 rows": patched(data, tensor + 12, struct.pack("<Q", 1 << 60)),
        "a tensor of type 200": patched(data, tensor + 20, struct.pack("<I", 200)),
        "a tensor past the end": patched(data, tensor + 24, struct.pack("<Q", 1 << 50)),
        "rope factors of 2^40 x 0": with_dims(data, b"rope_freqs.weight", [1 << 40, 0]),
        "rope factors of another length": with_dims(data, b"rope_freqs.weight", [4]),
        "embedding renamed": data.replace(b"token_embd.weight", b"token_embd.heavy"+b"!"),
        "cut off in the keys": data[:300], "cut off in the tensors": data[:-1000],
        "cut in half": data[:len(data) // 2],
    }
    for what, content in edits.items():
        yield generate(f"gguf: {what}", shop.file("model.gguf", content))
    yield Case("inspect gguf: cut off", ["inspect", str(shop.file("m.gguf", data[:500]))])


# --- tokenizers, chat templates, names, arrays ---------------------------------------------------

def tokenizer_with(**members):
    return json.dumps({**tiny_tokenizer(), **members})


def tokenizer_model(**members):
    base = tiny_tokenizer()
    return json.dumps({**base, "model": {**base["model"], **members}})


def tokenizer_cases(shop):
    token = tiny_tokenizer()["added_tokens"][0]
    files = {
        "empty": "", "not JSON": "BPE", "a list": "[]", "{}": "{}", "deep": "[" * 100000,
        "model null": tokenizer_with(model=None), "model a list": tokenizer_with(model=[]),
        "model of type Oracle": tokenizer_model(type="Oracle"),
        "vocab a list": tokenizer_model(vocab=["a"]), "vocab null": tokenizer_model(vocab=None),
        "vocab id negative": tokenizer_model(vocab={"a": -1}),
        "vocab id huge": tokenizer_model(vocab={"a": 2**62}),
        "vocab id 2^31 - 1": tokenizer_model(vocab={"a": 2**31 - 1}),
        "vocab id a text": tokenizer_model(vocab={"a": "b"}),
        "merges of unknown pieces": tokenizer_model(merges=["qq zz"]),
        "merges of one piece": tokenizer_model(merges=["q"]),
        "merges of numbers": tokenizer_model(merges=[[1, 2]]),
        "merges a text": tokenizer_model(merges="a b"),
        "added tokens a map": tokenizer_with(added_tokens={}),
        "added token id negative": tokenizer_with(added_tokens=[{**token, "id": -5}]),
        "added token id huge": tokenizer_with(added_tokens=[{**token, "id": 2**40}]),
        "added token empty": tokenizer_with(added_tokens=[{**token, "content": ""}]),
        "added token without content": tokenizer_with(added_tokens=[{"id": 0}]),
        "normalizer unknown": tokenizer_with(normalizer={"type": "Shout"}),
        "normalizer a text": tokenizer_with(normalizer="NFC"),
        "pre-tokenizer unknown": tokenizer_with(pre_tokenizer={"type": "Guess"}),
        "pre-tokenizer with a broken regex": tokenizer_with(
            pre_tokenizer={"type": "Split", "pattern": {"Regex": "(a"}, "behavior": "Isolated",
                           "invert": False}),
        "pre-tokenizer in itself": tokenizer_with(
            pre_tokenizer={"type": "Sequence", "pretokenizers": 3}),
        "decoder unknown": tokenizer_with(decoder={"type": "Enigma"}),
        "post-processor unknown": tokenizer_with(post_processor={"type": "Frame"}),
        "post-processor with a missing token": tokenizer_with(post_processor={
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "<ghost>", "type_id": 0}}], "pair": [],
            "special_tokens": {}}),
    }
    for name, content in files.items():
        path = shop.path("tokenizer")
        path.mkdir()
        (path / "tokenizer.json").write_text(content)
        yield Case(f"tokenizer.json: {name}", ["tokens", "-m", str(path), "Hello, world"])
    for name, content in {"empty": b"", "zeros": b"\0" * 1000, "text": b"not a protobuf at all",
                          "a length past the end": b"\x0a\xff\xff\xff\xff\x0f"}.items():
        path = shop.path("tokenizer")
        path.mkdir()
        (path / "tokenizer.model").write_bytes(content)
        yield Case(f"tokenizer.model: {name}", ["tokens", "-m", str(path), "Hello"])


def chat_model(shop, template, extra=None):
    folder = shop.with_file("tokenizer.json", tokenizer_with())
    config = {"chat_template": template, "bos_token": "<s>", **(extra or {})}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return folder


def chat_cases(shop):
    templates = {
        "a tag that never ends": "{% if", "an unknown tag": "{% frobnicate %}",
        "a loop without end": "{% for a in range(100000000) %}x{% endfor %}",
        "a loop in a loop": "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}"
                            "{% endfor %}",
        "a refusal": "{{ raise_exception('no users here') }}",
        "a text that doubles": "{% set ns = namespace(s='xx') %}{% for i in range(60) %}"
                               "{% set ns.s = ns.s + ns.s %}{% endfor %}{{ ns.s }}",
        "an unknown filter": "{{ messages | sing }}", "a number": 7,
        "deep brackets": "{{ " + "(" * 10000 + "1" + ")" * 10000 + " }}",
    }
    for name, template in templates.items():
        folder = chat_model(shop, template)
        yield Case(f"chat template: {name}",
                   ["generate", "-m", str(folder), "--chat", "Hello", "-n", "2"])
    yield Case("chat without template", ["chat", "-m", str(shop.with_file(
        "tokenizer.json", tokenizer_with()))], stdin=b"Hello\n")
    yield Case("chat: an unknown word after /",
               ["chat", "-m", str(chat_model(shop, "{{ messages[0]['content'] }}"))],
               stdin=b"/sing\n", names=["/sing"])
    yield Case("chat: past the context",
               ["chat", "-m", str(chat_model(shop, "{{ messages[0]['content'] }}"))],
               stdin=b"x" * 5000 + b"\n")


def other_file_cases(shop):
    for name, content in {"not JSON": b"a", "a number": b"3", "a list of numbers": b"[1, 2]",
                          "an id too large": b'{"a": 160}', "an id negative": b'{"a": -1}',
                          "an id twice": b'{"a": 1, "b": 1}', "too many names": b"[" + b'"x",' * 160
                          + b'"x"]', "a map of lists": b'{"a": [1]}'}.items():
        vocab = shop.file("vocab.json", content)
        yield Case(f"--vocab: {name}", ["generate", "-m", str(GOLDEN / "models" / "llama"),
                                        "--vocab", str(vocab), *GENERATE])
    for name, content in {"not JSON": "eos", "eos a text": '{"eos_token_id": "</s>"}',
                          "eos a map": '{"eos_token_id": {}}'}.items():
        yield generate(f"generation_config.json: {name}",
                       shop.with_file("generation_config.json", content))
    for name, content in {"array.npy": b"\x93NUMPY\x01\0\xff\xff{", "empty.npy": b"",
                          "archive.npz": b"PK\x03\x04 not an archive", "empty.npz": b"",
                          "x.safetensors": b"\xff" * 100}.items():
        yield Case(f"inspect {name}", ["inspect", str(shop.file(name, content))])
    yield Case("inspect a folder with nothing", ["inspect", str(shop.path("").parent)])
    yield Case("--check of tensors", ["inspect", "--check", str(
        GOLDEN / "models" / "llama" / "model.safetensors")])
    yield Case("tokens --jsonl: not JSON", ["tokens", "--jsonl", "-", "-m", str(
        shop.with_file("tokenizer.json", tokenizer_with()))], stdin=b"hello\n", names=["line 1"])
    yield Case("tokens --jsonl: a number", ["tokens", "--jsonl", "-", "-m", str(
        shop.with_file("tokenizer.json", tokenizer_with()))], stdin=b"7\n", names=["line 1"])


# --- the command line ----------------------------------------------------------------------------

LONG = {"-n": "--max-tokens", "-t": "--threads", "-o": "--output", "-m": "--model", "-f": "--file"}


def flag_cases(shop):
    llama = str(GOLDEN / "models" / "llama")
    one = ["generate", "-m", llama, "--ids", "1"]
    for flags in (["-n", "0"], ["-n", "-5"], ["-n", "1e3"], ["-n", "99999999999999999999999"],
                  ["--temperature", "-1"], ["--temperature", "nan"], ["--temperature", "inf"],
                  ["--temperature", "hot"], ["--top-p", "1.5"], ["--top-p", "0"],
                  ["--min-p", "-0.1"], ["--stop", ""], ["--vocab", ""], ["-o", ""],
                  ["--top-k", "-1"], ["--repeat-penalty", "0"], ["--seed", "-1"],
                  ["--logprobs", "100000"], ["--device", "tpu"], ["--precision", "f8"],
                  ["-t", "0"], ["-t", "-1"], ["-t", "1000000"], ["--nonsense"], ["--model"],
                  ["text and ids"]):
        yield Case(f"flags {' '.join(flags)}", [*one, *flags], code=2,
                   names=[LONG.get(flags[0], flags[0]), "--ids"])
    for ids in ("", ",", "1,,2", "1,a", "1.5", "99999999999999", "0x10"):
        yield Case(f"--ids '{ids}'", ["generate", "-m", llama, "--ids", ids], code=2,
                   names=["--ids"])
    for ids in ("160", "-1", "2147483647", "-2147483648"):
        yield Case(f"--ids {ids}", ["generate", "-m", llama, f"--ids={ids}", "-n", "1"],
                   names=["--ids"])
    long_ids = ",".join(["1"] * 200)
    yield Case("more ids than the context", ["generate", "-m", llama, "--ids", long_ids])
    yield Case("score past the context", ["score", "-m", llama, "--ids", long_ids])
    yield Case("lens past the context", ["lens", "-m", llama, "--ids", long_ids])
    yield Case("points past the context", ["points", "-m", llama, "--ids", long_ids, "--all"])
    for point in ("", ".", "resid_post.", "resid_post.3", "resid_post.-1", "q", "blocks.0",
                  "resid_post.99999999999999999999", "x" * 100000):
        if point == "q":
            continue  # means every layer
        yield Case(f"--point '{point[:30]}'",
                   ["points", "-m", llama, "--ids", "1", "--point", point],
                   code=1 if point else 2, names=["point"])
    yield Case("a model that is not there", ["generate", "-m", "/no/such/model", "--ids", "1"])
    yield Case("a model outside the cache's names", ["generate", "-m", "../..", "--ids", "1"])
    yield Case("a model that is a device", ["generate", "-m", "/dev/null", "--ids", "1"])
    pipe = shop.path("model.gguf")
    os.mkfifo(pipe)
    yield generate("a model that is a pipe", pipe)
    yield Case("an output folder that is not there", [*one, "-o", "/no/such/folder/file"])
    yield Case("an output that is a folder", [*one, "-o", str(shop.path("").parent), "--force"])
    yield Case("a prompt file that is a folder",
               ["generate", "-m", llama, "-f", str(shop.path("").parent)])
    for flag in ("-f", "-m"):
        yield Case(f"{flag} ''", ["generate", flag, "", "-n", "1"], code=2, names=[LONG[flag]])
    for wrong in (["tokens", "--device", "ref"], ["tokens", "-t", "1"]):
        yield Case(f"{' '.join(wrong)}, which it would ignore", [*wrong, "-m", llama, "--ids", "1"],
                   code=2, names=["device", "-t"])
    yield Case("inspect FILE --device", ["inspect", "--device", "ref", str(
        GOLDEN / "models" / "llama" / "model.safetensors")], names=["--device"])
    for name in ("config.json", "README.md"):
        path = GOLDEN / "models" / ("llama" if name == "config.json" else ".") / name
        yield Case(f"inspect {name}", ["inspect", str(path)], names=[".gguf"])
    yield Case("no command", [], code=2)
    yield Case("an unknown command", ["ponder"], code=2)


# --- running -------------------------------------------------------------------------------------

class Outcome:
    def __init__(self, code, out, err, seconds, resident):
        self.code, self.out, self.err = code, out, err
        self.seconds, self.resident = seconds, resident


def limit_memory():
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_LIMIT, ADDRESS_LIMIT))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def execute(case, folder):
    out, err = folder / "out", folder / "err"
    stdin = folder / "in"
    stdin.write_bytes(case.stdin)
    start = time.monotonic()
    with open(out, "wb") as o, open(err, "wb") as e, open(stdin, "rb") as i:
        process = subprocess.Popen([PROGRAM, *case.arguments], stdin=i, stdout=o, stderr=e,
                                   preexec_fn=limit_memory)
        killer = threading.Timer(SECONDS, process.kill)
        killer.start()
        _, status, usage = os.wait4(process.pid, 0)
        killer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
    return Outcome(process.returncode, out.read_bytes(),
                   err.read_bytes().decode(errors="replace"), time.monotonic() - start,
                   usage.ru_maxrss * 1024)


def names_of(case, root):
    """What the sentence must name: what the case says, or the files made here."""
    return case.names or [x for x in case.arguments if x.startswith(str(root))]


def problems(case, outcome, root):
    """What is wrong with the outcome, one sentence each."""
    lines = outcome.err.splitlines()
    errors = [line for line in lines if line.startswith("cajal: error: ")]
    if outcome.seconds >= SECONDS:
        yield f"did not end within {SECONDS} s"
    if outcome.code != case.code:
        yield f"exit code {outcome.code}, not {case.code}"
    if len(errors) != 1 or not lines or lines[-1] != errors[0]:
        yield f"{len(errors)} error lines, not one at the end"
    if any(not line.startswith("cajal: ") for line in lines):
        yield "lines on standard error that are not cajal's"
    if errors and (len(errors[0]) < 25 or len(errors[0]) > 700):
        yield f"a sentence of {len(errors[0])} characters"
    names = names_of(case, root)
    if names and not any(name in line for name in names for line in errors):
        yield f"the sentence names none of {', '.join(names)}"
    if "out of memory" in outcome.err or "std::" in outcome.err or "basic_" in outcome.err:
        yield "an exception of the library in place of a sentence"
    if outcome.resident > RESIDENT_LIMIT:
        yield f"{outcome.resident >> 20} MB of memory"


def main():
    failed = count = 0
    show = "--show" in sys.argv
    with contextlib.ExitStack() as stack:
        root = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        shop = Workshop(root)
        for make in (config_cases, weight_cases, gguf_cases, tokenizer_cases, chat_cases,
                     other_file_cases, flag_cases):
            for case in make(shop):
                count += 1
                outcome = execute(case, root)
                found = list(problems(case, outcome, root))
                failed += bool(found)
                if found or show:
                    print(f"{'FAILED' if found else 'ok'} {case.name}: {'; '.join(found)}\n"
                          f"    {outcome.err.strip()[:500]}", flush=True)
    print(f"{count} damaged inputs, {failed} failed")
    return failed != 0 or count < 80


if __name__ == "__main__":
    sys.exit(main())
