#!/bin/bash
# runtime-packages.sh PROGRAM...: the Debian packages that hold the libraries the programs are linked to.
set -euo pipefail
ldd "$@" | awk '$2 == "=>" && $3 ~ /^\// {print $3}' | sort -u | xargs -r realpath | sort -u |
  while read -r file; do
    # Packages name files by the path of before /usr was merged, or by that of after.
    dpkg-query -S "$file" 2>/dev/null || dpkg-query -S "${file#/usr}" 2>/dev/null ||
      { echo "no package holds $file" >&2; exit 1; }
  done | cut -d: -f1 | sort -u
