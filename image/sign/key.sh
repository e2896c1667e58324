# key.sh - a signing key for sbsign, sbvarsign and openssl, to be sourced.
#
# A key is named by a PEM file, by a PKCS#11 URI (RFC 7512), or by a file whose one line is such a URI, which saves the
# shell's quoting. Programs that know files only are given a URI as the file that pkcs11-provider reads for it. The PIN
# stays out of arguments and of logs: the URI names its file with pin-source=file:...
#
# The module is PKCS11_MODULE, or else the client of p11-kit, which needs no vendor's library in the build root: whatever
# `p11-kit server` offers on the socket P11_KIT_SOCKET.

# key_use KEY FOLDER - sets key_file; FOLDER is the caller's, private, and kept as long as the key is used
key_use() {
  key_file=$1
  key_uri=
  case $1 in
    pkcs11:*) key_uri=$1 ;;
    *)
      [ -s "$1" ] || { echo "sekisho: the signing key $1 is missing or empty" >&2; return 1; }
      case $(head -c 7 "$1" | tr -d '\0') in pkcs11:) key_uri=$(head -n 1 "$1") ;; esac
      ;;
  esac
  [ -n "$key_uri" ] || return 0

  key_file=$2/key.pem
  printf 'asn1 = SEQUENCE:pair\n[pair]\nname = VISIBLESTRING:PKCS\\#11 Provider URI v1.0\nuri = UTF8String:"%s"\n' "$key_uri" >"$2/key.cnf"
  openssl asn1parse -genconf "$2/key.cnf" -noout -out "$2/key.der"
  {
    echo '-----BEGIN PKCS#11 PROVIDER URI-----'
    base64 -w 64 "$2/key.der"
    echo '-----END PKCS#11 PROVIDER URI-----'
  } >"$key_file"
  cat >"$2/openssl.cnf" <<-END
	openssl_conf = openssl_init
	[openssl_init]
	providers = providers
	[providers]
	default = default_provider
	pkcs11 = pkcs11_provider
	[default_provider]
	activate = 1
	[pkcs11_provider]
	module = /usr/lib/x86_64-linux-gnu/ossl-modules/pkcs11.so
	pkcs11-module-path = ${PKCS11_MODULE:-/usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-client.so}
	activate = 1
	END
  export OPENSSL_CONF="$2/openssl.cnf"
  [ ! -S "${P11_KIT_SOCKET:-}" ] || export P11_KIT_SERVER_ADDRESS="unix:path=$(realpath "$P11_KIT_SOCKET")"
}

# certificate_check CERT - it is one, so that its absence is told by its name
certificate_check() {
  openssl x509 -in "$1" -noout 2>/dev/null || { echo "sekisho: $1 is not a certificate in PEM format" >&2; return 1; }
}
