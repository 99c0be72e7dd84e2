#!/bin/sh
# Makes one Python environment per peer beside this file, with pinned versions. Only the comparisons need them.
#   setup.sh [transformers] [llama] [dictionaries] [front-end]        default: the first two
# front-end takes circuit-tracer's pages alone, without what it computes with, and the libraries they load from npm.
# llama.cpp is built from its PyPI source package for this machine's processor: about ten minutes on two cores,
# and a C++ compiler is needed. JOBS (default: all cores) limits the build.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python3}

make_environment() {
  [ -x "$here/.venv-$1/bin/pip" ] || "$python" -m venv "$here/.venv-$1"
}

setup_transformers() {
  make_environment transformers
  "$here/.venv-transformers/bin/pip" install -q 'torch==2.13.0' 'transformers==5.23.*' 'tokenizers==0.23.*' \
    'safetensors==0.8.*' 'numpy==2.*' 'gguf==0.19.0'
}

setup_llama() {
  make_environment llama
  CMAKE_ARGS="-DGGML_NATIVE=ON -DMTMD_BUILD=OFF -DLLAVA_BUILD=OFF" \
  CMAKE_BUILD_PARALLEL_LEVEL=${JOBS:-$(nproc)} \
  "$here/.venv-llama/bin/pip" install -q --no-binary llama-cpp-python 'llama-cpp-python==0.3.36' 'gguf==0.19.0' \
    'safetensors==0.8.*' 'numpy==2.*'
}

setup_dictionaries() {
  make_environment dictionaries
  "$here/.venv-dictionaries/bin/pip" install -q 'torch==2.13.0' 'sae-lens==6.54.12' 'circuit-tracer==0.5.0'
}

setup_front_end() {
  make_environment front-end
  "$here/.venv-front-end/bin/pip" install -q --no-deps 'circuit-tracer==0.5.0'
  npm install --silent --no-save --prefix "$here/.venv-front-end/libraries" 'd3@7.9.2' 'd3-jetpack@2.3.0' 'dagre@0.8.5' 'pako@2.1.0'
}

for peer in ${*:-transformers llama}; do
  case $peer in
    transformers | llama | dictionaries) "setup_$peer" ;;
    front-end) setup_front_end ;;
    *) echo "setup.sh: no peer named '$peer' (transformers, llama, dictionaries, front-end)" >&2; exit 2 ;;
  esac
done
