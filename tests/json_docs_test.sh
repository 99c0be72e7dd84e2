#!/bin/sh
# The examples in docs/json.md have the shape of what the program prints.
exec python3 "$(dirname "$0")/json_docs.py" "${1:?usage: $0 PROGRAM}"
