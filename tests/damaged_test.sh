#!/bin/sh
# Damaged and absurd inputs: one sentence each, no crash, no hang, no huge allocation.
exec python3 "$(dirname "$0")/damaged.py" "${1:?usage: $0 PROGRAM}"
