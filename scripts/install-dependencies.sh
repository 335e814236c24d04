#!/usr/bin/env bash
# Installs the Debian packages that dtc is built and tested with: only those that are missing, so a second run does nothing.
set -euo pipefail

packages=(
  ca-certificates git cmake ninja-build ccache python3             # to build
  g++ clang-22                                                     # runtime and programs; the compiler, in half of g++'s time
  libmlir-22-dev mlir-22-tools llvm-22-dev llvm-22-tools           # the compiler's base; FileCheck and lit
  libmimalloc-dev                                                  # dtc's own memory
  libonnx-dev libonnx-testdata libprotobuf-dev protobuf-compiler   # ONNX
  libdnnl-dev libopenmpi-dev openmpi-bin                           # the runtime's mathematics and communication
  nlohmann-json3-dev zlib1g-dev librandom123-dev                   # the runtime's files and random numbers
  libgtest-dev python3-psutil                                      # unit tests; time limits of lit
  dataset-fashion-mnist                                            # the examples' images
)

die() { echo "install-dependencies: $*" >&2; exit 1; }

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) || status=
  [ "$status" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

command -v apt-get >/dev/null || die "this is no Debian system; install what these packages hold by hand: ${missing[*]}"
as_root=()
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || die "run as root, or install sudo; missing packages: ${missing[*]}"
  as_root=(sudo)
fi
apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=600 "$@"; }

echo "installing ${missing[*]}" >&2
apt update || die "'apt-get update' failed"
for package in "${missing[@]}"; do
  apt-cache show "$package" >/dev/null 2>&1 ||
    die "no package source has $package; Debian 12 has it in 'deb http://deb.debian.org/debian bookworm main' or 'deb http://deb.debian.org/debian-security bookworm-security main' (LLVM 22)"
done
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt install --no-install-recommends -y "${missing[@]}" >"$log" 2>&1 || { tail -n 20 "$log" >&2; die "'apt-get install' failed"; }
