/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf_feature - the tables of conf/feature.h.
 */
#include <conf/feature.h>

#include <string.h>

#include <base/must.h>

#ifdef USE_PCRE2
#define HAVE_PCRE2 true
#else
#define HAVE_PCRE2 false
#endif
#ifdef USE_OPENSSL
#define HAVE_OPENSSL true
#else
#define HAVE_OPENSSL false
#endif
#ifdef USE_CARES
#define HAVE_CARES true
#else
#define HAVE_CARES false
#endif
#ifdef USE_CRYPT
#define HAVE_CRYPT true
#else
#define HAVE_CRYPT false
#endif

/* A feature is what a configuration may use, not what is linked: there is no
 * compression yet, so ZLIB is off. */
const struct conf_feature conf_features[] = {
	{ "51DEGREES", false },
	{ "ACCEPT4", true },
	{ "BACKTRACE", true },
	{ "CARES", HAVE_CARES },
	{ "CLOSEFROM", false },
	{ "CPU_AFFINITY", true },
	{ "CRYPT_H", HAVE_CRYPT },
	{ "DEVICEATLAS", false },
	{ "DL", false },
	{ "ENGINE", false },
	{ "EPOLL", true },
	{ "EVPORTS", false },
	{ "GETADDRINFO", true },
	{ "KQUEUE", false },
	{ "LIBCRYPT", HAVE_CRYPT },
	{ "LINUX_CAP", false },
	{ "LINUX_SPLICE", true },
	{ "LINUX_TPROXY", true },
	{ "LUA", false },
	{ "MEMORY_PROFILING", false },
	{ "NETFILTER", true },
	{ "NS", false },
	{ "OPENSSL", HAVE_OPENSSL },
	{ "OPENSSL_WOLFSSL", false },
	{ "OT", false },
	{ "PCRE", false },
	{ "PCRE2", HAVE_PCRE2 },
	{ "PCRE2_JIT", HAVE_PCRE2 },
	{ "PCRE_JIT", false },
	{ "POLL", true },
	{ "PRCTL", true },
	{ "PROMEX", false },
	{ "QUIC", false },
	{ "RT", true },
	{ "SLZ", false },
	{ "SSL", HAVE_OPENSSL },
	{ "SYSTEMD", true },
	{ "TFO", true },
	{ "THREAD", true },
	{ "TPROXY", true },
	{ "WURFL", false },
	{ "ZLIB", false },
};
const size_t conf_features_n = NELEM(conf_features);

struct conf_enabled conf_enabled[] = {
	{ "EPOLL", true },
	{ "EVPORTS", false },
	{ "FAST-FORWARD", true },
	{ "GETADDRINFO", true },
	{ "KQUEUE", false },
	{ "POLL", true },
	{ "REUSEPORT", true },
	{ "SERVER-SSL-VERIFY-NONE", false },
	{ "SPLICE", true },
};
const size_t conf_enabled_n = NELEM(conf_enabled);

bool
conf_disable(const char *name)
{
	for (size_t i = 0; i < conf_enabled_n; i++) {
		if (strcmp(conf_enabled[i].name, name) == 0) {
			conf_enabled[i].on = false;
			return (true);
		}
	}
	return (false);
}
