#!/bin/sh
# The transcoders in specimen/transcoders reach the thresholds that the model card keeps.
exec python3 "$(dirname "$0")/transcoders.py" "${1:?usage: $0 PROGRAM}"
