#!/bin/sh
# deps.sh PREFIX CONFIG PATCH - build mbedTLS and libcurl from the source packages in the build root into PREFIX, whole or
# not at all. One configuration header serves both and our own programs (see firmware/lib/mbedtls_config.h).
set -eu
prefix=$1 config=$(realpath "$2") patch=$(realpath "$3")
work=$prefix.work
log=$prefix.log
# the directory's name says what is in it: whoever comes second waits, and finds it made
mkdir -p "${prefix%/*}"
exec 9>"$prefix.lock"
flock 9
if [ -e "$prefix/done" ]; then touch "$prefix/done"; exit 0; fi
rm -rf "$prefix" "$prefix.new" "$work"
mkdir -p "$work"
jobs=$(nproc)
flags='-fPIE -fstack-protector-strong -fcf-protection -D_FORTIFY_SOURCE=3 -ftrivial-auto-var-init=zero'
fail() { echo "sekisho: building $1 failed; the end of $log says why:" >&2; tail -n 15 "$log" >&2; exit 1; }

unpack() { (cd "$work" && dpkg-source --no-check --extract /usr/src/packages/"$1"_*.dsc "$1") >>"$log" 2>&1 || fail "$1 (unpacking)"; }

: >"$log"
unpack mbedtls
mkdir -p "$prefix.new/include" "$prefix.new/lib"
cp "$config" "$work/mbedtls/include/mbedtls/mbedtls_config.h"
patch -d "$work/mbedtls" -p1 <"$patch" >>"$log" 2>&1 || fail "mbedTLS (${patch##*/})"
# For any x86-64: the two files that use AES instructions ask the processor first, as mbedTLS has it; -maes only makes
# them choose their intrinsics, which are faster than their assembly.
make -C "$work/mbedtls/library" CFLAGS="-O3 $flags -maes -mpclmul" aes.o aesni.o >>"$log" 2>&1 || fail mbedTLS
make -C "$work/mbedtls/library" -j"$jobs" CFLAGS="-O3 $flags" static >>"$log" 2>&1 || fail mbedTLS
cp -r "$work/mbedtls/3rdparty/everest/include/everest" "$prefix.new/include/"
cp -r "$work/mbedtls/include/mbedtls" "$work/mbedtls/include/psa" "$prefix.new/include/"
cp "$work"/mbedtls/library/libmbed*.a "$prefix.new/lib/"

unpack curl
(
  cd "$work/curl"
  CFLAGS="-O2 $flags" CPPFLAGS="-I$prefix.new/include" LDFLAGS="-L$prefix.new/lib" ./configure --prefix="$prefix.new" \
    --with-mbedtls="$prefix.new" --disable-shared --enable-static --disable-manual --disable-docs \
    --disable-ftp --disable-file --disable-ldap --disable-ldaps --disable-rtsp --disable-dict --disable-telnet \
    --disable-tftp --disable-pop3 --disable-imap --disable-smb --disable-smtp --disable-gopher --disable-mqtt \
    --disable-ipfs --disable-websockets --disable-proxy --disable-cookies --disable-netrc --disable-ntlm \
    --disable-tls-srp --disable-http-auth --disable-digest-auth --disable-unix-sockets --disable-threaded-resolver --disable-alt-svc --disable-hsts \
    --without-libpsl --without-libidn2 --without-nghttp2 --without-zlib --without-brotli --without-zstd \
    --without-ca-bundle --without-ca-path --without-libssh2 --without-librtmp &&
  make -C lib -j"$jobs" && make -C lib install && make -C include install
) >>"$log" 2>&1 || fail curl
rm -rf "$work"
touch "$prefix.new/done"
mv "$prefix.new" "$prefix"
