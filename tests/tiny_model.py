"""A model that reads text: a golden model's random weights with a tokenizer of single characters."""
import json
import pathlib
import shutil
import sys

GOLDEN = pathlib.Path(__file__).resolve().parent / "golden"
CHAT_TEMPLATE = ("{% for m in messages %}<s>{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}"
                 "{% if add_generation_prompt %}<s>assistant:{% endif %}")


PAIRS = ("th he in er an re nd at on nt ha es st en ed to it ou ea hi is or ti as te et ng of al de "
         "se le sa si ar ve ra ld ur wo ca co di ro ho lo no la il ma me ne we be ri li un us ut ee "
         "oo ll ss").split()


def tiny_tokenizer():
    """Byte-level BPE: the characters of ASCII and 63 pairs, for the golden models' 160 ids."""
    letters = [chr(c) for c in range(33, 127)] + ["\u0120", "\u010a"]
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [
            {"id": 0, "content": "<s>", "single_word": False, "lstrip": False, "rstrip": False,
             "normalized": False, "special": True}],
        "normalizer": None,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True,
                          "use_regex": True},
        "post_processor": None,
        "decoder": {"type": "ByteLevel"},
        "model": {"type": "BPE", "dropout": None, "unk_token": None,
                  "continuing_subword_prefix": None, "end_of_word_suffix": None,
                  "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                  "vocab": {"<s>": 0, **{x: i + 1 for i, x in enumerate(letters + PAIRS)}},
                  "merges": [[a, b] for a, b in PAIRS]},
    }


def write_tiny_model(folder, family="llama", **changes):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True)
    source = GOLDEN / "models" / family
    shutil.copy(source / "model.safetensors", folder)
    config = json.loads((source / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "bos_token_id": 0, **changes}))
    (folder / "tokenizer.json").write_text(json.dumps(tiny_tokenizer()))
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"bos_token": "<s>", "chat_template": CHAT_TEMPLATE}))


if __name__ == "__main__":
    write_tiny_model(sys.argv[1], **json.loads(sys.argv[2] if len(sys.argv) > 2 else "{}"))
