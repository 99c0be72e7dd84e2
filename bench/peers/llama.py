"""The few calls of llama.cpp's C interface that the comparisons need, over the binding in .venv-llama."""

import ctypes
from pathlib import Path

import llama_cpp
import numpy as np

_silence = llama_cpp.llama_log_callback(lambda level, text, data: None)


class Llama:
    """One model and one context. F32 cache and no flash attention when `exact`, llama.cpp's defaults otherwise."""

    def __init__(self, path, context, threads=2, exact=True):
        llama_cpp.llama_log_set(_silence, ctypes.c_void_p(0))
        llama_cpp.llama_backend_init()
        self.model = llama_cpp.llama_model_load_from_file(str(path).encode(), llama_cpp.llama_model_default_params())
        if not self.model:
            raise SystemExit(f"llama.cpp cannot load {path}")
        params = llama_cpp.llama_context_default_params()
        params.n_ctx = params.n_batch = params.n_ubatch = context
        params.n_threads = params.n_threads_batch = threads
        if exact:
            params.type_k = params.type_v = llama_cpp.GGML_TYPE_F32
            params.flash_attn_type = llama_cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED
        self.context = llama_cpp.llama_init_from_model(self.model, params)
        self.vocab_size = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(self.model))

    def forget(self):
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self.context), True)

    def evaluate(self, tokens, start, every_row=False):
        """Runs tokens at positions start, start + 1, …; returns float32 logits [rows, vocab], the last row only
        unless every_row."""
        count = len(tokens)
        batch = llama_cpp.llama_batch_init(count, 0, 1)
        batch.n_tokens = count
        for i, token in enumerate(tokens):
            batch.token[i], batch.pos[i] = token, start + i
            batch.n_seq_id[i], batch.seq_id[i][0] = 1, 0
            batch.logits[i] = every_row or i == count - 1
        status = llama_cpp.llama_decode(self.context, batch)
        llama_cpp.llama_batch_free(batch)
        if status:
            raise SystemExit(f"llama_decode failed with {status}")
        rows = range(count) if every_row else [count - 1]
        return np.array([np.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(self.context, i), (self.vocab_size,))
                         for i in rows])

    def logits(self, tokens):
        self.forget()
        return self.evaluate(tokens, 0, every_row=True)

    def close(self):
        llama_cpp.llama_free(self.context)
        llama_cpp.llama_model_free(self.model)


def decode_blocks(kind, data, count):
    """float32 values of `count` weights in blocks of `kind` ("Q4_K"), decoded by ggml itself."""
    library = ctypes.CDLL(Path(llama_cpp.__file__).parent / "lib" / "libggml-base.so")
    decode = getattr(library, "dequantize_row_" + kind.replace("Q", "q"))
    data, out = np.ascontiguousarray(data), np.empty(count, np.float32)
    decode(ctypes.c_void_p(data.ctypes.data), ctypes.c_void_p(out.ctypes.data), ctypes.c_int64(int(count)))
    return out
