#!/bin/sh
# The specimen in specimen/model reaches the thresholds that its model card keeps.
exec python3 "$(dirname "$0")/specimen.py" "${1:?usage: $0 PROGRAM}"
